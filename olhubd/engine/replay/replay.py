"""Deciding again what was decided: kept inputs go through the same landing and planning, into a scratch database.

Nothing outside is asked: what marketplaces and targets answered is among the inputs, and so is what people did.
Times and identifiers are those of the inputs. With other routes than those that were in force it shows what would
have been decided by them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence, Set
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from olhubd.decide.override import Override
from olhubd.decide.plan import PlannedDelivery
from olhubd.decide.planners import PLANNERS
from olhubd.decide.planning import Planner
from olhubd.decide.route import Route
from olhubd.engine.flow import batch
from olhubd.engine.flow.batch import Batch, BatchPart
from olhubd.engine.flow.flow import FlowContext
from olhubd.engine.flow.registry import FLOWS, Flows
from olhubd.engine.outbox.attempt import DeliveryOutcome
from olhubd.engine.outbox.booking import book
from olhubd.engine.outbox.recorder import Recorder
from olhubd.engine.replay import recording
from olhubd.engine.replay.diff import ReplayDifference, compare, stem
from olhubd.engine.replay.recording import (
    CONFIGURED,
    Configured,
    DispatchRecord,
    Ended,
    InputPage,
    ManualChange,
    OrderImage,
    Start,
)
from olhubd.model import Cause, Delivery, DeliveryId, DeliveryState, EventId, Kind, Run, RunId, Subject
from olhubd.plugin import Gone, Later, Unreadable
from olhubd.store import (
    Database,
    StoreError,
    Transaction,
    codec,
    deliveries,
    events,
    history,
    orders,
    overrides,
    target_orders,
)
from olhubd.store import recorded_inputs as kept
from olhubd.store.recorded_inputs import RecordedInput
from olhubd.store.sqlite import snapshot

__all__ = ["Play", "ReplayReport", "replay"]

_CLAIMED = frozenset({DeliveryState.SENT})
_CLAIMABLE = frozenset({DeliveryState.PENDING, DeliveryState.RETRY, DeliveryState.SENT})

Strangers = Set[tuple[int, str, str]]


class ReplayReport(msgspec.Struct, kw_only=True):
    """What came of a replay. `decisions` are the events and deliveries that were compared, of `orders`."""

    first: datetime
    """When the first input came that is kept."""
    inputs: int = 0
    orders: int = 0
    decisions: int = 0
    left_out: int = 0
    """Orders from before the first input that have changed since: their state then is not known."""
    differ: int = 0
    """Orders of which something is different, and inputs that could not be decided upon."""
    differences: Sequence[ReplayDifference] = ()
    """The first of them."""


async def replay(
    source: Path,
    into: Path,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    routes: Sequence[Route] | None = None,
    most: int = 20,
) -> ReplayReport:
    """Decide all inputs of the database `source` again, into a new database, and compare from `since` on.

    Inputs from `until` on are left out; then only events are compared, since the state of rows at a moment of the
    past is not known. `routes` take the place of those that were in force. Raises StoreError with words for a
    person.
    """
    if await asyncio.to_thread(into.exists):
        raise StoreError(f"{into} is there already: name a file that is not, or remove it")
    async with snapshot.opened(source) as reader:
        first = await kept.earliest(reader, without=CONFIGURED)
        if first is None:
            raise StoreError(f"{source} holds no inputs: inputs_keep in [daemon] says for how long they are kept")
        order, event, delivery, _ = first.upcoming
        if since is not None and since < first.at and event > 1:
            raise StoreError(f"inputs are kept from {first.at:%Y-%m-%dT%H:%M:%SZ} on: ask for no earlier time")
        old = await snapshot.unmoved(reader, order, event, delivery, first.at)
        strangers = await snapshot.others(reader, order, set(old))
        report = ReplayReport(first=first.at, left_out=len(strangers))
        async with Database.open(into) as scratch:
            await scratch.write(lambda tx: snapshot.plant(reader, tx, old))
            play = Play(scratch, routes, strangers)
            after = 0
            while batch := await kept.following(reader, after):
                after = batch[-1].id
                report.inputs += await play.decide(one for one in batch if until is None or one.at < until)
            unknown = {id_ for id_, _, _ in strangers}
            wanted = await history.moved_since(reader, since or first.at) - unknown
            every = {id_ for id_, _, _ in await history.names(reader)}
            found = await compare(reader, scratch.reader, wanted, every - wanted, until)
            report.orders, report.decisions = found.orders, found.decisions
            differences = [*play.failures, *found.differences]
            report.differ, report.differences = len(differences), differences[:most]
    return report


class Play:
    """The inputs, one after the other, each in a transaction of its own as it was.

    With `routes` those are in force all the time. Nothing is decided about the orders `strangers`.
    """

    def __init__(
        self,
        scratch: Database,
        routes: Sequence[Route] | None = None,
        strangers: Strangers = frozenset(),
        *,
        flows: Flows = FLOWS,
        planners: Sequence[Planner[Any]] = PLANNERS,
    ) -> None:
        self._scratch = scratch
        self._flows = flows
        self._planners = planners
        self._fixed = routes is not None
        self._routes = routes or ()
        self._strange = {(Kind.ORDER.value, account, external_id) for _, account, external_id in strangers}
        self.failures: list[ReplayDifference] = []

    async def decide(self, some: Iterable[RecordedInput]) -> int:
        """Decide these again; returns how many there were."""
        units: list[tuple[RecordedInput, Callable[[Transaction], Awaitable[None]]]] = []
        for one in some:
            document = recording.decode(one)
            if not isinstance(document, Configured):
                units.append((one, self._unit(one, document, self._routes)))
            elif not self._fixed:
                self._routes = document.routes
        results = await asyncio.gather(*(self._scratch.write(unit) for _, unit in units), return_exceptions=True)
        for (one, _), result in zip(units, results, strict=True):
            if isinstance(result, StoreError) or (result is not None and not isinstance(result, Exception)):
                raise result
            if result is not None:
                now = f"input {one.id} ({one.kind}) cannot be decided: {type(result).__name__}"
                self.failures.append(ReplayDifference(order="", order_id=None, was="decided", now=now))
        return len(units)

    def _unit(
        self, one: RecordedInput, document: recording.Document, routes: Sequence[Route]
    ) -> Callable[[Transaction], Awaitable[None]]:
        async def work(tx: Transaction) -> None:
            tx.resume(one.upcoming)
            match document:
                case InputPage():
                    await self._page(tx, one.at, document, routes)
                case DispatchRecord():
                    await self._turn(tx, one.at, document, routes)
                case ManualChange():
                    await self._told(tx, document)
                case Start():
                    await deliveries.recover(tx, document.latest, one.at)

        return work

    async def _page(self, tx: Transaction, at: datetime, page: InputPage, routes: Sequence[Route]) -> None:
        run = Run(id=RunId(page.run), account=page.account, feed=page.feed, trigger="replay", started_at=at)
        context = FlowContext(
            tx, page.account, run, at, routes, doubt=page.doubt, start=page.start, planners=self._planners
        )
        parts = []
        for flow in self._flows:
            records = [flow.decode(bytes(document)) for document in page.records.get(flow.kind, ())]
            ours = [one for one in records if (flow.kind, page.account, one.external_id) not in self._strange]
            if ours:
                parts.append(BatchPart(flow, await flow.prepare(ours)))
        others: list[Unreadable | Gone | Later] = [
            record
            for some in (page.unreadable, page.gone, page.later)
            for record in some
            if (record.kind, page.account, record.external_id) not in self._strange
        ]
        await batch.land(context, Batch(parts, others), self._flows)
        await context.recorder.write(tx)

    async def _turn(self, tx: Transaction, at: datetime, turn: DispatchRecord, routes: Sequence[Route]) -> None:
        told = [*(ended.delivery for ended in turn.ended), *turn.back, *turn.claimed]
        rows = await deliveries.of_subjects(tx, sorted({delivery.subject for delivery in told}))

        def own(delivery: Delivery) -> Delivery | None:
            return _own(delivery, rows.get(delivery.subject, ()))

        # What was not claimed here has no answer, though it got one there.
        ended = [
            _outcome(one, mine) for one in turn.ended if (mine := own(one.delivery)) and mine.state in _CLAIMED
        ]
        back = [_as(one, mine) for one in turn.back if (mine := own(one)) and mine.state in _CLAIMED]
        recorder = Recorder(tx, at, Cause("start", "dispatcher"), decided=True)
        await book(tx, recorder, turn.target, ended, back, routes)
        # What follows from an outcome may have been claimed in the same transaction.
        rows.update(await deliveries.of_subjects(tx, sorted({delivery.subject for delivery in turn.claimed})))
        claimed = [
            msgspec.structs.replace(_as(one, mine), state=DeliveryState.SENT)
            for one in turn.claimed
            if (mine := own(one)) and mine.state in _CLAIMABLE and mine.due_at <= at
        ]
        await deliveries.save(tx, claimed)

    async def _told(self, tx: Transaction, told: ManualChange) -> None:
        about = sorted({event.order_id for event in told.events if event.order_id is not None})
        here = await orders.read(tx, about) if about else {}
        numbers: dict[EventId, EventId] = {}
        for event in told.events:
            if event.order_id is None or event.order_id in here:
                numbers[event.id] = EventId(await tx.next_id("events"))
                await events.append(tx, [msgspec.structs.replace(event, id=numbers[event.id])])
        for image in told.orders:
            if image.id in here:
                await self._image(tx, image, here[image.id], numbers)

    async def _image(
        self, tx: Transaction, image: OrderImage, row: orders.StoredOrder, numbers: dict[EventId, EventId]
    ) -> None:
        """Set an order to its state after what was recorded."""
        document = bytes(image.document)
        digest = bytes.fromhex(image.digest)
        if (document, digest, image.superseded_by) != (row.document, row.digest, row.superseded_by):
            order = codec.order(document)
            stored = msgspec.structs.replace(
                row,
                order=order,
                document=document,
                digest=digest,
                superseded_by=image.superseded_by,
                changed_at=image.changed_at,
            )
            await orders.rewrite(tx, stored)
        rows = (await deliveries.of_orders(tx, [image.id])).get(image.id, ())
        there = {delivery.id: delivery for delivery in image.deliveries}
        # A row that is itself recorded replaces no other one, though the same may be pending a second time.
        taken = {row.id for row in rows if row.id in there and _alike(row, there[row.id])}
        for delivery in image.deliveries:
            free = [row for row in rows if row.id == delivery.id or row.id not in taken]
            if mine := _own(delivery, free):
                told = _as(delivery, mine)
                if mine.state is DeliveryState.DISCARDED and told.state is DeliveryState.DEAD:
                    # Earlier versions recorded both as dead; the one never becomes the other.
                    told = msgspec.structs.replace(told, state=DeliveryState.DISCARDED)
                await deliveries.save(tx, [told])
            elif event_id := numbers.get(delivery.event_id):
                key = delivery.key.replace(f"#{delivery.event_id}", f"#{event_id}")
                added = DeliveryId(await tx.next_id("deliveries"))
                await deliveries.add(tx, [msgspec.structs.replace(delivery, id=added, event_id=event_id, key=key)])
        await target_orders.put(tx, image.copies)
        await overrides.put(tx, Subject.order(image.id), image.remark or Override(), image.changed_at)


def _own(delivery: Delivery, rows: Sequence[Delivery]) -> Delivery | None:
    """The row here of a delivery there: the same one, or after other decisions the one in its place."""
    same = [row for row in rows if _alike(row, delivery)]
    for row in same:
        if row.id == delivery.id:
            return row
    if len(same) == 1:
        return same[0]
    return next((row for row in same if row.state.open), None)


def _alike(one: Delivery, other: Delivery) -> bool:
    """Whether the same is pending for the same account."""
    return (one.target, one.action, stem(one.key)) == (other.target, other.action, stem(other.key))


def _as(delivery: Delivery, mine: Delivery) -> Delivery:
    """The row here as it became there."""
    return msgspec.structs.replace(
        delivery,
        id=mine.id,
        key=mine.key,
        event_id=mine.event_id,
        created_at=mine.created_at,
        payload=mine.payload,
    )


def _outcome(ended: Ended, mine: Delivery) -> DeliveryOutcome:
    facts = msgspec.json.decode(ended.facts)
    if "delivery" in facts:
        facts["delivery"] = mine.id
    return DeliveryOutcome(
        delivery=_as(ended.delivery, mine),
        account=ended.account,
        event=ended.event,
        facts=facts,
        copy=ended.copy,
        planned=[
            PlannedDelivery(
                target=item.target,
                action=item.action,
                cause=item.cause,
                key=item.key,
                payload=None if item.payload == recording.NOTHING else item.payload,
                delay=item.delay,
                replaces=item.replaces,
                same_key=item.same_key,
            )
            for item in ended.planned
        ],
    )
