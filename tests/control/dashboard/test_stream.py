"""The live stream: what happens is told, from any event on, and nothing of it is personal."""

from __future__ import annotations

import asyncio
import contextvars
import dataclasses
from typing import Any

import msgspec
import pytest
from aiohttp import ClientResponse, web
from structlog.testing import capture_logs

from olhubd.control.dashboard import stream
from olhubd.control.dashboard.state import DESK, PageState
from olhubd.control.dashboard.stream import MOST
from olhubd.control.http import server, sockets
from olhubd.control.process_control import ProcessControl
from olhubd.engine.hub import Hub
from olhubd.store import events
from tests.control.dashboard.browser import Browser


async def frames(response: ClientResponse, count: int) -> list[dict[str, Any]]:
    """The next frames that say something."""
    found: list[dict[str, Any]] = []
    frame: dict[str, Any] = {}
    async with asyncio.timeout(20):
        async for line in response.content:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name:
                frame[name] = value
            elif "event" in frame:
                found.append({**frame, "data": msgspec.json.decode(frame["data"])})
                frame = {}
                if len(found) == count:
                    break
    return found


async def test_what_happens_is_told(busy: Browser) -> None:
    async with busy.client.get("/events/stream") as response:
        assert response.content_type == "text/event-stream"
        (first,) = await frames(response, 1)
        assert first["event"] == "tick"
        (sold,) = await busy.house.sell()
        told = await frames(response, 2)
    assert [frame["data"]["kind"] for frame in told] == ["order.placed", "order.confirmed"]
    assert int(told[0]["id"]) == int(first["id"]) + 1
    assert told[0]["data"].keys() == {"id", "at", "kind", "account", "subject", "order"}
    order = await busy.house.get(f"/orders/{sold}")
    assert told[0]["data"]["order"] == order["id"]
    assert told[0]["data"]["subject"] == {"kind": "order", "id": order["id"]}


async def test_it_goes_on_after_the_last_event(busy: Browser) -> None:
    """Nothing of what happened while the browser was away is left out, and nothing is told twice."""
    await busy.house.sell(2)
    log = await events.since(busy.house.database.reader, 0)
    after = log[1].id
    expected = [event.id for event in log if event.id > after]
    async with busy.client.get("/events/stream", headers={"Last-Event-ID": str(after)}) as response:
        told = await frames(response, len(expected))
    assert [frame["data"]["id"] for frame in told] == expected
    assert [int(frame["id"]) for frame in told] == expected


async def test_who_was_away_for_long_looks_at_everything_anew(busy: Browser) -> None:
    """An id of another database too: after a restore the numbers begin lower."""
    async with busy.client.get("/events/stream", headers={"Last-Event-ID": "999999"}) as response:
        (frame,) = await frames(response, 1)
    assert frame["event"] == "anew"
    assert int(frame["id"]) == await events.head(busy.house.database.reader)


async def test_there_are_only_so_many(busy: Browser) -> None:
    open_ = [await busy.client.get("/events/stream") for _ in range(MOST)]
    try:
        answer = await busy.get("/events/stream")
        assert answer.status == 429
        assert answer.headers["Retry-After"] == "30"
    finally:
        for response in open_:
            response.close()

    async def free() -> bool:
        async with busy.client.get("/events/stream") as response:
            return response.status == 200

    await busy.house.until(free)


async def test_a_browser_that_leaves_before_its_stream_begins_leaves_nothing(
    busy: Browser, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It frees its place, and nobody reads of it: people leave pages all the time."""
    begun: list[web.Request] = []
    start = stream._start

    async def slow(hub: Hub, text: str) -> int:
        begun.append(asked := page_request.get())
        while asked.transport is not None:
            await asyncio.sleep(0.01)
        return await start(hub, text)

    opened, page_request = stream._opened, contextvars.ContextVar[web.Request]("page_request")

    async def watched(request: web.Request, desk: PageState) -> web.StreamResponse:
        page_request.set(request)
        return await opened(request, desk)

    monkeypatch.setattr(stream, "_start", slow)
    monkeypatch.setattr(stream, "_opened", watched)
    with capture_logs() as said:
        asking = asyncio.ensure_future(busy.client.get("/events/stream"))

        async def there() -> bool:
            return bool(begun)

        await busy.house.until(there)
        desk = begun[0].app[DESK]
        assert desk.streams == 1
        asking.cancel()
        await asyncio.wait([asking])

        async def free() -> bool:
            return desk.streams == 0

        await busy.house.until(free)
    assert [one for one in said if one["log_level"] in ("warning", "error")] == []
    assert [one.getMessage() for one in caplog.records if one.levelname in ("WARNING", "ERROR")] == []


async def test_it_ends_when_the_daemon_does(busy: Browser) -> None:
    """Cleanly, with the last of its chunks: one that is cut off would be an error here."""
    house = busy.house
    steer = ProcessControl(reload=house._reload, log_level=house._log_level)
    read = house.configuration()
    beside = dataclasses.replace(read, control=read.control.model_copy(update={"socket": None}))
    with sockets.opened(beside.control) as doors:
        async with server.serve(house.hub, doors, house.token, steer) as addresses:
            base = next(address for address in addresses if address.startswith("http:"))
            response = await busy.client.get(f"{base}/events/stream")
            await frames(response, 1)
    assert await response.content.read() == b""
