"""A hub between simulators, joined by HTTP in memory under virtual time: what takes a day passes in seconds.

Run what uses it by `asyncio.Runner(loop_factory=VirtualTimeLoop)`. A call takes a tenth of a second there and back.
Work takes no time by this clock, so what it costs is measured by CPU beside it.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from olhubd import __version__, config
from olhubd.engine.access.token_store import TokenStore
from olhubd.engine.hub import Hub
from olhubd_kit.demo_stack import write_configuration
from olhubd_kit.simulators.allegro import AllegroSimulator
from olhubd_kit.simulators.woocommerce import WooCommerceSimulator
from olhubd_kit.virtual_clock import VirtualClock
from olhubd_torture.daemon_life import MemoryLogger
from olhubd_torture.loop import VirtualTimeLoop
from olhubd_torture.store import UnsyncedDatabase
from olhubd_torture.week.transport import LoopbackConnector

__all__ = ["SHOP", "JoinedHub", "VirtualTimeLoop", "joined", "quantile"]

SHOP = "shop"
_DELAY = 0.05
"""Seconds from a client to a server."""

Answered = Callable[[str, web.Request], None]
"""Called with the account's name and the request when an answer begins."""


class JoinedHub:
    """A hub with its systems and its database."""

    def __init__(
        self,
        hub: Hub,
        database: UnsyncedDatabase,
        markets: Mapping[str, AllegroSimulator],
        shop: WooCommerceSimulator,
        clock: VirtualClock,
    ) -> None:
        self.hub = hub
        self.database = database
        self.markets = markets
        self.shop = shop
        self.clock = clock


@contextlib.asynccontextmanager
async def joined(
    folder: Path,
    clock: VirtualClock,
    markets: Mapping[str, AllegroSimulator],
    shop: WooCommerceSimulator,
    answered: Answered = lambda _name, _request: None,
) -> AsyncIterator[JoinedHub]:
    """The shop's stock is sold on all markets, and their orders go to the shop; all else is as by default."""
    async with contextlib.AsyncExitStack() as stack:
        session = await stack.enter_async_context(_network(clock, {SHOP: shop, **markets}, answered))
        (folder / "data").mkdir()
        database = await stack.enter_async_context(UnsyncedDatabase.open(folder / "data" / "olhubd.sqlite"))
        assert isinstance(database, UnsyncedDatabase)
        await database.hurry()
        vault = TokenStore(database, clock)
        for name, market in markets.items():
            await vault.save(name, market.token())
        configuration = config.load(_configuration(folder, markets, shop), None, os.environ)
        hub = Hub(configuration, database, session, clock, MemoryLogger([]))
        await hub.start()
        yield JoinedHub(hub, database, markets, shop, clock)
        await hub.stop(5)


def _configuration(folder: Path, markets: Mapping[str, AllegroSimulator], shop: WooCommerceSimulator) -> Path:
    accounts: dict[str, dict[str, Any]] = {
        name: {"connector": "allegro", **market.settings(f"http://127.0.0.1:{port}")}
        for port, (name, market) in enumerate(markets.items(), start=2)
    }
    accounts[SHOP] = {"connector": "woocommerce", **shop.settings("http://127.0.0.1:1"), "fetch_orders": True}
    path = write_configuration(folder, accounts, [{"from": [*markets], "to": SHOP}], {}, "off")
    with path.open("a", encoding="utf-8") as file:
        file.write(f'\n[[stock]]\nmaster = "{SHOP}"\nchannels = {json.dumps([*markets])}\n')
    return path


@contextlib.asynccontextmanager
async def _network(
    clock: VirtualClock, simulators: Mapping[str, Any], answered: Answered
) -> AsyncIterator[aiohttp.ClientSession]:
    def noted(name: str) -> Callable[[web.BaseRequest, web.StreamResponse], Awaitable[None]]:
        async def prepare(request: web.BaseRequest, response: web.StreamResponse) -> None:
            response.headers["Date"] = format_datetime(clock.now(), usegmt=True)
            assert isinstance(request, web.Request)
            answered(name, request)

        return prepare

    async with contextlib.AsyncExitStack() as stack:
        servers = {}
        for port, (name, simulator) in enumerate(simulators.items(), start=1):
            app = simulator.application()
            app.on_response_prepare.append(noted(name))
            runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            assert runner.server is not None
            servers[port] = runner.server
        yield await stack.enter_async_context(
            aiohttp.ClientSession(
                connector=LoopbackConnector(servers, _DELAY),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": f"olhubd/{__version__}"},
            )
        )


def quantile(found: Sequence[float], share: float) -> float:
    """The value below which this share of them is."""
    return sorted(found)[int((len(found) - 1) * share)]
