"""The live stream: which events happened, as they happen, so that pages know when to look again.

It sends kinds and numbers and nothing of what is in an event. It goes on after any event that a browser names by
Last-Event-ID; one that was away for very long is asked to load everything again. A tick at least every fifteen
seconds keeps the line open.
"""

from __future__ import annotations

import asyncio
import contextlib

import msgspec
from aiohttp import web

from olhubd.control.dashboard.page import HEADERS, visitor
from olhubd.control.dashboard.route import PageRoute
from olhubd.control.dashboard.state import DESK, PageState
from olhubd.control.http.context import CONTEXT
from olhubd.control.http.problem import Refusal
from olhubd.engine.hub import Hub
from olhubd.model import Event
from olhubd.store import events

__all__ = ["MOST", "ROUTES"]

MOST = 16
"""Streams at one time; each looks into the log every second."""
_TICK = 15
_FAR = 1000


async def stream(request: web.Request) -> web.StreamResponse:
    """Server-sent events."""
    session, desk = visitor(request), request.app[DESK]
    if session is None:
        raise Refusal(401, "token", "log in first")
    if desk.streams >= MOST:
        raise Refusal(429, "limited", f"{MOST} streams are open already", {"Retry-After": "30"})
    # Counted before anything is waited for, or many at one moment would all find room.
    desk.streams += 1
    try:
        return await _opened(request, desk)
    finally:
        desk.streams -= 1


async def _opened(request: web.Request, desk: PageState) -> web.StreamResponse:
    hub = request.app[CONTEXT].hub
    after = await _start(hub, request.headers.get("Last-Event-ID", request.query.get("after", "")))
    response = web.StreamResponse(headers={**HEADERS, "Content-Type": "text/event-stream"})
    with contextlib.suppress(ConnectionError):  # the browser went
        await response.prepare(request)
        await response.write(b"retry: 3000\n\n")
        await _tell(request, response, hub, desk, after)
    return response


async def _start(hub: Hub, text: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) < 19:
        return int(text)
    return await events.head(hub.database.reader)


async def _tell(request: web.Request, response: web.StreamResponse, hub: Hub, desk: PageState, after: int) -> None:
    silent = _TICK
    # Without its transport the browser has gone, which nothing else would show before the next tick.
    while not desk.closing.is_set() and request.transport is not None and visitor(request) is not None:
        head = await events.head(hub.database.reader)
        if not after <= head <= after + _FAR:  # away for long, or another database since
            after = head
            await response.write(b"id: %d\nevent: anew\ndata: {}\n\n" % head)
        elif found := await events.since(hub.database.reader, after, _FAR):
            after, silent = found[-1].id, 0
            await response.write(b"".join(map(_frame, found)))
        elif silent >= _TICK:
            silent = 0
            await response.write(b"id: %d\nevent: tick\ndata: {}\n\n" % after)
        silent += 1
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await desk.closing.wait()


def _frame(event: Event) -> bytes:
    told = msgspec.json.encode(
        {
            "id": event.id,
            "at": event.at,
            "kind": event.kind,
            "account": event.account,
            "subject": event.subject,
            "order": event.order_id,
        }
    )
    return b"id: %d\nevent: change\ndata: %s\n\n" % (event.id, told)


ROUTES = (PageRoute("GET", "/events/stream", stream),)
