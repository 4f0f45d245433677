"""The connections of the week: joined in memory, with the time a call takes, and with an end at both sides."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp
import pytest
from aiohttp import web

from olhubd_torture.loop import VirtualTimeLoop
from olhubd_torture.week.transport import LoopbackConnector

DELAY = 0.05
BODY = b"0123456789" * 30_000
"""More than a client reads at once before it pauses its connection."""


async def echo(request: web.Request) -> web.Response:
    return web.Response(body=await request.read())


async def many(request: web.Request) -> web.StreamResponse:
    """The same piece by piece."""
    response = web.StreamResponse()
    await response.prepare(request)
    for at in range(0, len(BODY), 1000):
        await response.write(BODY[at : at + 1000])
    return response


async def cut(request: web.Request) -> web.Response:
    """The server ends the connection without an answer."""
    assert request.transport is not None
    request.transport.close()
    return web.Response()


def play(work: Callable[[aiohttp.ClientSession, list[float]], Awaitable[None]]) -> None:
    """Have a client call a server at port 1 by virtual time. What is noted is when the server lost its client."""

    async def whole() -> None:
        left: list[float] = []

        async def hang(_request: web.Request) -> web.Response:
            """It answers after a day, unless its client has gone by then."""
            try:
                await asyncio.sleep(86_400.0)
            finally:
                left.append(now())
            return web.Response()

        app = web.Application()
        app.router.add_post("/echo", echo)
        app.router.add_get("/many", many)
        app.router.add_post("/cut", cut)
        app.router.add_get("/hang", hang)
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
        await runner.setup()
        assert runner.server is not None
        async with aiohttp.ClientSession(connector=LoopbackConnector({1: runner.server}, DELAY)) as session:
            await work(session, left)
        await runner.cleanup()

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(whole())


def now() -> float:
    return asyncio.get_running_loop().time()


def test_a_call_takes_its_time_there_and_back() -> None:
    async def work(session: aiohttp.ClientSession, _left: list[float]) -> None:
        began = now()
        async with session.post("http://127.0.0.1:1/echo", data=b"hello") as response:
            assert await response.read() == b"hello"
        assert now() - began == pytest.approx(2 * DELAY)

    play(work)


def test_what_is_too_much_at_once_arrives_whole_and_in_order() -> None:
    async def work(session: aiohttp.ClientSession, _left: list[float]) -> None:
        async with session.get("http://127.0.0.1:1/many") as response:
            await asyncio.sleep(60.0)
            assert await response.read() == BODY

    play(work)


def test_a_client_learns_at_once_that_its_server_has_gone() -> None:
    async def work(session: aiohttp.ClientSession, _left: list[float]) -> None:
        began = now()
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await session.post("http://127.0.0.1:1/cut", timeout=aiohttp.ClientTimeout(30.0))
        assert now() - began == pytest.approx(2 * DELAY)

    play(work)


def test_a_server_learns_at_once_that_its_client_has_gone() -> None:
    async def work(session: aiohttp.ClientSession, left: list[float]) -> None:
        began = now()
        with pytest.raises(TimeoutError):
            await session.get("http://127.0.0.1:1/hang", timeout=aiohttp.ClientTimeout(30.0))
        await asyncio.sleep(1.0)
        assert [at - began for at in left] == [pytest.approx(30.0 + DELAY)]

    play(work)


def test_nobody_answers_where_nobody_listens() -> None:
    async def work(session: aiohttp.ClientSession, _left: list[float]) -> None:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get("http://127.0.0.1:2/echo")

    play(work)
