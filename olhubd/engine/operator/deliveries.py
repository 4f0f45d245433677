"""What a person does about deliveries that wait and records that could not land.

Each is one transaction with an event that names who did it. Whether it may be done is decided in
`olhubd.decide.permitted`, inside that transaction, since the delivery may have moved on while the person looked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from types import NoneType
from typing import Any

import msgspec

from olhubd.decide import netting, permitted, plan
from olhubd.decide.hold import Hold
from olhubd.decide.permitted import OperatorAction, PermittedAction
from olhubd.decide.plan import PlannedDelivery, PushPayload
from olhubd.engine.directory import Directory
from olhubd.engine.errors import NotPossible
from olhubd.engine.event_log import EventLog
from olhubd.engine.feed.poller import Poller
from olhubd.engine.flow.displaced import displace
from olhubd.engine.flow.registry import FLOWS, Flows
from olhubd.engine.in_force import InForce
from olhubd.engine.levels.reserving import reserve
from olhubd.engine.operator.newer_deeds import still_due
from olhubd.engine.outbox.actions import HANDLERS
from olhubd.engine.outbox.recorder import Recorder
from olhubd.model import Cause, Delivery, DeliveryState, Kind, Quarantined, Reason, reference
from olhubd.plugin import Clock, Found, OrderLookup, OrderSink, PaymentSink
from olhubd.store import Database, Transaction, deliveries, events, orders, quarantine, reread_queue, target_orders
from olhubd.store.orders import StoredOrder
from olhubd.store.target_orders import TargetOrder

__all__ = ["WAIVABLE", "DeliveryActions", "Still", "TotalDiffers", "in_doubt", "last_held"]

Still = Callable[[Delivery], str | None]
"""Why what a person decided is no decision about a delivery any more; None while it is."""
_WAIVED = {Hold.UNLINKED: "free_lines", Hold.FLOOR: "below_floor"}
"""Which rule a person lifts who releases an order that was held by it."""
WAIVABLE = frozenset(_WAIVED)
_PATIENCE = 8.0
"""Seconds in which a target must have answered for the order that a person named."""


class TotalDiffers(NotPossible):
    """The order that a person named costs something else; with a word that this is right it can be adopted."""


class DeliveryActions:
    """What people do with deliveries."""

    def __init__(
        self,
        directory: Directory,
        in_force: InForce,
        database: Database,
        clock: Clock,
        events: EventLog,
        flows: Flows = FLOWS,
    ) -> None:
        self._directory = directory
        self._in_force = in_force
        self._database = database
        self._clock = clock
        self._events = events
        self._flows = flows

    def choices(self, delivery: Delivery) -> Sequence[PermittedAction]:
        """What may be done with it now, and why not the rest."""
        return permitted.of_delivery(delivery, self._clock.now(), self._numbered(delivery.target))

    async def retry(self, delivery_id: int, who: str, *, still: Still | None = None) -> Delivery:
        """Try a delivery again now that somebody mended the cause; an unknown outcome is still looked up first."""

        async def again(delivery: Delivery, tx: Transaction) -> Delivery:
            return self._let_go(await self._still_due(tx, delivery))

        return await self._steer(delivery_id, who, OperatorAction.RETRY, "delivery.released", again, still=still)

    async def release(
        self, delivery_id: int, who: str, *, rule: bool = False, still: Still | None = None
    ) -> Delivery:
        """Let a delivery go before the end of its hold window, or although a rule of its route holds it.

        With `rule` only what such a rule holds.
        """

        async def let_go(delivery: Delivery, tx: Transaction) -> Delivery:
            if delivery.state is DeliveryState.PENDING:
                return msgspec.structs.replace(delivery, due_at=self._clock.now())
            facts = last_held(await events.helds(tx, [delivery.subject])).get(delivery.id, {})
            released = self._let_go(await self._still_due(tx, delivery))
            waived = next((word for kind, word in _WAIVED.items() if kind == facts.get("kind")), None)
            if waived is None:
                if rule:
                    raise NotPossible(Reason("delivery.no-rule", delivery=delivery_id))
                return released
            # What was waived before stays so.
            payload = msgspec.json.decode(delivery.payload, type=PushPayload)
            payload = msgspec.structs.replace(payload, **{waived: True})
            return msgspec.structs.replace(released, payload=msgspec.Raw(msgspec.json.encode(payload)))

        return await self._steer(delivery_id, who, OperatorAction.RELEASE, "delivery.released", let_go, still=still)

    async def discard(self, delivery_id: int, who: str, reason: str, *, still: Still | None = None) -> Delivery:
        """Give a delivery up for good."""

        async def given_up(delivery: Delivery, _tx: Transaction) -> Delivery:
            now = self._clock.now()
            return msgspec.structs.replace(delivery, state=DeliveryState.DISCARDED, reason=reason, finished_at=now)

        return await self._steer(
            delivery_id, who, OperatorAction.DISCARD, "delivery.discarded", given_up, still=still
        )

    async def accept(self, delivery_id: int, who: str) -> Delivery:
        """Take a held order at its target as it is, although its total differs."""

        async def confirmed(delivery: Delivery, _tx: Transaction) -> Delivery:
            now = self._clock.now()
            return msgspec.structs.replace(delivery, state=DeliveryState.CONFIRMED, finished_at=now)

        return await self._steer(delivery_id, who, OperatorAction.ACCEPT, "delivery.accepted", confirmed)

    async def adopt(self, delivery_id: int, number: str, who: str, *, despite_total: bool = False) -> Delivery:
        """Take an order that is at the target already for the one that was to be created there.

        Raises TotalDiffers where its total is another one and nobody said that this is right.
        """
        delivery = await self._allowed(delivery_id, OperatorAction.ADOPT)
        found = await self._find(delivery.target, number)

        async def adopted(delivery: Delivery, tx: Transaction) -> tuple[Delivery, TargetOrder, dict[str, Any]]:
            stored = (await orders.read(tx, [delivery.order_id]))[delivery.order_id]
            await self._own(tx, delivery, stored, found)
            differs = found.total.rounded() != stored.order.sellers_total.rounded()
            if differs and not despite_total:
                expected = stored.order.sellers_total
                raise TotalDiffers(
                    Reason(
                        "adopt.costs", order=number, target=delivery.target, total=found.total, expected=expected
                    )
                )
            now = self._clock.now()
            done = msgspec.structs.replace(
                delivery,
                state=DeliveryState.CONFIRMED,
                external_id=found.external_id,
                reason=None,
                finished_at=now,
                lease_until=None,
            )
            copy = TargetOrder(
                order_id=stored.id,
                account=delivery.target,
                external_id=found.external_id,
                number=found.number,
                total=found.total,
                status=found.status,
                url=found.url,
                unlinked=tuple(line.line_id for line in found.unlinked),
                created_at=now,
            )
            facts: dict[str, Any] = {"external_id": found.external_id, "number": found.number or number}
            if differs:
                facts |= {"there": str(found.total), "expected": str(stored.order.sellers_total)}
            return done, copy, facts

        return await self._steer(
            delivery_id, who, OperatorAction.ADOPT, "delivery.adopted", adopted, found_status=found.status
        )

    async def _find(self, target: str, number: str) -> Found:
        unit = self._directory.units.get(target)
        sink = unit.connector.capability(OrderSink) if unit is not None else None
        if unit is None or sink is None:
            raise NotPossible(Reason("account.not-asked", account=target))
        ask = partial(sink.find_by_number, number)
        found: Found | None = await unit.calls.read("find_by_number", ask, (Found, NoneType), limit=_PATIENCE)
        if found is None:
            raise NotPossible(Reason("adopt.no-order", target=target, number=number))
        return found

    async def _own(self, tx: Transaction, delivery: Delivery, stored: StoredOrder, found: Found) -> None:
        """Refuse an order that is somebody else's."""
        ours = reference(stored.account, stored.order.external_id)
        called = Reason("order-at", order=found.number or found.external_id, target=delivery.target)
        if found.reference is not None and found.reference != ours:
            raise NotPossible(Reason("adopt.marked", order=called, reference=found.reference))
        known = (await target_orders.by_external(tx, delivery.target, [found.external_id])).get(found.external_id)
        # With this order's mark it is this order's: the number was another one's before the target was set back.
        if known is not None and known.order_id != stored.id and found.reference is None:
            raise NotPossible(Reason("adopt.known", order=called, known=known.order_id))
        own = await orders.by_reference(tx, delivery.target, found.external_id)
        if own is not None and (await target_orders.of_orders(tx, [own])).get(own):
            raise NotPossible(Reason("adopt.own", order=called, known=own))

    # Records that could not land

    def options(self, record: Quarantined) -> tuple[PermittedAction, ...]:
        """What may be done with a record that could not land."""
        source = self._source(record)
        return (
            PermittedAction(
                name=OperatorAction.RETRY,
                possible=not isinstance(source, str),
                why_not=source if isinstance(source, str) else None,
            ),
            PermittedAction(name=OperatorAction.DISCARD, possible=True),
        )

    def _source(self, record: Quarantined) -> Poller | str:
        """Who can read the record again, or why nobody can."""
        if record.kind != Kind.ORDER:
            return Reason("record.nobody-asks", kind=record.kind)
        unit = self._directory.units.get(record.account)
        if (
            unit is None
            or unit.feeds.poller is None
            or unit.feeds.orders is None
            or not unit.connector.can(OrderLookup)
        ):
            return Reason("record.not-asked", account=record.account)
        return unit.feeds.poller

    async def read_again(self, record: Quarantined, who: str) -> None:
        """Ask the source for the record once more; it lands, or comes back with what is wrong with it now."""
        poller = self._source(record)
        if isinstance(poller, str):
            raise NotPossible(poller)
        now = self._clock.now()
        wish = reread_queue.RereadRequest(
            kind=Kind(record.kind), external_id=record.external_id, due_at=now, reason=Reason("lookup.asked")
        )

        async def work(tx: Transaction) -> None:
            await reread_queue.put(tx, record.account, [wish])
            await self._events.note("record.retried", _facts(record), who, account=record.account, tx=tx)

        await self._database.write(work)
        poller.look_up()

    async def give_up(self, record: Quarantined, reason: str, who: str) -> None:
        """Dismiss a quarantined record until its source sends a different version."""

        async def work(tx: Transaction) -> None:
            if not await quarantine.discard(tx, record.id, reason, self._clock.now()):
                raise NotPossible(Reason("record.gone", record=record.id))
            facts = {**_facts(record), "reason": reason}
            await self._events.note("record.discarded", facts, who, account=record.account, tx=tx)

        await self._database.write(work)

    # How it is done

    def _numbered(self, target: str) -> bool:
        unit = self._directory.units.get(target)
        sink = unit.connector.capability(OrderSink) if unit is not None else None
        return sink is not None and sink.numbered

    async def _allowed(self, delivery_id: int, act: OperatorAction, tx: Transaction | None = None) -> Delivery:
        reader = tx or self._database.reader
        delivery = await deliveries.get(reader, delivery_id)
        if delivery is None:
            raise NotPossible(Reason("none.delivery", delivery=delivery_id))
        wanted = next(one for one in self.choices(delivery) if one.name is act)
        if not wanted.possible:
            raise NotPossible(Reason(_CANNOT[act], delivery=delivery_id, why=wanted.why_not))
        return delivery

    async def _steer(
        self,
        delivery_id: int,
        who: str,
        act: OperatorAction,
        kind: str,
        change: Callable[[Delivery, Transaction], Any],
        found_status: str | None = None,
        still: Still | None = None,
    ) -> Delivery:
        async def work(tx: Transaction) -> tuple[Delivery, set[str]]:
            delivery = await self._allowed(delivery_id, act, tx)
            if still is not None and (why := still(delivery)) is not None:
                raise NotPossible(why)
            result = await change(delivery, tx)
            changed, copy, more = result if isinstance(result, tuple) else (result, None, {})
            recorder = Recorder(tx, self._clock.now(), Cause("operator", who))
            account = await self._source_of(tx, delivery)
            facts = {"delivery": delivery.id, "action": delivery.action.value, "target": delivery.target, **more}
            if changed.reason is not None:
                facts["reason"] = changed.reason
            event_id = await recorder.event(kind, account, delivery.subject, facts)
            if netting.carries_order(changed) and changed.state is DeliveryState.CONFIRMED:
                stored = await orders.get(tx, delivery.order_id)
                there = (await target_orders.of_orders(tx, [delivery.order_id])).get(delivery.order_id, ())
                word = next((one.status for one in there if one.account == changed.target), None)
                if stored is not None:
                    for item in self._after_push(stored, changed.target, found_status or word):
                        await recorder.owe(delivery.subject, item, event_id)
            await deliveries.save(tx, [changed])
            if copy is not None:
                before = (await target_orders.by_external(tx, copy.account, [copy.external_id])).get(
                    copy.external_id
                )
                if before is not None and before.order_id != copy.order_id:
                    await displace(tx, recorder, before)
                await target_orders.put(tx, [copy])
            await reserve(tx, recorder, self._in_force.routes(), self._in_force.stock())
            await recorder.write(tx)
            return changed, recorder.targets

        changed, targets = await self._database.write(work)
        self._directory.wake({changed.target, *targets})
        return changed

    async def _source_of(self, tx: Transaction, delivery: Delivery) -> str:
        """The account whose record it is about; its target, where nothing is known of that."""
        subject = delivery.subject
        if subject.kind not in self._flows:
            return delivery.target
        names = await self._flows[subject.kind].names(tx, [subject.id])
        return names[subject.id][0] if subject.id in names else delivery.target

    def _after_push(self, stored: StoredOrder, target: str, found: str | None) -> Sequence[PlannedDelivery]:
        account, unit = stored.account, self._directory.units.get(target)
        pays = unit is not None and unit.connector.can(PaymentSink)
        for route in self._in_force.routes():
            if route.target == target and account in route.sources:
                told = plan.after_push(account, route, self._directory.processing)
                return [*told, *plan.after_look_up(account, stored.order, route, found, pays=pays)]
        return ()

    async def _still_due(self, tx: Transaction, delivery: Delivery) -> Delivery:
        return await still_due(tx, delivery, self._in_force.stock(), self._in_force.prices())

    def _let_go(self, delivery: Delivery) -> Delivery:
        return msgspec.structs.replace(
            delivery,
            state=DeliveryState.SENT if in_doubt(delivery) else DeliveryState.RETRY,
            due_at=self._clock.now(),
            reason=None,
            finished_at=None,
            lease_until=None,
        )


