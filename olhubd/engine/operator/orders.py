"""What a person does to an order: a note, a status, a parcel, an edit, a payment, sending it on.

Each is one transaction: the order as it then is, an event that names who did it, and what follows from it by the
routes. Whether it may be done is decided in `olhubd.decide.permitted`, inside that transaction.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import msgspec

from olhubd.config.problem import near
from olhubd.decide import changes, permitted, plan
from olhubd.decide.order_edit import OrderEdit, edited, version
from olhubd.decide.override import Booking, Override, booked
from olhubd.decide.own_status import next_status, plan_status
from olhubd.decide.permitted import OperatorAction, OrderSituation, PermittedAction
from olhubd.decide.plan import PlannedDelivery, PushPayload
from olhubd.decide.planning import Transition
from olhubd.engine.directory import Directory
from olhubd.engine.errors import NotPossible
from olhubd.engine.in_force import InForce
from olhubd.engine.levels.reserving import reserve
from olhubd.engine.operator.deliveries import in_doubt
from olhubd.engine.outbox.recorder import Recorder
from olhubd.engine.planning import follow
from olhubd.model import (
    Address,
    Cause,
    Delivery,
    DeliveryState,
    Fulfilment,
    Money,
    Order,
    OrderId,
    Reason,
    Shipment,
    Subject,
)
from olhubd.plugin import Clock
from olhubd.store import Database, Transaction, codec, customers, deliveries, orders, overrides
from olhubd.store.orders import StoredOrder

__all__ = ["OrderActions"]

T = TypeVar("T")


class OrderActions:
    """The hands of a person on orders."""

    def __init__(self, directory: Directory, in_force: InForce, database: Database, clock: Clock) -> None:
        self._directory = directory
        self._in_force = in_force
        self._database = database
        self._clock = clock

    def standing(self, stored: StoredOrder, owed: Sequence[Delivery], remark: Override) -> OrderSituation:
        """All that decides what may be done with an order, of which these are the deliveries and the overrides."""
        units = self._directory.units
        unit = units.get(stored.account)
        own: dict[Fulfilment, str] = {}
        if unit is not None:
            words = {state: unit.connection.word_for(state) for state in permitted.STATUSES}
            own = {state: word for state, word in words.items() if word is not None}
        routes = [route for route in self._in_force.routes() if stored.account in route.sources]
        concerned = {stored.account, *(route.target for route in routes)} & units.keys()
        return OrderSituation(
            account=stored.account,
            order=stored.order,
            superseded=stored.superseded_by is not None,
            deliveries=owed,
            erased=remark.erased,
            routes=routes,
            able={name: frozenset(units[name].connector.capabilities()) for name in concerned},
            own=own,
            own_status=stored.own_status,
            statuses=self._in_force.statuses(),
        )

    def choices(self, standing: OrderSituation) -> Sequence[PermittedAction]:
        """What may be done with it now, and why not the rest."""
        return permitted.of_order(standing, self._clock.now())

    async def note(self, order_id: OrderId, text: str | None, who: str) -> None:
        """Write the hub's own note on an order, or remove it. It goes nowhere."""

        async def work(sheet: _Sheet) -> None:
            if text == sheet.remark.note:
                return
            sheet.remark = msgspec.structs.replace(sheet.remark, note=text)
            await sheet.record(changes.NoteChanged(removed=text is None))

        await self._change(order_id, OperatorAction.NOTE, who, work)

    async def status(self, order_id: OrderId, status: Fulfilment, who: str) -> dict[str, str]:
        """Say how far it has come. Returns to whom that goes, by account and its own word."""

        async def work(sheet: _Sheet) -> dict[str, str]:
            order = sheet.stored.order
            if status not in permitted.STATUSES:
                known = ", ".join(permitted.STATUSES)
                raise NotPossible(Reason("request.status", status=status, known=known))
            if status is order.fulfilment:
                return {}
            goes = permitted.statuses(sheet.standing)[status]
            said = sheet.remark.fulfilment_instead_of if sheet.remark.fulfilment is not None else order.fulfilment
            sheet.remark = msgspec.structs.replace(sheet.remark, fulfilment=status, fulfilment_instead_of=said)
            sheet.stored = _with(sheet.stored, fulfilment=status)
            change = changes.FulfilmentChanged(old=order.fulfilment, new=status)
            await sheet.record(change, [plan.status_at(account, word, 0) for account, word in sorted(goes.items())])
            return goes

        return await self._change(order_id, OperatorAction.STATUS, who, work)

    async def own_status(self, order_id: OrderId, name: str | None, who: str) -> dict[str, str]:
        """Give it a status of the seller's own list, or none. Returns where that goes, by account and its word."""

        async def work(sheet: _Sheet) -> dict[str, str]:
            stored, standing = sheet.stored, sheet.standing
            known = {one.name for one in standing.statuses.items}
            if name is not None and name not in known:
                hint = near(name, known)
                raise NotPossible(Reason("status.unknown", status=name, near=f" ({hint})" if hint else ""))
            if name == stored.own_status:
                return {}
            sheet.stored = msgspec.structs.replace(stored, own_status=name)
            about = (stored.account, stored.order, name)
            planned = list(plan_status(*about, standing.routes, standing.holders, standing.statuses))
            await sheet.record(changes.OwnStatusChanged(old=stored.own_status, new=name), planned)
            goes = permitted.own_statuses(standing).get(name, {}) if name is not None else {}
            told = {one.target for one in planned}
            return {account: word for account, word in goes.items() if account in told}

        return await self._change(order_id, OperatorAction.OWN_STATUS, who, work)

    async def ship(self, order_id: OrderId, shipment: Shipment, who: str) -> tuple[str, ...]:
        """Add a parcel. Returns the accounts to which it will be sent."""

        async def work(sheet: _Sheet) -> tuple[str, ...]:
            order = sheet.stored.order
            if shipment.key in {known.key for known in order.shipments}:
                raise NotPossible(
                    Reason("request.parcel-twice", carrier=shipment.carrier, waybill=shipment.waybill)
                )
            standing = sheet.standing
            told = {r.target for r in standing.routes if r.sync_shipments and r.target in standing.holders}
            told |= {standing.account}
            able = sorted(name for name in told if "ShipmentSink" in standing.able.get(name, ()))
            parcel = msgspec.structs.replace(shipment, created_at=self._clock.now())
            sheet.stored = _with(sheet.stored, shipments=(*order.shipments, parcel))
            change = changes.Shipped(carrier=shipment.carrier, waybill=shipment.waybill)
            await sheet.record(change, [plan.shipment_at(name, shipment, 0) for name in able])
            return tuple(able)

        return await self._change(order_id, OperatorAction.SHIP, who, work)

    async def address(self, order_id: OrderId, address: Address, who: str) -> None:
        """Send it elsewhere. Fields left out stay as they are. What has the order already is sent nothing."""
        await self._edit(order_id, OrderEdit(recipient=address), None, OperatorAction.ADDRESS, who)

    async def edit(self, order_id: OrderId, edit: OrderEdit, seen: str, who: str) -> None:
        """Edit parts of it, where it is still as its editor saw it: `seen` is the version of that.

        Until it is sent on the edit is what goes; afterwards it stays here. Raises EditRefused with the field.
        """
        await self._edit(order_id, edit, seen, OperatorAction.EDIT, who)

    async def _edit(
        self, order_id: OrderId, edit: OrderEdit, seen: str | None, act: OperatorAction, who: str
    ) -> None:
        async def work(sheet: _Sheet) -> None:
            order = sheet.stored.order
            if seen is not None and seen != version(order, sheet.remark):
                raise NotPossible(Reason("edit.stale", order=order_id))
            done = edited(order_id, order, sheet.remark, edit, sorted(sheet.standing.there))
            if done is None:
                return
            after, sheet.remark, change = done
            sheet.relined = after.lines != order.lines
            await self._follow(sheet, after, change)

        await self._change(order_id, act, who, work)

    async def book(self, order_id: OrderId, amount: Money, comment: str | None, who: str) -> None:
        """Record money that was received outside of the marketplace. No more than is open."""

        async def work(sheet: _Sheet) -> None:
            order = sheet.stored.order
            if amount.currency != order.total.currency:
                raise NotPossible(Reason("booking.currency", paid=amount.currency, total=order.total.currency))
            if not amount.exact or amount.amount <= 0 or amount.rounded() != amount:
                raise NotPossible(Reason("booking.amount", amount=str(amount.amount)))
            left = order.total - order.paid
            if amount.amount > left.amount:
                raise NotPossible(Reason("booking.too-much", amount=amount, left=left))
            number = max((one.id for one in sheet.remark.bookings), default=0) + 1
            booking = Booking(id=number, amount=amount, at=self._clock.now(), who=who, comment=comment)
            await self._rebook(sheet, (*sheet.remark.bookings, booking), booking)

        await self._change(order_id, OperatorAction.PAYMENT, who, work)

    async def unbook(self, order_id: OrderId, number: int, comment: str | None, who: str) -> None:
        """Undo a payment that was booked by hand. It stays in the order's history."""

        async def work(sheet: _Sheet) -> None:
            known = {one.id: one for one in sheet.remark.bookings}
            booking = known.get(number)
            if booking is None:
                raise NotPossible(Reason("booking.none", booking=number))
            if booking.undone_at is not None:
                return
            undone = msgspec.structs.replace(
                booking, undone_at=self._clock.now(), undone_by=who, undone_comment=comment
            )
            await self._rebook(sheet, tuple({**known, number: undone}.values()), undone)

        await self._change(order_id, OperatorAction.PAYMENT, who, work)

    async def _rebook(self, sheet: _Sheet, bookings: tuple[Booking, ...], one: Booking) -> None:
        order = sheet.stored.order
        after = booked(order, bookings)
        sheet.remark = msgspec.structs.replace(sheet.remark, bookings=bookings)
        change = changes.PaymentBooked(
            booking=one.id, amount=one.amount, old=order.paid, new=after.paid, undone=one.undone_at is not None
        )
        await self._follow(sheet, after, change)

    async def _follow(self, sheet: _Sheet, after: Order, change: changes.Change) -> None:
        """Record the change with what follows from the order as it is now, such as that it may go on."""
        before = sheet.stored.order
        sheet.stored = msgspec.structs.replace(sheet.stored, order=after, document=codec.encode(after))
        found: list[changes.Change] = [change]
        if after.fully_paid and not before.fully_paid:
            found.append(changes.Paid(amount=after.paid))
        account, held, statuses = sheet.stored.account, sheet.stored.own_status, self._in_force.statuses()
        if (given := next_status(account, before, after, held, statuses)) != held:
            sheet.stored = msgspec.structs.replace(sheet.stored, own_status=given)
            found.append(changes.OwnStatusChanged(old=held, new=given))
        step = Transition(
            subject=Subject.order(sheet.stored.id),
            account=sheet.stored.account,
            before=before,
            after=after,
            changes=found,
            own_status=sheet.stored.own_status,
        )
        await follow(sheet.tx, sheet.recorder, [step], self._in_force.routes(), acts=True, statuses=statuses)

    async def forward(self, order_id: OrderId, target: str, who: str) -> None:
        """Send it on, whatever the route's own rule is: unpaid, from before the route, within its hold window."""

        async def work(sheet: _Sheet) -> None:
            if target not in {route.target for route in sheet.standing.routes}:
                raise NotPossible(Reason("route.none", account=sheet.stored.account, target=target))
            push = sheet.standing.push(target)
            change = changes.Forwarded(target=target)
            if push is None:
                await sheet.record(change, [plan.push_at(target, 0)])
                return
            # It was pending before: it goes on as what it was, so that an unknown outcome is still looked up.
            state = DeliveryState.SENT if in_doubt(push) else DeliveryState.PENDING
            waiver = msgspec.json.decode(push.payload, type=PushPayload)
            again = msgspec.structs.replace(
                push,
                state=state,
                due_at=self._clock.now(),
                finished_at=None,
                lease_until=None,
                reason=None,
                # A person wants it made, also where it was only looked for.
                payload=msgspec.Raw(codec.encode(msgspec.structs.replace(waiver, only_found=False))),
            )
            await deliveries.save(sheet.tx, [again])
            await sheet.record(change)
            sheet.recorder.targets.add(target)

        await self._change(order_id, OperatorAction.FORWARD, who, work, target)

    async def _change(
        self,
        order_id: OrderId,
        act: OperatorAction,
        who: str,
        work: Callable[[_Sheet], Awaitable[T]],
        target: str | None = None,
    ) -> T:
        async def whole(tx: Transaction) -> tuple[T, set[str]]:
            now = self._clock.now()
            stored = await orders.get(tx, order_id)
            if stored is None:
                raise NotPossible(Reason("none.order", order=order_id))
            recorder = Recorder(tx, now, Cause("operator", who))
            before = (await overrides.of_orders(tx, [order_id])).get(order_id, Override())
            owed = (await deliveries.of_orders(tx, [order_id])).get(order_id, [])
            standing = self.standing(stored, owed, before)
            for one in self.choices(standing):
                if one.name is act and one.target == target and not one.possible:
                    raise NotPossible(Reason("order.cannot", order=order_id, why=one.why_not))
            sheet = _Sheet(tx, recorder, stored, before, standing)
            result = await work(sheet)
            if sheet.stored is not stored:
                row = msgspec.structs.replace(sheet.stored, changed_at=now)
                await (orders.relined if sheet.relined else orders.rewrite)(tx, row)
                await customers.keep(tx, stored.account, [sheet.stored])
            if sheet.remark != before:
                await overrides.put(tx, Subject.order(order_id), sheet.remark, now)
            await reserve(tx, recorder, self._in_force.routes(), self._in_force.stock())
            await recorder.write(tx)
            return result, recorder.targets

        result, targets = await self._database.write(whole)
        self._directory.wake(targets)
        return result


class _Sheet:
    """An order on the desk, within one transaction."""

    def __init__(
        self, tx: Transaction, recorder: Recorder, stored: StoredOrder, remark: Override, standing: OrderSituation
    ) -> None:
        self.tx = tx
        self.recorder = recorder
        self.stored = stored
        self.remark = remark
        self.standing = standing
        self.relined = False
        """Whether its lines are others, with what they need of the stock."""

    async def record(self, change: changes.Change, planned: Sequence[PlannedDelivery] = ()) -> None:
        subject = Subject.order(self.stored.id)
        await self.recorder.record(subject, self.stored.account, [change], planned, self.standing.deliveries)


def _with(stored: StoredOrder, **words: object) -> StoredOrder:
    """The order with overrides. Its digest stays, since that is of what its source said last."""
    order = msgspec.structs.replace(stored.order, **words)
    return msgspec.structs.replace(stored, order=order, document=codec.encode(order))
