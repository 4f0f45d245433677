"""Calls of the week that are handed over in memory: to a client they are those that go over a connection."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.simulators.woocommerce import WooCommerceSimulator
from olhubd_kit.virtual_clock import EPOCH
from olhubd_torture.loop import VirtualTimeLoop
from olhubd_torture.week.session import MemorySession, SimulatedServer
from olhubd_torture.week.transport import LoopbackConnector

DELAY = 0.05
BASE = URL("http://127.0.0.1:1/wp-json/wc/v3")
JSON = {"Content-Type": "application/json"}


async def signed(request: Any, handler: Any) -> Any:
    settings = WooCommerceSimulator(1, secure=True).settings(str(BASE.origin()))
    key, secret = settings["consumer_key"], settings["consumer_secret"]
    request.headers["Authorization"] = aiohttp.encode_basic_auth(key, secret)
    return await handler(request)


def play(work: Callable[[Any, aiohttp.ClientSession, SimulatedServer], Awaitable[None]]) -> None:
    """Have the session in memory, and the one by connections behind it, call a shop at port 1 by virtual time."""

    async def whole() -> None:
        shop = SimulatedServer(WooCommerceSimulator(1, lambda: EPOCH, secure=True), lambda: EPOCH)
        runner = web.AppRunner(shop.application, access_log=None, handler_cancellation=True)
        await runner.setup()
        assert runner.server is not None
        connector = LoopbackConnector({1: runner.server}, DELAY)
        async with aiohttp.ClientSession(connector=connector, headers={"User-Agent": "week/1"}) as wire:
            await work(MemorySession(wire, {1: shop}, DELAY), wire, shop)
        await runner.cleanup()

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(whole())


async def call(session: Any, method: str, path: str, **options: Any) -> tuple[int, dict[str, str], bytes]:
    response = await session.request(method, BASE / path, middlewares=(signed,), **options)
    body = await response.read()
    response.release()
    assert response.ok == (response.status < 400)
    assert response.content_length == len(body)
    return (
        response.status,
        {k: v for k, v in response.headers.items() if k not in ("Content-Length", "Server")},
        body,
    )


@pytest.mark.parametrize(
    ("method", "path", "options"),
    [
        ("GET", "orders", {"params": {"per_page": "2", "search": "a b&c"}}),
        ("GET", "orders", {"params": [("per_page", "2"), ("order", "asc")]}),
        ("GET", "products", {"params": {"per_page": "2", "page": "2"}}),
        ("GET", "orders/999", {}),
        ("GET", "nothing", {}),
        ("POST", "orders", {"data": b"{", "headers": JSON}),
        ("PUT", "orders/999", {"data": b"{}", "headers": JSON}),
    ],
)
def test_an_answer_is_the_one_that_a_connection_brings(method: str, path: str, options: dict[str, Any]) -> None:
    async def work(session: Any, wire: aiohttp.ClientSession, shop: SimulatedServer) -> None:
        assert await call(session, method, path, **options) == await call(wire, method, path, **options)
        assert shop.calls == 2

    play(work)


def test_a_write_arrives_with_its_body_and_acts_once() -> None:
    async def work(session: Any, _wire: aiohttp.ClientSession, shop: SimulatedServer) -> None:
        body = b'{"status":"processing","line_items":[{"product_id":101,"quantity":1}]}'
        before = len(shop.simulator.books())
        status, _, _ = await call(session, "POST", "orders", data=body, headers=JSON)
        assert (status, len(shop.simulator.books())) == (201, before + 1)

    play(work)


def test_a_call_takes_its_time_there_and_back_and_says_the_time_of_the_week() -> None:
    async def work(session: Any, _wire: aiohttp.ClientSession, _shop: SimulatedServer) -> None:
        time = asyncio.get_running_loop().time
        began = time()
        _, headers, _ = await call(session, "GET", "orders")
        assert time() - began == pytest.approx(2 * DELAY)
        assert headers["Date"] == "Thu, 01 Jan 2026 00:00:00 GMT"

    play(work)


def test_the_date_goes_with_the_time() -> None:
    now = [EPOCH]
    server = SimulatedServer(WooCommerceSimulator(1, lambda: now[0]), lambda: now[0])
    first = server.date
    now[0] += timedelta(seconds=1)
    assert (first, server.date) == ("Thu, 01 Jan 2026 00:00:00 GMT", "Thu, 01 Jan 2026 00:00:01 GMT")


def test_what_is_to_be_struck_is_struck() -> None:
    async def work(session: Any, _wire: aiohttp.ClientSession, shop: SimulatedServer) -> None:
        shop.simulator.faults.add(Fault(kind=FaultKind.LOSE, times=1))
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await call(session, "POST", "orders", data=b"{}", headers=JSON)
        assert (await call(session, "GET", "orders"))[0] == 200

    play(work)


def test_nobody_answers_where_nobody_listens() -> None:
    async def work(session: Any, _wire: aiohttp.ClientSession, _shop: SimulatedServer) -> None:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.request("GET", URL("http://127.0.0.1:2/"))

    play(work)
