"""The log of events for programs: whole and in its order, a page at a time, or as a stream of what happens.

People read the journal, which shows the same with its severity and with the runs that went wrong.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence

import msgspec
from aiohttp import web

from olhubd.control.api.lookup import known_account, known_place, meant, subject_names
from olhubd.control.api.schema.base import Nothing
from olhubd.control.api.schema.events import EventPage, EventRow, EventsQuery
from olhubd.control.http.context import Stream
from olhubd.control.http.problem import Refusal
from olhubd.control.http.routes import Call, route
from olhubd.control.text import event_text
from olhubd.engine.hub import Hub
from olhubd.model import Event, Reason, Subject
from olhubd.store import events, journal, runs

__all__ = ["MOST", "ROUTES"]

MOST = 16
"""Streams at one time; each looks into the log every second."""
_STREAM = "text/event-stream"
_CHUNK = 500
_FAR = 5000
"""Events that one answer looks at; what is further is for the next."""
_TICK = 15.0
_PAUSE = 1.0


async def listing(call: Call[EventsQuery, Nothing]) -> EventPage | web.Response:
    """The latest, the oldest of them first; with `after` those that follow that event.

    Who accepts `text/event-stream` gets them as they happen, and goes on after the event that `Last-Event-ID`
    names. Where that is none of this log's, a frame of the kind `anew` says so.
    """
    hub, asked = call.hub, call.query
    await known_account(hub, "account", asked.account)
    wanted = await _Filter.of(hub, asked)
    if _STREAM in call.headers.get("Accept", ""):
        return await _streamed(call, wanted)
    if asked.after is None:
        return await _latest(hub, wanted, asked.limit)
    await known_place(hub, asked.after)
    end = hub.clock.monotonic() + asked.wait
    page = await _after(hub, wanted, asked.after, asked.limit)
    while not page.items and hub.clock.monotonic() < end:
        await hub.clock.sleep(min(_PAUSE, asked.wait))
        page = await _after(hub, wanted, page.newest, asked.limit)
    return page


class _Filter(msgspec.Struct, frozen=True, kw_only=True):
    account: str | None
    subjects: Collection[Subject] | None

    @classmethod
    async def of(cls, hub: Hub, asked: EventsQuery) -> _Filter:
        ids = await meant(hub.database.reader, asked.q) if asked.q is not None else None
        if ids == []:
            raise Refusal(400, "parameter", Reason("none.order-q", order=asked.q), parameter="q")
        return cls(account=asked.account, subjects=None if ids is None else {Subject.order(id_) for id_ in ids})

    def fits(self, event: Event) -> bool:
        return self.account in (None, event.account) and (self.subjects is None or event.subject in self.subjects)


async def _latest(hub: Hub, wanted: _Filter, limit: int) -> EventPage:
    reader = hub.database.reader
    newest = await events.head(reader)
    found = await journal.page(
        reader, account=wanted.account, subjects=wanted.subjects, before=newest + 1, limit=limit + 1
    )
    more = len(found) > limit
    return EventPage(items=await _rows(hub, found[:limit][::-1]), newest=newest, more=more)


async def _after(hub: Hub, wanted: _Filter, after: int, limit: int) -> EventPage:
    """Those that fit among the next ones; `newest` is how far was looked."""
    found: list[Event] = []
    newest, reader, full = after, hub.database.reader, True
    while len(found) < limit and newest < after + _FAR:
        chunk = await events.since(reader, newest, _CHUNK)
        for event in chunk:
            newest = event.id
            if wanted.fits(event):
                found.append(event)
                if len(found) == limit:
                    break
        if len(chunk) < _CHUNK and len(found) < limit:
            full = False
            break
    more = full and newest < await events.head(reader)
    return EventPage(items=await _rows(hub, found), newest=newest, more=more)


async def _rows(hub: Hub, found: Sequence[Event]) -> tuple[EventRow, ...]:
    ids = {int(one.cause.id) for one in found if one.cause.kind == "run" and one.cause.id.isdecimal()}
    known = await runs.read(hub.database.reader, sorted(ids)) if ids else {}
    about = {one.subject for one in found if one.subject is not None}
    names = await subject_names(hub.database.reader, hub.flows, about)
    return tuple(
        EventRow(
            id=one.id,
            at=one.at,
            kind=one.kind,
            account=one.account,
            subject=names[one.subject] if one.subject is not None else None,
            order_id=one.order_id,
            text=event_text.tell(one),
            why=event_text.why(one.cause, known),
            cause=one.cause,
            data=one.data,
        )
        for one in found
    )


async def _streamed(call: Call[EventsQuery, Nothing], wanted: _Filter) -> web.Response:
    # Its place is taken before anything is waited for, or many at one moment would all find one free.
    stream = Stream()
    call.context.streams.add(stream)
    if len(call.context.streams) > MOST:
        call.context.streams.discard(stream)
        raise Refusal(429, "limited", f"{MOST} streams are open already", {"Retry-After": "30"})
    named = call.headers.get("Last-Event-ID", "")
    after = int(named) if named.isascii() and named.isdecimal() and len(named) < 19 else call.query.after
    head = await events.head(call.hub.database.reader)
    anew = after is not None and after > head
    after = head if after is None or anew else after
    return web.Response(body=_frames(call, wanted, after, stream, anew), headers={"Content-Type": _STREAM})


async def _frames(
    call: Call[EventsQuery, Nothing], wanted: _Filter, after: int, stream: Stream, anew: bool
) -> AsyncIterator[bytes]:
    """An event a frame, and a comment when there is none for long, by which either side knows that it is there.

    It ends with the token that opened it.
    """
    context, hub = call.context, call.hub
    try:
        yield b"retry: 3000\n\n"
        if anew:
            yield b"id: %d\nevent: anew\ndata: {}\n\n" % after
        quiet = hub.clock.monotonic()
        while not context.closing.is_set() and call.still():
            page = await _after(hub, wanted, after, _CHUNK)
            after = page.newest
            for row in page.items:
                yield b"id: %d\ndata: %s\n\n" % (row.id, msgspec.json.encode(row))
            if page.items:
                quiet = hub.clock.monotonic()
            elif hub.clock.monotonic() - quiet >= _TICK:
                quiet = hub.clock.monotonic()
                yield b": %d\n\n" % after
            if not page.items:
                await hub.clock.sleep(_PAUSE)
    finally:
        context.streams.discard(stream)


ROUTES = (
    route("GET", "/api/v1/events", listing, limit=70.0, refusals=(410,), media=("application/json", _STREAM)),
)
