"""One life of the daemon in a world: the real hub on the real store, from its start until it stops or is killed."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import random
import traceback
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Self, cast

from olhubd.config import AccountConfig, Alarms, Configuration, Control, Daemon, Engine
from olhubd.decide.pricing.rule import PriceRule
from olhubd.decide.product_import import ImportSettings, ProductImport
from olhubd.decide.route import Route
from olhubd.decide.stock.brake import Brake
from olhubd.decide.stock.policy import StockPolicy, StockRule
from olhubd.decide.stock.sellable import Buffer
from olhubd.engine.access.token_store import TokenStore
from olhubd.engine.hub import Hub
from olhubd.model import AlarmKind
from olhubd.plugin import loading
from olhubd.store import FAILURES
from olhubd_kit.virtual_clock import EPOCH
from olhubd_torture.loop import LoopStuck
from olhubd_torture.memory_connectors import MarketConnector, MemoryConnector, ShopConnector, WorkshopConnector
from olhubd_torture.price_book import price_rule
from olhubd_torture.rogue import ROGUE, RogueConnector
from olhubd_torture.schedule import SHOP
from olhubd_torture.stock_connectors import ShopStock
from olhubd_torture.stock_plan import StockPlan
from olhubd_torture.store import TortureDatabase
from olhubd_torture.world import World

__all__ = ["DaemonLife", "MemoryLogger", "sign_in"]

GRACE = 25.0
ENDS_WITHIN = 600.0
"""Seconds within which an orderly stop must have ended, whatever the disk and the others do."""


class MemoryLogger:
    """A logger that keeps what it logs, tracebacks too, as text."""

    def __init__(self, lines: list[str], facts: dict[str, Any] | None = None) -> None:
        self.lines = lines
        self._facts = facts or {}

    def bind(self, **facts: Any) -> Self:
        return type(self)(self.lines, {**self._facts, **facts})

    def _write(self, level: str, event: str, exc_info: bool = False, **facts: Any) -> None:
        trace = traceback.format_exc() if exc_info else ""
        self.lines.append(f"{level}: {event} {self._facts | facts} {trace}".rstrip())

    def debug(self, event: str, **facts: Any) -> None:
        self._write("debug", event, **facts)

    def info(self, event: str, **facts: Any) -> None:
        self._write("info", event, **facts)

    def warning(self, event: str, **facts: Any) -> None:
        self._write("warning", event, **facts)

    def error(self, event: str, **facts: Any) -> None:
        self._write("error", event, **facts)


@functools.cache
def _no_plugins() -> loading.Plugins:
    """Looking through all installed packages for none costs as much as a tenth of a schedule."""
    return loading.load([], environ={})


def configuration(world: World) -> Configuration:
    """Everything forwarded to the shop, and what the shop does sent back."""

    def account(name: str, connector: Any, system: Any) -> AccountConfig:
        defaults = connector.defaults
        return AccountConfig(
            name=name,
            connector=connector,
            settings=MemoryConnector(system=system, weather=world.weather),
            title=name,
            enabled=True,
            fetch_orders=True,
            interval=defaults.interval,
            adaptive=True,
            sweep_interval=defaults.sweep_interval,
            sweep_window=defaults.sweep_window,
            start=EPOCH - timedelta(days=61),
            parallel=defaults.parallel,
        )

    accounts = {name: account(name, MarketConnector, market) for name, market in world.markets.items()}
    if world.schedule.rogue:
        accounts[ROGUE] = account(ROGUE, RogueConnector, world.schedule.rogue)
    accounts[SHOP] = account(SHOP, WorkshopConnector if world.schedule.workshop else ShopConnector, world.shop)
    route = Route(
        target=SHOP,
        sources=frozenset(world.markets),
        statuses={"new": "pending", "paid": "processing"},
        status_back={"completed": "SENT"},
        mark_processing=True,
    )
    plan = world.schedule.stock
    rules = () if plan is None else (_rule(plan),)
    prices: tuple[PriceRule, ...] = ()
    if plan is not None and plan.priced:
        prices = (price_rule(SHOP, frozenset(world.markets)),)
        read = ImportSettings(ProductImport.ALWAYS)
        accounts[SHOP] = dataclasses.replace(accounts[SHOP], products=read)
    return Configuration(
        path=Path("olhubd.toml"),
        daemon=Daemon(),
        control=Control(),
        engine=Engine(backoff_max=timedelta(minutes=5)),
        # What an hour usually brings is learnt again in each life, from weeks that no schedule has.
        alarms=Alarms(off=(AlarmKind.SILENCE,)),
        accounts=accounts,
        routes=(route,),
        stock=rules,
        prices=prices,
        plugins=_no_plugins(),
        warnings=(),
        origins={},
    )


def _rule(plan: StockPlan) -> StockRule:
    return StockRule(
        master=SHOP,
        channels=frozenset(offer.market for offer in plan.offers),
        buffer=Buffer(pieces=plan.buffer, share=plan.share, most=plan.most),
        lowered_by=ShopStock.lowered_by,
        policy=StockPolicy.ALLOCATED if plan.allocated else StockPolicy.SHARED,
        brake=Brake(share=1, least=1) if plan.brake else None,
    )


async def sign_in(store: TortureDatabase, world: World) -> None:
    """As after a person signed in to each marketplace."""
    vault = TokenStore(store, world.clock)
    for name, market in world.markets.items():
        await vault.save(name, market.grant.token())


class DaemonLife:
    """Make it by `DaemonLife.begin`; end it by `stop`, or by `bury` when its frontier says that it fell."""

    def __init__(self, world: World, store: TortureDatabase, hub: Hub, stack: contextlib.AsyncExitStack) -> None:
        self._world = world
        self.store = store
        self.hub = hub
        self._stack = stack
        self._starting = asyncio.create_task(hub.start(), name="start")
        self._starting.add_done_callback(self._started)

    def _started(self, starting: asyncio.Task[None]) -> None:
        """A daemon that cannot start ends, and its service manager tries again."""
        if not starting.cancelled() and starting.exception() is not None and not self._world.frontier.dead:
            self._world.frontier.kill("it could not start")

    @classmethod
    async def begin(
        cls, world: World, folder: Path, log: MemoryLogger, power: random.Random | None = None
    ) -> DaemonLife:
        """Open the store in `folder` and begin to start the hub on it; `power` as for `TortureDatabase.at`."""
        stack = contextlib.AsyncExitStack()
        store = await stack.enter_async_context(TortureDatabase.at(folder, world.frontier, power))
        store.kept_by(*(book for book in (world.book, world.price_book) if book is not None))
        # No connector here speaks HTTP, so there is no session to make.
        try:
            hub = Hub(configuration(world), store, cast("Any", None), world.clock, log)
        except BaseException:
            await stack.aclose()
            raise

        def heard(system: str) -> None:
            # Each system has the right time, whatever the machine of the daemon has.
            hub.lineage.heard(system, format_datetime(world.now(), usegmt=True))

        world.weather.answered = heard
        return cls(world, store, hub, stack)

    async def started(self) -> None:
        """Wait until the hub has started; for ever where it does not."""
        await asyncio.wait([self._starting])
        if self._starting.cancelled() or self._starting.exception() is not None:
            await asyncio.Event().wait()

    async def stop(self) -> bool:
        """End it in order; False when it was killed meanwhile."""

        async def stop() -> None:
            await self._starting
            await self.hub.stop(GRACE)

        stopping = asyncio.create_task(stop(), name="stop")
        stopping.add_done_callback(lambda task: task.cancelled() or task.exception())
        fallen = asyncio.create_task(self._world.frontier.fallen.wait(), name="fallen")
        done, _ = await asyncio.wait([stopping, fallen], return_when=asyncio.FIRST_COMPLETED, timeout=ENDS_WITHIN)
        fallen.cancel()
        if self._world.frontier.dead:
            return False
        if not done:
            self._world.frontier.kill("it does not stop")
            raise LoopStuck(f"an orderly stop has not ended within {ENDS_WITHIN:g} s")
        try:
            await stopping
        except FAILURES:  # a disk that is full at the very end; the process still ends
            self._world.frontier.kill("it could not stop in order")
            return False
        await self._stack.aclose()
        self._world.weather.processes += 1
        return True

    async def bury(self) -> None:
        """Let nothing of it remain but its files."""
        assert self._world.frontier.dead
        self._world.weather.processes += 1
        mine = asyncio.current_task()
        tasks = [task for task in asyncio.all_tasks() if task is not mine]
        for _ in range(200):
            tasks = [task for task in tasks if not task.done()]
            if not tasks:
                break
            for task in tasks:
                task.cancel()
            await asyncio.sleep(0)
        if tasks:
            raise RuntimeError(f"these outlive their process: {tasks}")
        await self._stack.aclose()
