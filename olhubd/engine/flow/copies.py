"""Orders of ours that come back in a target's own feed: news of a copy, never a new order.

They are known by our mark, or by the number the target gave them. What a target reports of its copy becomes events
of the order it was made from, and may be sent back to where that came from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from olhubd.decide import changes, netting, onesided, plan
from olhubd.decide.changes import Change
from olhubd.decide.compare import cancelled
from olhubd.decide.hold import Hold
from olhubd.decide.own_status import NO_STATUSES, OwnStatuses
from olhubd.decide.planners import PLANNERS
from olhubd.decide.planning import Planner, Transition
from olhubd.decide.route import Route
from olhubd.engine.flow.flow import FlowContext
from olhubd.engine.outbox.recorder import Recorder
from olhubd.engine.planning import follow
from olhubd.model import Delivery, DeliveryState, Fulfilment, Order, OrderId, Reason, Shipment, Subject, reference
from olhubd.store import Transaction, orders, seen_values, strangers, target_orders

__all__ = ["CopyUpdates", "acquaint"]

_LEFT_ALONE = frozenset({DeliveryState.SENT, DeliveryState.CONFIRMED})
"""Deliveries of which the answer or a look-up has the last word."""

_GIVEN_UP = frozenset({DeliveryState.DEAD, DeliveryState.DISCARDED})

_OVER = frozenset({Fulfilment.DELIVERED, Fulfilment.RETURNED})
"""One that is only sent is not: its parcels were sent to nobody."""


class CopyUpdates:
    """The echoes within one transaction of a target's landing."""

    def __init__(self, context: FlowContext) -> None:
        self._acts = context.acts
        self._tx = context.tx
        self._account = context.account
        self._now = context.now
        self._routes = context.routes
        self._recorder = context.recorder
        self._planners = context.planners
        self._statuses = context.statuses
        self.touched: set[str] = set()
        """Those that brought anything new."""

    async def take(self, echoes: Sequence[Order]) -> int:
        """Take over what these report; returns how many orders that changed."""
        if not echoes:
            return 0
        changed = 0
        known = await target_orders.by_external(self._tx, self._account, [order.external_id for order in echoes])
        marks = await orders.references(self._tx, [copy.order_id for copy in known.values()]) if known else {}
        for order in echoes:
            copy = known.get(order.external_id)
            # A target that was set back gives a number again: what bears another mark there is another order.
            if copy is not None and order.reference in (None, marks.get(copy.order_id)):
                changed += await self._echo(order, copy)
            else:
                changed += await self._stranger(order)
        return changed

    async def _echo(self, order: Order, copy: target_orders.TargetOrder) -> bool:
        """Take over what a target says of its copy; returns whether that changed the order."""
        found: list[Change] = []
        status = order.external_stage
        if status != copy.status:  # also the first one that is reported, where the receipt had none
            found.append(changes.CopyStatusChanged(target=self._account, old=copy.status, new=status))
        had = {shipment.key for shipment in copy.shipments}
        found.extend(_shipped(self._account, shipment) for shipment in order.shipments if shipment.key not in had)
        found += await self._edited(order, copy)
        if not found and copy.status == status:
            return False
        self.touched.add(order.external_id)
        await target_orders.put(
            self._tx,
            [
                msgspec.structs.replace(
                    copy, status=status, shipments=order.shipments, total=order.total, seen_at=self._now
                )
            ],
        )
        if copy.status != status:
            await seen_values.status(self._tx, self._account, status, copy.order_id, self._now)
        origin = await orders.get(self._tx, copy.order_id) if found else None
        if origin is None:
            return False
        if status != copy.status and self._acts:
            found += await self._one_sided(order, origin)
        if status != copy.status:
            found += await self._led(status, origin)
        await _follow(self._tx, self._recorder, origin, found, self._routes, self._planners, self._statuses)
        return True

    async def _led(self, word: str, origin: orders.StoredOrder) -> list[Change]:
        """The status of the seller's own that an order gets by its copy's, where this target leads."""
        told = self._statuses.by_word(self._account, word)
        if told is None or told == origin.own_status:
            return []
        await orders.set_own_status(self._tx, origin.id, told, self._now)
        return [changes.OwnStatusChanged(old=origin.own_status, new=told)]

    async def _one_sided(self, order: Order, origin: orders.StoredOrder) -> list[Change]:
        """What a person is asked about where one of the copy and its purchase is cancelled and the other is not."""
        subject = Subject.order(origin.id)
        known = (await self._recorder.known_deliveries([subject]))[subject]
        there = onesided.off_there(order, origin.account, self._account, self._routes)
        off = plan.withdrawn(origin.order, origin.superseded_by is not None) is not None
        if off is there:
            await self._recorder.agreed(
                origin.account, (d for d in known if d.target == self._account and onesided.asks(d))
            )
            return []
        question = onesided.find(order, origin.order, self._account, known, off=off, there=there)
        return [question] if question is not None else []

    async def _edited(self, order: Order, copy: target_orders.TargetOrder) -> list[Change]:
        """What somebody there did to the copy's money: nothing follows from it, and it leaves a trace."""
        found: list[Change] = []
        if order.total.rounded() != copy.total.rounded():
            found.append(changes.CopyTotalChanged(target=self._account, old=copy.total, new=order.total))
        refunded = order.extra.get("refunded")
        if refunded is not None and not await self._refund_known(copy.order_id, refunded):
            found.append(changes.CopyRefunded(target=self._account, amount=refunded))
        return found

    async def _refund_known(self, order_id: OrderId, refunded: object) -> bool:
        return await self._recorder.has_event(
            Subject.order(order_id),
            changes.CopyRefunded.kind,
            {"amount": refunded},
            newest={"target": self._account},
        )

    async def _stranger(self, order: Order) -> bool:
        """An order with our mark that is not the copy we know: on its way, a double, or unknown after a restore.

        Returns whether that is news.
        """
        account, _, external_id = (order.reference or "").partition(":")
        order_id = await orders.by_reference(self._tx, account, external_id)
        if order_id is None:
            await self._remember(order, account)
            return False
        for copy in (await target_orders.of_orders(self._tx, [order_id])).get(order_id, ()):
            if copy.account == self._account and not await _double_known(
                self._recorder, order_id, order.external_id
            ):
                await _double(self._recorder, order_id, account, copy, order.external_id, acts=self._acts)
                self.touched.add(order.external_id)
                return True
            if copy.account == self._account:
                return False
        return await self._remember(order, account) and await self._seek(order, order_id, account)

    async def _remember(self, order: Order, account: str) -> bool:
        """Keep it until its order is known, or has a copy here; returns whether it is ours at all."""
        if not self._acts or not any(r.target == self._account and account in r.sources for r in self._routes):
            return False
        stranger = strangers.Stranger(
            account=self._account,
            external_id=order.external_id,
            reference=str(order.reference),
            shipments=order.shipments,
            seen_at=self._now,
            number=order.number,
            over=cancelled(order) or order.fulfilment in _OVER,
        )
        await strangers.put(self._tx, stranger)
        self.touched.add(order.external_id)
        return True

    async def _seek(self, order: Order, order_id: OrderId, account: str) -> bool:
        """Have it looked up, which makes it the copy and plans what follows. Returns whether that is news."""
        subject = Subject.order(order_id)
        known = (await self._recorder.known_deliveries([subject]))[subject]
        push = netting.push_to(self._account, known)
        if push is not None and push.state in _LEFT_ALONE:
            return False
        if push is not None and push.state in _GIVEN_UP:
            return await self._given_up(order, push, account)
        found = changes.CopyFound(target=self._account, external_id=order.external_id)
        if push is None or push.state is DeliveryState.DROPPED:
            await self._recorder.record(subject, account, [found], [plan.look(self._account, 0)], known)
        else:
            await self._recorder.record(subject, account, [found], ())
            self._recorder.look_up(push)
        return True

    async def _given_up(self, order: Order, push: Delivery, account: str) -> bool:
        """A person had given it up, and the target still has it and would ship it: that is reported once."""
        known = {"external_id": order.external_id}
        if cancelled(order) or await self._recorder.has_event(push.subject, changes.CopyFound.kind, known):
            return False
        found = changes.CopyFound(target=self._account, external_id=order.external_id)
        await self._recorder.record(push.subject, account, [found], ())
        number = order.number or order.external_id
        there = Reason("copy.has-it", account=self._account, order=number)
        why = Reason("copy.given-up-here", there=there)
        await self._recorder.hold(push, account, why, Hold.OTHER)
        return True


