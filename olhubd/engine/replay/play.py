"""Deciding again: kept inputs go through the same landing, planning and booking, into a scratch database.

Nothing outside is asked: what marketplaces and targets answered is among the inputs, and so is what people did.
Times are those of the inputs; numbers are asked for again (`olhubd.engine.replay.numbers`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from olhubd.decide.own_status import NO_STATUSES, OwnStatuses
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
from olhubd.engine.replay.counterparts import as_here, change, counterpart
from olhubd.engine.replay.diff import ReplayDifference
from olhubd.engine.replay.numbers import Numbers, SourceName, SourceNames, about
from olhubd.engine.replay.recording import Configured, DispatchRecord, Ended, InputPage, ManualChange, Start
from olhubd.model import Cause, Delivery, DeliveryState, Kind, Run, RunId, Subject
from olhubd.plugin import Gone, Later, Unreadable
from olhubd.store import Database, StoreError, Transaction, deliveries
from olhubd.store.recorded_inputs import RecordedInput

__all__ = ["Play"]

_CLAIMED = frozenset({DeliveryState.SENT})
_CLAIMABLE = frozenset({DeliveryState.PENDING, DeliveryState.RETRY, DeliveryState.SENT})


class Play:
    """The inputs, one after the other, each in a transaction of its own as it was.

    `names` returns the names of things of the database that the inputs are from. With `routes` those are in force
    all the time. Nothing is decided about `strangers`.
    """

    def __init__(
        self,
        scratch: Database,
        names: SourceNames,
        routes: Sequence[Route] | None = None,
        strangers: Collection[tuple[Kind, SourceName]] = frozenset(),
        *,
        flows: Flows = FLOWS,
        planners: Sequence[Planner[Any]] = PLANNERS,
    ) -> None:
        self._scratch = scratch
        self._flows = flows
        self._planners = planners
        self._fixed = routes is not None
        self._routes = routes or ()
        self._statuses = NO_STATUSES
        self._strangers = strangers
        self._numbers = Numbers(names, flows, strangers)
        self.failures: list[ReplayDifference] = []

    async def decide(self, some: Iterable[RecordedInput]) -> int:
        """Decide these again; returns how many there were."""
        units: list[tuple[RecordedInput, Callable[[Transaction], Awaitable[None]]]] = []
        documents = [(one, recording.decode(one)) for one in some]
        await self._numbers.look_up(document for _, document in documents)
        for one, document in documents:
            if not isinstance(document, Configured):
                units.append((one, self._unit(one.at, document, self._routes, self._statuses)))
                continue
            self._statuses = document.statuses
            if not self._fixed:
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
        self, at: datetime, document: recording.Document, routes: Sequence[Route], statuses: OwnStatuses
    ) -> Callable[[Transaction], Awaitable[None]]:
        async def work(tx: Transaction) -> None:
            here = await self._numbers.here(tx, about(document))
            match document:
                case InputPage():
                    await self._page(tx, at, document, routes, statuses)
                case DispatchRecord():
                    await _turn(tx, at, document, routes, here)
                case ManualChange():
                    await change(tx, document, here)
                case Start():
                    await deliveries.recover(tx, document.latest, at)

        return work

    async def _page(
        self, tx: Transaction, at: datetime, page: InputPage, routes: Sequence[Route], statuses: OwnStatuses
    ) -> None:
        run = Run(id=RunId(page.run), account=page.account, feed=page.feed, trigger="replay", started_at=at)
        doubt = page.doubt
        if doubt is not None:
            doubt = msgspec.structs.replace(doubt, last=await self._numbers.last(tx, doubt.last))
        context = FlowContext(
            tx,
            page.account,
            run,
            at,
            routes,
            doubt=doubt,
            start=page.start,
            planners=self._planners,
            statuses=statuses,
        )
        parts = []
        for flow in self._flows:
            records = [flow.decode(bytes(document)) for document in page.records.get(flow.kind, ())]
            ours = [one for one in records if self._known(flow.kind, page.account, one.external_id)]
            if ours:
                parts.append(BatchPart(flow, await flow.prepare(ours)))
        others: list[Unreadable | Gone | Later] = [
            record
            for some in (page.unreadable, page.gone, page.later)
            for record in some
            if self._known(record.kind, page.account, record.external_id)
        ]
        await batch.land(context, Batch(parts, others), self._flows)
        await context.recorder.write(tx)

    def _known(self, kind: str, account: str, external_id: str) -> bool:
        return (kind, SourceName(account, external_id)) not in self._strangers


async def _turn(
    tx: Transaction,
    at: datetime,
    turn: DispatchRecord,
    routes: Sequence[Route],
    here: Mapping[Subject, Subject],
) -> None:
    rows = await deliveries.of_subjects(tx, sorted(here.values()))

    def own(delivery: Delivery) -> Delivery | None:
        subject = here.get(delivery.subject)
        return counterpart(delivery, rows.get(subject, ())) if subject is not None else None

    # What was not claimed here has no answer, though it got one there.
    ended = [_outcome(one, mine) for one in turn.ended if (mine := own(one.delivery)) and mine.state in _CLAIMED]
    back = [as_here(one, mine) for one in turn.back if (mine := own(one)) and mine.state in _CLAIMED]
    recorder = Recorder(tx, at, Cause("start", "dispatcher"), decided=True)
    await book(tx, recorder, turn.target, ended, back, routes)
    # What follows from an outcome may have been claimed in the same transaction.
    rows = await deliveries.of_subjects(tx, sorted(here.values()))
    claimed = [
        msgspec.structs.replace(as_here(one, mine), state=DeliveryState.SENT)
        for one in turn.claimed
        if (mine := own(one)) and mine.state in _CLAIMABLE and mine.due_at <= at
    ]
    await deliveries.save(tx, claimed)


def _outcome(ended: Ended, mine: Delivery) -> DeliveryOutcome:
    facts = msgspec.json.decode(ended.facts)
    if "delivery" in facts:
        facts["delivery"] = mine.id
    return DeliveryOutcome(
        delivery=as_here(ended.delivery, mine),
        account=ended.account,
        event=ended.event,
        facts=facts,
        copy=ended.copy and msgspec.structs.replace(ended.copy, order_id=mine.order_id),
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
