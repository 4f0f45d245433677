"""`olhubd replay`: the inputs of a database are decided again into a scratch database, and both are compared.

With other routes than those that were in force it shows what would have been decided by them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from olhubd.decide.planners import PLANNERS
from olhubd.decide.planning import Planner
from olhubd.decide.route import Route
from olhubd.engine.flow.flow import RecordFlow
from olhubd.engine.flow.registry import FLOWS, Flows
from olhubd.engine.replay.diff import ReplayDifference, compare, compare_kind
from olhubd.engine.replay.numbers import SourceName
from olhubd.engine.replay.play import Play
from olhubd.engine.replay.recording import CONFIGURED
from olhubd.model import Kind, Subject
from olhubd.store import Database, Reader, StoreError, history
from olhubd.store import recorded_inputs as kept
from olhubd.store.sqlite import snapshot

__all__ = ["ReplayReport", "replay"]


class ReplayReport(msgspec.Struct, kw_only=True):
    """What came of a replay. `decisions` are the events and deliveries that were compared, of `orders`, and of
    `others`, which are records of other kinds."""

    first: datetime
    """When the first input came that is kept."""
    inputs: int = 0
    orders: int = 0
    others: int = 0
    decisions: int = 0
    left_out: int = 0
    """Orders and other records from before the first input that have changed since: their state then is unknown."""
    differ: int = 0
    """Orders and other records of which something is different, and inputs that could not be decided upon."""
    differences: Sequence[ReplayDifference] = ()
    """The first of them."""
    not_compared: Mapping[str, int] = {}
    """How many events, deliveries and records in quarantine were not looked at, by kind: no flow carries it, or
    what is decided of it depends on more than the inputs keep."""


async def replay(
    source: Path,
    into: Path,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    routes: Sequence[Route] | None = None,
    most: int = 20,
    flows: Flows = FLOWS,
    planners: Sequence[Planner[Any]] = PLANNERS,
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
        event = await kept.first_event(reader, without=CONFIGURED)
        if since is not None and since < first.at and await snapshot.any_before(reader, event):
            raise StoreError(f"inputs are kept from {first.at:%Y-%m-%dT%H:%M:%SZ} on: ask for no earlier time")
        old = await snapshot.unmoved(reader, event, first.at)
        strangers = await snapshot.others(reader, event, set(old))
        report = ReplayReport(first=first.at, left_out=len(strangers))
        strange = {(Kind.ORDER, SourceName(account, external_id)) for _, account, external_id in strangers}
        others = [flow for flow in flows if flow.replayed and flow.kind is not Kind.ORDER]
        moved: dict[Kind, set[int]] = {}
        async with Database.open(into) as scratch:
            # Opened once more, so that numbers go on after those of the rows that are copied.
            await _plant(reader, scratch, flows[Kind.ORDER], old)
            for flow in others:
                still, moved[flow.kind] = await snapshot.settled(reader, flow.kind, event, first.at)
                await _plant(reader, scratch, flow, still)
        for flow in others:
            names = await flow.names(reader, sorted(moved[flow.kind])) if moved[flow.kind] else {}
            strange.update((flow.kind, SourceName(*name)) for name in names.values())
            report.left_out += len(moved[flow.kind])
        async with Database.open(into) as scratch:
            play = Play(scratch, partial(_names, reader, flows), routes, strange, flows=flows, planners=planners)
            after = 0
            while batch := await kept.following(reader, after):
                after = batch[-1].id
                report.inputs += await play.decide(one for one in batch if until is None or one.at < until)
            unknown = {id_ for id_, _, _ in strangers}
            wanted = await history.moved_since(reader, since or first.at) - unknown
            found = await compare(reader, scratch.reader, wanted, until)
            for flow in others:
                some = await history.subjects_since(reader, flow.kind, since or first.at) - moved[flow.kind]
                await compare_kind(found, flow, reader, scratch.reader, some, until)
            compared = [Kind.ORDER, *(flow.kind for flow in others)]
            report.not_compared = await history.others_since(reader, since or first.at, compared)
            report.orders, report.others, report.decisions = found.orders, found.others, found.decisions
            differences = [*play.failures, *found.differences]
            report.differ, report.differences = len(differences), differences[:most]
    return report


async def _plant(reader: Reader, scratch: Database, flow: RecordFlow[Any], ids: Sequence[int]) -> None:
    """Copy records from before the first input."""
    await scratch.write(lambda tx: snapshot.plant(reader, tx, flow.kind, flow.tables, ids))


async def _names(reader: Reader, flows: Flows, subjects: Collection[Subject]) -> Mapping[Subject, SourceName]:
    """What these are called in the database that is read."""
    found: dict[Subject, SourceName] = {}
    for flow in flows:
        ids = [subject.id for subject in subjects if subject.kind is flow.kind]
        names = await flow.names(reader, ids) if ids else {}
        found.update((Subject(flow.kind, id_), SourceName(*name)) for id_, name in names.items())
    return found
