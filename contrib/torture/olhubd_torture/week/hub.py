"""The week with the hub: as a seller runs it, with its default settings, only that time passes faster."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from olhubd import __version__, config
from olhubd.decide.stock.oversold import OversoldCause
from olhubd.engine.access.token_store import TokenStore
from olhubd.engine.errors import NotPossible
from olhubd.engine.hub import Hub
from olhubd.engine.levels.wanted import freed
from olhubd.store import Database, Transaction, levels, oversold, stock_plans
from olhubd_kit.audit import Audit, audit
from olhubd_kit.catalogue import ShelfProduct
from olhubd_kit.demo_stack import write_configuration
from olhubd_kit.virtual_clock import VirtualClock
from olhubd_torture.daemon_life import MemoryLogger
from olhubd_torture.loop import VirtualTimeLoop
from olhubd_torture.store import UnsyncedDatabase
from olhubd_torture.week.ledger import WeekResult
from olhubd_torture.week.plan import SHOP, WeekPlan
from olhubd_torture.week.session import MemorySession, SimulatedServer
from olhubd_torture.week.systems import WeekSystems
from olhubd_torture.week.transport import LoopbackConnector

__all__ = ["HubWeek", "carry"]

DELAY = 0.05
"""Seconds from a client to a server."""
_BEGUN = 600.0
"""Seconds that the hub has to read what is there before anybody buys."""
_ROWS = 500
_AFTER = 1800.0
"""Seconds after the week in which what is under way arrives."""


class HubWeek:
    """What came of it: the books, what the hub logged as an error, and how it explains what it oversold: by cause,
    how many orders and how many pieces."""

    def __init__(
        self,
        result: WeekResult,
        books: Audit,
        errors: list[str],
        explained: Mapping[OversoldCause, tuple[int, int]],
        braked: int,
    ) -> None:
        self.result = result
        self.books = books
        self.errors = errors
        self.explained = explained
        self.braked = braked
        """How many plans the brake stopped."""


def carry(
    plan: WeekPlan, products: Sequence[ShelfProduct], told: Callable[[float], None], policy: str = "shared"
) -> HubWeek:
    """Play the week under a rule of stock with `policy`. `told` is called with the seconds that have passed of it,
    once a virtual hour."""
    with (
        tempfile.TemporaryDirectory(prefix="olhubd-week-") as folder,
        asyncio.Runner(loop_factory=VirtualTimeLoop) as runner,
    ):
        return runner.run(_carry(plan, products, Path(folder), told, policy))


async def _carry(
    plan: WeekPlan, products: Sequence[ShelfProduct], folder: Path, told: Callable[[float], None], policy: str
) -> HubWeek:
    clock = VirtualClock()
    systems = WeekSystems(plan, products, clock.now, divided=policy == "allocated")
    lines: list[str] = []
    async with contextlib.AsyncExitStack() as stack:
        simulators = (systems.shop, *systems.markets.values())
        servers = {port: SimulatedServer(one, clock.now) for port, one in enumerate(simulators, start=1)}
        session = await stack.enter_async_context(_network(servers))
        (folder / "data").mkdir()
        database = await stack.enter_async_context(UnsyncedDatabase.open(folder / "data" / "olhubd.sqlite"))
        assert isinstance(database, UnsyncedDatabase)
        await database.hurry()
        vault = TokenStore(database, clock)
        for name, market in systems.markets.items():
            await vault.save(name, market.token())
        configuration = config.load(_configuration(folder, systems, policy), None, os.environ)
        hub = Hub(configuration, database, session, clock, MemoryLogger(lines))
        await hub.start()
        await asyncio.sleep(_BEGUN)
        await _allow(hub, database, systems.markets)
        await asyncio.sleep(_BEGUN)
        await _approve(hub, database)
        await asyncio.sleep(_BEGUN)
        systems.open()
        begun = sum(one.calls for one in servers.values())
        hourly = asyncio.create_task(_tell(systems, told))
        began = clock.monotonic()
        for act in plan.acts:
            await asyncio.sleep(max(0.0, began + act.at - clock.monotonic()))
            systems.act(act)
        await asyncio.sleep(max(0.0, began + plan.seconds - clock.monotonic()))
        systems.look()
        result = systems.ledger.close()
        result.calls = sum(one.calls for one in servers.values()) - begun
        hourly.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await hourly
        await asyncio.sleep(_AFTER)
        books = audit({name: market.books() for name, market in systems.markets.items()}, systems.shop.books())
        explained = await oversold.tally(database.reader)
        braked = len(await stock_plans.listing(database.reader, limit=1000))
        await hub.stop(5)
    errors = [line for line in lines if line.startswith(("error", "critical"))]
    return HubWeek(result, books, errors, explained, braked)


async def _allow(hub: Hub, database: Database, accounts: Iterable[str]) -> None:
    """Their seller lets every offer come back by itself: as the hub does it for one, only that all share a commit,
    and the levellers look at them once."""

    async def work(tx: Transaction) -> None:
        for account in accounts:
            ids = await levels.numbers(tx, account, 0, 1_000_000)
            for start in range(0, len(ids), _ROWS):
                part = ids[start : start + _ROWS]
                rows = await levels.of_offers(tx, part)
                await levels.put(tx, [msgspec.structs.replace(row, resumes=True) for row in rows.values()])
                await freed(tx, part)

    await database.write(work)
    hub.directory.level()


async def _approve(hub: Hub, database: Database) -> None:
    """Their seller has looked at what the brake stopped: dividing the pieces the first time ends many offers."""
    for plan in await stock_plans.listing(database.reader, open_=True, limit=1000):
        seen = await stock_plans.tally(database.reader, plan.id)
        # One to which more has come meanwhile stays stopped.
        with contextlib.suppress(NotPossible):
            await hub.stock_plan_actions.approve(plan.id, "seller", seen)


async def _tell(systems: WeekSystems, told: Callable[[float], None]) -> None:
    while True:
        # Whatever the offers say has changed between two acts is seen to the second.
        for _ in range(3600):
            systems.look()
            await asyncio.sleep(1.0)
        told((systems.now() - systems.began).total_seconds())


def _configuration(folder: Path, systems: WeekSystems, policy: str) -> Path:
    accounts: dict[str, dict[str, Any]] = {
        name: {"connector": "allegro", **market.settings(_address(port))}
        for port, (name, market) in enumerate(systems.markets.items(), start=2)
    }
    accounts[SHOP] = {"connector": "woocommerce", **systems.shop.settings(_address(1)), "fetch_orders": True}
    routes = [{"from": list(systems.markets), "to": SHOP}]
    path = write_configuration(folder, accounts, routes, {}, "off")
    with path.open("a", encoding="utf-8") as file:
        rule = {"master": SHOP, "channels": list(systems.markets), "policy": policy}
        written = "".join(f"{key} = {json.dumps(value)}\n" for key, value in rule.items())
        file.write(f"\n[[stock]]\n{written}resume = true\n")
    return path


def _address(port: int) -> str:
    return f"http://127.0.0.1:{port}"


@contextlib.asynccontextmanager
async def _network(servers: Mapping[int, SimulatedServer]) -> AsyncIterator[aiohttp.ClientSession]:
    """A session that reaches the simulators in memory."""
    async with contextlib.AsyncExitStack() as stack:
        wired = {}
        for port, server in servers.items():
            runner = web.AppRunner(server.application, access_log=None, handler_cancellation=True)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            assert runner.server is not None
            wired[port] = runner.server
        wire = aiohttp.ClientSession(
            connector=LoopbackConnector(wired, DELAY),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": f"olhubd/{__version__}"},
        )
        async with wire:
            session: Any = MemorySession(wire, servers, DELAY)
            yield session
