"""What one transaction adds to the log and to the outbox.

Collects changes and planned deliveries, gives them identifiers and causes, and writes them at the end. Every
delivery has its event and every event its cause.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from olhubd.decide import netting, onesided, plan
from olhubd.decide.changes import Cancelled, Change, CopyReopened, Reopened, Superseded
from olhubd.decide.hold import Hold
from olhubd.decide.netting import Settlement
from olhubd.decide.plan import PlannedDelivery
from olhubd.decide.window import opens_at
from olhubd.engine.replay import recording
from olhubd.model import Cause, Delivery, DeliveryId, DeliveryState, Event, EventId, OrderId, Subject
from olhubd.store import Transaction, codec, deliveries, events, orders

__all__ = ["Recorder"]


class Recorder:
    """Make one a transaction; call `write` last.

    What it writes is kept as an input by itself, unless its maker keeps what it was decided from: `decided`.
    """

    def __init__(self, tx: Transaction, now: datetime, cause: Cause, *, decided: bool = False) -> None:
        self._recorded = tx.recording and not decided
        self._tx = tx
        self.now = now
        self._cause = cause
        self.events: list[Event] = []
        self.targets: set[str] = set()
        self._new: list[Delivery] = []
        self._settled: list[Delivery] = []
        self._replaced: list[tuple[Subject, PlannedDelivery]] = []
        self._needless: dict[Subject, tuple[str, str, EventId]] = {}
        """Why the refused statuses of a subject do not matter, its account, and the event that says so."""
        self._superseded: list[tuple[OrderId, OrderId, datetime]] = []
        self._deliveries: dict[Subject, list[Delivery]] = {}

    async def known_deliveries(self, subjects: Sequence[Subject]) -> dict[Subject, list[Delivery]]:
        """The deliveries about these subjects; remembered for `owed`."""
        missing = [one for one in subjects if one not in self._deliveries]
        if missing:
            found = await deliveries.of_subjects(self._tx, missing)
            self._deliveries.update({one: found.get(one, []) for one in missing})
        return {one: self._deliveries[one] for one in subjects}

    def owed(self, subject: Subject) -> frozenset[str]:
        """The targets that have this order or have its push pending. Call `known_deliveries` before."""
        return netting.holders(self._deliveries.get(subject, ()))

    async def event(
        self,
        kind: str,
        account: str,
        subject: Subject | None = None,
        data: msgspec.Struct | dict[str, object] | None = None,
        cause: Cause | None = None,
    ) -> EventId:
        """Add one event; returns its id."""
        event = Event(
            id=EventId(await self._tx.next_id("events")),
            at=self.now,
            kind=kind,
            account=account,
            subject=subject,
            cause=cause or self._cause,
            data=msgspec.Raw(codec.facts(data) if data else b"{}"),
        )
        self.events.append(event)
        return event.id

    async def record(
        self,
        subject: Subject,
        account: str,
        found: Sequence[Change],
        planned: Iterable[PlannedDelivery],
        known: Iterable[Delivery] = (),
        cause: Cause | None = None,
        *,
        doubted: bool = False,
    ) -> None:
        """Add the events of changes, and the deliveries that follow from them.

        `known` are the subject's deliveries so far; `olhubd.decide.netting` sets the planned ones against them.
        """
        ids = [await self.event(change.kind, account, subject, change, cause) for change in found]
        for id_, change in zip(ids, found, strict=True):
            if isinstance(change, Cancelled | Superseded):
                self._needless.setdefault(subject, (_off(change), account, id_))
        known = list(known)
        for change, id_ in zip(found, ids, strict=True):
            if isinstance(change, Reopened):
                await self.agreed(account, (d for d in known if onesided.asks(d, CopyReopened)), id_)
        for step in netting.net(found, list(planned), known, doubted=doubted):
            if isinstance(step, Settlement):
                self._settle(step)
            else:
                await self.owe(subject, step, ids[step.cause])

    def look_up(self, push: Delivery) -> None:
        """Have an order looked up at its target, whatever became of its delivery: it is reported to be there."""
        self._settle(Settlement(delivery=push, state=DeliveryState.SENT))

    async def hold(self, push: Delivery, account: str, reason: str, kind: Hold) -> None:
        """Have a person handle an order that had ended at its target, or seemed to."""
        facts: dict[str, object] = {
            "delivery": push.id,
            "action": push.action.value,
            "target": push.target,
            "reason": reason,
            "kind": kind.value,
        }
        await self.event("delivery.held", account, push.subject, facts)
        # With a time of sending it is looked up before it is sent, whatever a person does with it.
        held = msgspec.structs.replace(push, external_id=None, sent_at=push.sent_at or self.now)
        self._settle(Settlement(delivery=held, state=DeliveryState.HOLD, reason=reason, delay=None))

    async def agreed(self, account: str, asked: Iterable[Delivery], event_id: EventId | None = None) -> None:
        """Drop those of these questions that still wait: the purchase and its copy agree by now."""
        cause = Cause("event", str(event_id)) if event_id is not None else None
        for row in asked:
            if row.state.open and row.state is not DeliveryState.SENT:
                await self._drop(row, account, onesided.AGREED, cause)

    async def owe(self, subject: Subject, item: PlannedDelivery, event_id: EventId) -> None:
        """Add one planned delivery caused by an event. Of what replaces the one before, only the last is added."""
        if item.replaces:
            self._replaced.append((subject, item))
            self._new = [one for one in self._new if not _replaces(subject, item, one)]
        self._new.append(
            Delivery(
                id=DeliveryId(await self._tx.next_id("deliveries")),
                subject=subject,
                target=item.target,
                action=item.action,
                # The same word may be pending again later, so the replacement is distinguished by its event.
                key=f"{item.key}#{event_id}" if item.replaces else item.key,
                state=DeliveryState.PENDING,
                event_id=event_id,
                created_at=self.now,
                due_at=opens_at(self._due(item.delay), item.window),
                payload=_payload(item),
            )
        )
        self.targets.add(item.target)

    def newest(self, before: int) -> int:
        """The id of the newest event of this transaction; `before` where it has none."""
        return self.events[-1].id if self.events else before

    def supersede(self, pairs: Iterable[tuple[OrderId, OrderId, datetime]]) -> None:
        """Orders taken over by others; written after the others are."""
        self._superseded.extend(pairs)

    async def has_event(
        self,
        subject: Subject,
        kind: str,
        facts: Mapping[str, object],
        *,
        newest: Mapping[str, object] | None = None,
    ) -> bool:
        """Whether the log has an event of this kind about the subject with these facts already.

        With `newest` only the last event that has those facts is looked at: what was true before is no answer.
        """
        history = (await events.of_subjects(self._tx, [subject])).get(subject, [])
        found = [msgspec.json.decode(one.data) for one in history if one.kind == kind]
        if newest is not None:
            found = [one for one in found if _has(one, newest)][-1:]
        return any(_has(one, facts) for one in found)

    async def write(self, tx: Transaction) -> None:
        """Write all that was collected."""
        if self._superseded:
            await orders.supersede(tx, self._superseded)
        for subject, item in self._replaced:
            await deliveries.drop_superseded(tx, subject, item.target, item.action, _stem(item), self.now)
        await self._drop_refused(tx)
        if self.events:
            await events.append(tx, self.events)
        if self._settled:
            await deliveries.save(tx, self._settled)
        if self._new:
            await deliveries.add(tx, self._new)
        if self._recorded and self.events:
            await recording.tell(tx, self.now, self.events)

    async def _drop_refused(self, tx: Transaction) -> None:
        """The refused statuses of an order that is off need no person, but they stay in its history."""
        for subject, (reason, account, event_id) in self._needless.items():
            rows = (await deliveries.of_subjects(tx, [subject])).get(subject, [])
            for row in (row for row in rows if plan.refused(row)):
                await self._drop(row, account, reason, Cause("event", str(event_id)))

    async def _drop(self, row: Delivery, account: str, reason: str, cause: Cause | None) -> None:
        facts: dict[str, object] = {
            "delivery": row.id,
            "action": row.action.value,
            "target": row.target,
            "reason": reason,
        }
        await self.event("delivery.dropped", account, row.subject, facts, cause)
        self._settle(Settlement(delivery=row, state=DeliveryState.DROPPED, reason=reason))

    def _due(self, delay: float) -> datetime:
        return self.now + timedelta(seconds=delay)

    def _settle(self, one: Settlement) -> None:
        is_open = one.state.open
        due_at = self._due(one.delay) if is_open and one.delay is not None else one.delivery.due_at
        self._settled.append(
            msgspec.structs.replace(
                one.delivery,
                state=one.state,
                reason=one.reason,
                due_at=due_at,
                finished_at=None if is_open else self.now,
                lease_until=None,
                payload=_payload(one.instead) if one.instead is not None else one.delivery.payload,
            )
        )
        if is_open:
            self.targets.add(one.delivery.target)


def _stem(item: PlannedDelivery) -> str:
    """How the keys begin of those that it replaces."""
    return f"{item.key}#" if item.same_key else ""


def _replaces(subject: Subject, item: PlannedDelivery, other: Delivery) -> bool:
    """Whether `other`, planned in the same transaction, need not be sent before `item` about this subject."""
    about = (other.subject, other.target, other.action) == (subject, item.target, item.action)
    return about and other.key.startswith(_stem(item))


def _payload(item: PlannedDelivery) -> msgspec.Raw:
    return msgspec.Raw(codec.encode(item.payload) if item.payload is not None else b"{}")


def _off(change: Change) -> str:
    """Why no person is needed for a refused status of an order to which this happened."""
    return plan.TAKEN_OVER if isinstance(change, Superseded) else plan.CALLED_OFF


def _has(data: Mapping[str, object], facts: Mapping[str, object]) -> bool:
    return all(data.get(name) == fact for name, fact in facts.items())
