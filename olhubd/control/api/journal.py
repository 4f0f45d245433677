"""The journal: what happened, in words, with how grave it is; all events, and the runs that went wrong.

A view of the append-only log, to which nothing is added for it. What is looked for as text is looked for in the
words that people read, so a page may end before it is full: it then says how far back it looked.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta

import msgspec

from olhubd.control.api.lookup import known_account, known_place, meant, subject_names
from olhubd.control.api.schema.base import Nothing
from olhubd.control.api.schema.journal import Journal, JournalEntry, JournalQuery
from olhubd.control.http.routes import Call, route
from olhubd.control.text import event_text
from olhubd.control.text.event_text import SEVERITIES, Severity
from olhubd.control.text.formatter import ENGLISH, Formatter
from olhubd.engine.hub import Hub
from olhubd.model import Cause, Event, EventId, Run, RunId, Subject
from olhubd.store import codec, events, journal, runs

__all__ = ["FADING", "KEPT", "ROUTES", "pages"]

FADING = ("account.parked", "account.paused")
"""Deactivations: shown for a while, later only to who asks for all."""
KEPT = timedelta(days=30)
_CHUNK = 200
_MOST = 2000
"""Entries that one page looks at when a text is looked for."""
_GRAVITY = tuple(Severity)
_NOWHERE = 10**18 - 1


class _Place(msgspec.Struct, frozen=True):
    """How far a page came in both sequences: ids of events and of runs."""

    event: int = _NOWHERE
    run: int = _NOWHERE

    def __str__(self) -> str:
        return f"{self.event}.{self.run}"

    @classmethod
    def of(cls, text: str | None, otherwise: int) -> _Place:
        return cls(*map(int, text.split("."))) if text is not None else cls(otherwise, otherwise)


async def listing(call: Call[JournalQuery, Nothing]) -> Journal:
    """The newest first. With `after` only what is newer, and `wait` seconds for that to happen."""
    hub, asked = call.hub, call.query
    if asked.after is not None:
        end, seen = hub.clock.monotonic() + asked.wait, _Place.of(asked.after, 0)
        await known_place(hub, seen.event)
        while hub.clock.monotonic() < end and await _heads(hub) == seen:
            await hub.clock.sleep(min(0.5, asked.wait))
    return await pages(hub, asked)


async def pages(hub: Hub, asked: JournalQuery, voice: Formatter = ENGLISH) -> Journal:
    """One page, in a language."""
    await known_account(hub, "account", asked.account)
    newest = await _heads(hub)
    place, after = _Place.of(asked.before, _NOWHERE), _Place.of(asked.after, 0)
    subjects = None
    if asked.q is not None:
        subjects = [Subject.order(id_) for id_ in await meant(hub.database.reader, asked.q)]
    found: list[tuple[JournalEntry, Subject | None]] = []
    looked, oldest, more = 0, None, False
    causes: dict[int, Run] = {}
    async for one in _merged(hub, asked, subjects, place, after, causes):
        if len(found) == asked.limit or looked == _MOST:
            more = True
            break
        looked += 1
        oldest = one.at if isinstance(one, Event) else one.ended_at or one.started_at
        place = _passed(place, one)
        entry = _entry(one, causes, voice)
        if asked.text is None or asked.text.casefold() in f"{entry.text} {entry.why} {entry.kind}".casefold():
            found.append((entry, one.subject if isinstance(one, Event) else None))
    names = await subject_names(hub.database.reader, hub.flows, {about for _, about in found if about is not None})
    items = tuple(
        msgspec.structs.replace(entry, subject=names[about]) if about else entry for entry, about in found
    )
    return Journal(items=items, next=str(place) if more else None, newest=str(newest), looked_back_to=oldest)


def _passed(place: _Place, one: Event | Run) -> _Place:
    if isinstance(one, Event):
        return msgspec.structs.replace(place, event=one.id)
    return msgspec.structs.replace(place, run=one.id)


async def _heads(hub: Hub) -> _Place:
    reader = hub.database.reader
    wrong = await runs.listing(reader, wrong=True, limit=1)
    return _Place(await events.head(reader), wrong[0].id if wrong else 0)


async def _merged(
    hub: Hub,
    asked: JournalQuery,
    subjects: Sequence[Subject] | None,
    place: _Place,
    after: _Place,
    causes: dict[int, Run],
) -> AsyncIterator[Event | Run]:
    """Both sequences as one, the latest first. The runs that caused what comes are put into `causes` before."""
    happened = _events(hub, asked, subjects, place.event, after.event, causes)
    failed = _runs(hub, asked, place.run, after.run) if subjects is None else _none()
    event, run = await anext(happened, None), await anext(failed, None)
    while event is not None or run is not None:
        if run is None or (event is not None and event.at >= (run.ended_at or run.started_at)):
            assert event is not None
            yield event
            event = await anext(happened, None)
        else:
            yield run
            run = await anext(failed, None)


async def _none() -> AsyncIterator[Run]:
    none: Sequence[Run] = ()
    for run in none:
        yield run


async def _events(
    hub: Hub,
    asked: JournalQuery,
    subjects: Sequence[Subject] | None,
    before: int,
    after: int,
    causes: dict[int, Run],
) -> AsyncIterator[Event]:
    kinds = None
    if asked.severity is not Severity.INFO:
        grave = _GRAVITY[_GRAVITY.index(asked.severity) :]
        kinds = [kind for kind, severity in SEVERITIES.items() if severity in grave and not kind.startswith("run.")]
    while True:
        found = await journal.page(
            hub.database.reader,
            account=asked.account,
            kinds=kinds,
            subjects=subjects,
            fading=() if asked.all else FADING,
            faded=hub.clock.now() - KEPT,
            before=before,
            limit=_CHUNK if asked.text else asked.limit + 1,
        )
        told = {int(one.cause.id) for one in found if one.cause.kind == "run" and one.cause.id.isdecimal()}
        if unknown := sorted(told - causes.keys()):
            causes.update(await runs.read(hub.database.reader, unknown))
        for event in found:
            if event.id <= after:
                return
            yield event
        if not found:
            return
        before = found[-1].id


async def _runs(hub: Hub, asked: JournalQuery, before: int, after: int) -> AsyncIterator[Run]:
    while True:
        found = await runs.listing(
            hub.database.reader, account=asked.account, wrong=True, before=before, limit=asked.limit + 1
        )
        for run in found:
            if run.id <= after:
                return
            if _GRAVITY.index(event_text.severity(_kind(run))) >= _GRAVITY.index(asked.severity):
                yield run
        if not found:
            return
        before = found[-1].id


def _kind(run: Run) -> str:
    return f"run.{run.state.value}"


def _entry(one: Event | Run, causes: Mapping[int, Run], voice: Formatter) -> JournalEntry:
    name = "event"
    if isinstance(one, Run):
        name, causes, one = "run", {one.id: one}, _as_event(one)
    return JournalEntry(
        id=f"{name}-{one.id}",
        at=one.at,
        severity=event_text.severity(one.kind),
        kind=one.kind,
        account=one.account,
        subject=None,
        order_id=one.order_id,
        text=event_text.tell(one, voice=voice),
        why=event_text.why(one.cause, causes, voice),
        cause=one.cause,
        data=one.data,
    )


def _as_event(run: Run) -> Event:
    """A run that went wrong, as if it had been written into the log."""
    facts = {"feed": run.feed, "reason": run.error, "seen": run.seen, "added": run.added, "changed": run.changed}
    return Event(
        id=EventId(run.id),
        at=run.ended_at or run.started_at,
        kind=_kind(run),
        account=run.account,
        cause=Cause("run", str(RunId(run.id))),
        data=msgspec.Raw(codec.facts({name: value for name, value in facts.items() if value is not None})),
    )


ROUTES = (route("GET", "/api/v1/journal", listing, limit=70.0, refusals=(410,)),)