async def acquaint(
    tx: Transaction,
    recorder: Recorder,
    target: str,
    arrived: Sequence[target_orders.TargetOrder],
    routes: Sequence[Route],
) -> None:
    """Look again at orders with our mark that a target reported before these copies were known there."""
    if not arrived or not await strangers.known(tx):
        return
    copy_of = {copy.order_id: copy for copy in arrived}
    rows = await orders.read(tx, list(copy_of))
    marks = {reference(row.account, row.order.external_id): row for row in rows.values()}
    met = [one for one in await strangers.by_reference(tx, list(marks)) if one.account == target]
    for one in met:
        origin = marks[one.reference]
        copy = copy_of[origin.id]
        if one.external_id != copy.external_id:
            if not await _double_known(recorder, origin.id, one.external_id):
                await _double(recorder, origin.id, origin.account, copy, one.external_id, acts=True)
        elif one.shipments:
            found: list[Change] = [_shipped(target, shipment) for shipment in one.shipments]
            await target_orders.put(
                tx, [msgspec.structs.replace(copy, shipments=one.shipments, seen_at=one.seen_at)]
            )
            await _follow(tx, recorder, origin, found, routes)
    if met:
        await strangers.forget(tx, target, [one.external_id for one in met])


async def _follow(
    tx: Transaction,
    recorder: Recorder,
    origin: orders.StoredOrder,
    found: Sequence[Change],
    routes: Sequence[Route],
    planners: Sequence[Planner[Any]] = PLANNERS,
    statuses: OwnStatuses = NO_STATUSES,
) -> None:
    """What follows for an order of which a copy changed."""
    subject, order = Subject.order(origin.id), origin.order
    given = [one.new for one in found if isinstance(one, changes.OwnStatusChanged)]
    step = Transition(
        subject=subject,
        account=origin.account,
        before=order,
        after=order,
        changes=found,
        own_status=given[-1] if given else origin.own_status,
    )
    await follow(tx, recorder, [step], routes, acts=False, planners=planners, statuses=statuses)


async def _double_known(recorder: Recorder, order_id: OrderId, external_id: str) -> bool:
    return await recorder.has_event(Subject.order(order_id), changes.CopyDoubled.kind, {"other": external_id})


async def _double(
    recorder: Recorder, order_id: OrderId, account: str, copy: target_orders.TargetOrder, other: str, *, acts: bool
) -> None:
    """Two orders at a target carry one mark of ours: that is reported, and waits for a person."""
    double = changes.CopyDoubled(target=copy.account, known=copy.external_id, other=other)
    planned = [plan.double_at(copy.account, other, 0)] if acts else []
    await recorder.record(Subject.order(order_id), account, [double], planned)


def _shipped(target: str, shipment: Shipment) -> changes.CopyShipped:
    return changes.CopyShipped(
        target=target,
        carrier=shipment.carrier,
        waybill=shipment.waybill,
        carrier_name=shipment.carrier_name,
        url=shipment.url,
    )
