"""A real hub with two accounts in memory: one is well, the other's plugin does what a test lets it do."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import structlog

from olhubd import config
from olhubd.engine.access.http_session import open_session
from olhubd.engine.hub import Hub
from olhubd.model import AlarmKind, Run
from olhubd.plugin import Account, Connector, Cursor, OrderSink, Page, Parts, Push, Receipt, Settings, loading
from olhubd.runtime.clock import SystemClock
from olhubd.store import Database, deliveries, orders, runs
from olhubd_kit.demo_stack import write_configuration
from tests.feeds import Told
from tests.orders import order
from tests.waiting import until

__all__ = ["Calm", "Wild", "Zoo", "opened"]


class Own(Settings):
    """`key` makes two configurations differ."""

    key: str = "1"


class Calm(Connector[Own], OrderSink):
    """A journal in memory with a new order at each look."""

    name = "calm"
    title = "Calm"
    Settings = Own
    provides: ClassVar[Parts] = {Told: "orders"}
    settle = timedelta(seconds=0.1)
    pulls: ClassVar[dict[str, int]] = {}

    def __init__(self, account: Account[Own]) -> None:
        super().__init__(account)
        self.orders = Told(self)

    async def start(self, since: datetime | None) -> Cursor:
        return Cursor("0")

    async def pull(self, cursor: Cursor) -> Page:
        count = self.pulls[self.account.name] = self.pulls.get(self.account.name, 0) + 1
        placed = order(f"{self.account.name}-{count}", placed_at=self.account.clock.now())
        return Page(records=[placed], cursor=Cursor(str(count)))

    async def sweep(self, since: datetime, cursor: Cursor | None) -> Page:
        return Page(records=[], cursor=Cursor("end"))

    async def push_order(self, push: Push) -> Receipt:
        return Receipt(external_id=f"copy of {push.reference}", total=push.order.total)

    async def find_order(self, reference: str, age: object = None) -> Receipt | None:
        return None


class Wild(Calm):
    """Does in place of each of its calls what `does` has for it; `asked` counts them."""

    name = "wild"
    title = "Wild"
    does: ClassVar[dict[str, Callable[..., Awaitable[Any]]]] = {}
    asked: ClassVar[dict[str, int]] = {}

    async def _do(self, what: str, *given: Any) -> Any:
        self.asked[what] = self.asked.get(what, 0) + 1
        if what in self.does:
            return await self.does[what](*given)
        return await getattr(super(), what)(*given)

    async def start(self, since: datetime | None) -> Cursor:
        return await self._do("start", since)  # type: ignore[no-any-return]

    async def pull(self, cursor: Cursor) -> Page:
        return await self._do("pull", cursor)  # type: ignore[no-any-return]

    async def sweep(self, since: datetime, cursor: Cursor | None) -> Page:
        return await self._do("sweep", since, cursor)  # type: ignore[no-any-return]

    async def push_order(self, push: Push) -> Receipt:
        return await self._do("push_order", push)  # type: ignore[no-any-return]

    async def find_order(self, reference: str, age: object = None) -> Receipt | None:
        return await self._do("find_order", reference, age)  # type: ignore[no-any-return]

    async def close(self) -> None:
        await self._do("close")


class Zoo:
    """The hub, and short ways to look at it."""

    def __init__(self, folder: Path, database: Database, clock: SystemClock) -> None:
        self.folder = folder
        self.database = database
        self.clock = clock
        self.hub: Hub
        self.lines: list[Any] = []

    def configuration(self, keys: dict[str, str] | None = None) -> config.Configuration:
        """That of both accounts; `keys` are those of their settings."""
        tables = {
            name: {
                "connector": name,
                "interval": "50 ms",
                "sweep_interval": "200 ms",
                "key": (keys or {}).get(name, "1"),
            }
            for name in ("calm", "wild")
        }
        routes = [{"from": ["calm"], "to": "wild"}]
        engine = {"backoff_first": "50 ms", "backoff_max": "200 ms"}
        path = write_configuration(self.folder, tables, routes, engine, "127.0.0.1:0")
        plugins = loading.load(["woocommerce"], environ=os.environ)
        own: dict[str, type[Connector[Any]]] = {"calm": Calm, "wild": Wild}
        providers = {**plugins.providers, "calm": "calm", "wild": "wild"}
        plugins = dataclasses.replace(plugins, connectors={**plugins.connectors, **own}, providers=providers)
        return config.load(path, plugins, {})

    async def until(self, wanted: Callable[[], Awaitable[bool] | bool]) -> None:
        await until(wanted, stands=self.stands)

    async def stands(self) -> str:
        """What there is, for who waited for something else."""
        tally = dict(await deliveries.tally(self.database.reader))
        there = {name: await self.landed(name) for name in ("calm", "wild")}
        wrong = [f"{line['log_level']} {line['event']}" for line in self.lines if line["log_level"] != "info"]
        return f"orders {there}, open deliveries {tally}, alarms {await self.alarms()}, logged {wrong[-10:]}"

    async def goes_on(self, looks: int = 3) -> None:
        """The calm one brings more orders."""
        before = await self.landed("calm")

        async def more() -> bool:
            return await self.landed("calm") >= before + looks

        await self.until(more)

    async def landed(self, account: str) -> int:
        return len(await orders.listing(self.database.reader, account=account, limit=500))

    async def failed(self, account: str = "wild") -> list[Run]:
        """The runs of an account that failed."""
        await self.hub.runs.flush()
        found = await runs.listing(self.database.reader, account=account, limit=500)
        return [run for run in found if run.error]

    async def alarms(self) -> dict[tuple[AlarmKind, str], str]:
        await self.hub.checks.round()
        return {key: alarm.detail for key, alarm in self.hub.alarms.open.items()}

    def logged(self, event: str) -> list[Any]:
        return [line for line in self.lines if line["event"] == event and line["log_level"] == "error"]


@contextlib.asynccontextmanager
async def opened(
    folder: Path, database: Database, clock: SystemClock, **does: Callable[..., Any]
) -> AsyncIterator[Zoo]:
    """Both at work, the wild one as it is told."""
    Calm.pulls.clear()
    Wild.asked.clear()
    Wild.does.clear()
    Wild.does.update(does)
    zoo = Zoo(folder, database, clock)
    with structlog.testing.capture_logs() as zoo.lines:
        async with open_session() as session:
            zoo.hub = Hub(zoo.configuration(), database, session, clock, structlog.get_logger())
            await zoo.hub.start()
            try:
                yield zoo
            finally:
                async with asyncio.timeout(20):
                    await zoo.hub.stop(1)