def in_doubt(delivery: Delivery) -> bool:
    """Whether it may have been done, so that it goes on as SENT and is looked up first.

    With a time of sending its outcome is not known. Nor is that of what can be looked up and was tried at all: what
    was taken for a refusal may have been somebody else's page.
    """
    if HANDLERS[delivery.action].repeats:
        return False
    tried = HANDLERS[delivery.action].looks_up and delivery.attempts > 0
    return tried or delivery.sent_at is not None


_CANNOT = {
    OperatorAction.RETRY: "delivery.not-retried",
    OperatorAction.RELEASE: "delivery.not-released",
    OperatorAction.ADOPT: "delivery.not-adopted",
    OperatorAction.ACCEPT: "delivery.not-accepted",
    OperatorAction.DISCARD: "delivery.not-discarded",
}


def _facts(record: Quarantined) -> dict[str, object]:
    return {"feed": record.feed, "kind": record.kind, "external_id": record.external_id}


def last_held(history: Sequence[Any]) -> dict[int, dict[str, Any]]:
    """What was said of each delivery when it was held last, by its id."""
    found: dict[int, dict[str, Any]] = {}
    for event in history:
        if event.kind == "delivery.held":
            facts = msgspec.json.decode(event.data)
            if isinstance(facts.get("delivery"), int):
                found[facts["delivery"]] = facts
    return found
