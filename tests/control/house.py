"""A running hub between a simulated marketplace and a simulated shop, with its control endpoint on real sockets."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import structlog
from aiohttp import ClientResponse, ClientSession, UnixConnector

from olhubd import config
from olhubd.control.http import server, sockets
from olhubd.control.http.access import load_or_make_token
from olhubd.control.process_control import ProcessControl
from olhubd.engine.access.http_session import open_session
from olhubd.engine.hub import Hub
from olhubd.model import Scope
from olhubd.plugin import Defaults, loading
from olhubd.runtime.clock import SystemClock
from olhubd.store import Database, account_settings, deliveries, events
from olhubd.store.account_settings import SaidBy
from olhubd_kit.demo_stack import write_configuration
from olhubd_kit.simulator import serve
from olhubd_kit.simulators.allegro import AllegroSimulator
from olhubd_kit.simulators.woocommerce import WooCommerceSimulator
from olhubd_tinyshop.connector import TinyShop
from tests.waiting import until
from tinyshop_simulator import TinyShopSimulator

__all__ = ["House", "Stingy"]

Condition = Callable[[], Awaitable[bool]]


class Stingy(TinyShop):
    """A system that lets nobody fetch by hand more than three times an hour."""

    name = "stingy"
    defaults = Defaults(manual_per_hour=3)


class Brisk(SystemClock):
    """Naps are twenty times shorter; the time itself is right, or `ahead` by as much."""

    ahead = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.ahead

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds / 20)


class House:
    """Nobody is signed in to `market` until `sign_in`. `off` is switched off."""

    bundled: Sequence[str] = ("allegro", "woocommerce")

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.market = AllegroSimulator(1)
        self.market.signin.consent = False
        self.shop = WooCommerceSimulator(3)
        self.tiny = TinyShopSimulator()
        self.shop_keys: dict[str, Any] = {}
        """What the shop's account has otherwise than here."""
        self.levels: list[str] = []
        self.learned: list[str] = []
        """The secrets that no log may show."""
        self.clock = Brisk()
        self.hub: Hub
        self.database: Database
        self.path: Path
        self.socket = folder / "olhubd.sock"
        self.addresses: tuple[str, ...]
        self.client: ClientSession

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            market = await stack.enter_async_context(serve(self.market))
            shop = await stack.enter_async_context(serve(self.shop))
            tiny = await stack.enter_async_context(serve(self.tiny))
            accounts = {
                "market": {"connector": "allegro", "interval": "100 ms", **self.market.settings(market)},
                "shop": {
                    "connector": "woocommerce",
                    "interval": "1 h",
                    **self.shop_keys,
                    **self.shop.settings(shop),
                },
                "stingy": {"connector": "stingy", **self.tiny.settings(tiny)},
                "off": {"connector": "stingy", "enabled": False, **self.tiny.settings(tiny)},
            }
            routes: list[dict[str, Any]] = [{"from": ["market"], "to": "shop"}]
            routes += [{"from": ["stingy", "off"], "to": "shop"}]
            self.path = write_configuration(self.folder, accounts, routes, {}, "127.0.0.1:0")
            configuration = self.configuration()
            configuration.daemon.data.mkdir()
            self.token = load_or_make_token(configuration)
            self.database = await stack.enter_async_context(Database.open(self.folder / "data" / "hub.sqlite"))
            session = await stack.enter_async_context(open_session())
            self.hub = Hub(
                configuration, self.database, session, self.clock, structlog.get_logger(), self.learned.append
            )
            await self.hub.start()
            stack.push_async_callback(self.hub.stop, 5)
            await stack.enter_async_context(self._endpoint(configuration))
            yield

    @contextlib.asynccontextmanager
    async def _endpoint(self, configuration: config.Configuration) -> AsyncIterator[None]:
        steer = ProcessControl(reload=self._reload, log_level=self._log_level)
        async with (
            _opened(configuration) as doors,
            server.serve(self.hub, doors, self.token, steer) as self.addresses,
            ClientSession(self.base, headers=self.bearer) as self.client,
        ):
            yield

    @contextlib.asynccontextmanager
    async def reopened(self) -> AsyncIterator[None]:
        """With a second endpoint to the same hub, which is then the one that is asked."""
        control = self.hub.configuration.control.model_copy(update={"socket": self.folder / "second.sock"})
        async with self._endpoint(dataclasses.replace(self.hub.configuration, control=control)):
            self.socket = self.folder / "second.sock"
            yield

    def configuration(self) -> config.Configuration:
        """Read anew, with a connector beside those that are installed."""
        plugins = loading.load(self.bundled, environ=os.environ)
        assert not plugins.failed
        plugins = dataclasses.replace(
            plugins,
            connectors={**plugins.connectors, "stingy": Stingy},
            providers={**plugins.providers, "stingy": "stingy"},
        )
        return config.load(self.path, plugins, {})

    @property
    def base(self) -> str:
        return next(address for address in self.addresses if address.startswith("http:"))

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def over_socket(self) -> ClientSession:
        """A session that shows no token and comes by the Unix socket."""
        return ClientSession("http://olhubd", connector=UnixConnector(str(self.socket)))

    async def _reload(self, who: str) -> dict[str, list[str]]:
        return await self.hub.reload(self.configuration(), who)

    async def _log_level(self, name: str) -> None:
        self.levels.append(name)

    # Asking

    async def ask(self, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, Any]:
        """The status and the decoded answer."""
        path = path if path.startswith("/metrics") or path.endswith("z") else f"/api/v1{path}"
        async with self.client.request(method, path, json=body, params=query) as response:
            return response.status, await decoded(response)

    async def get(self, path: str, **query: Any) -> Any:
        status, answer = await self.ask("GET", path, **query)
        assert status == 200, answer
        return answer

    async def events(self) -> int:
        """The id of the newest event."""
        return await events.head(self.database.reader)

    async def done_since(self, before: int) -> list[str]:
        """The kinds of what people did after that event. The hub goes on meanwhile, with events of its own."""
        found = await events.since(self.database.reader, before)
        return [event.kind for event in found if event.cause.kind == "operator"]

    # Doing

    async def make_token(self, name: str, scope: Scope, lifetime: timedelta | None = None) -> str:
        body = {"name": name, "scope": scope.value, "lifetime": lifetime and lifetime.total_seconds()}
        status, made = await self.ask("POST", "/tokens", body)
        assert status == 201, made
        text: str = made["text"]
        return text

    async def sign_in(self) -> None:
        status, begun = await self.ask("POST", "/accounts/market/sign-in")
        assert status == 202, begun
        self.market.consent(begun["user_code"])
        ended = await self.get("/accounts/market/sign-in", wait=20)
        assert ended["state"] == "done", ended
        await self.until(self._begun)

    async def _begun(self) -> bool:
        """Whether its orders were read, and all has been learned that a sign-in has asked for."""
        kept = await account_settings.every(self.database.reader)
        learned = {one.account for one in kept if one.said_by is SaidBy.SYSTEM}
        return {"market", "shop"} <= learned and "orders" in (await self.get("/accounts/market"))["runs"]

    async def sell(self, count: int = 1) -> list[str]:
        """Orders that have arrived in the shop, by their ids at the market."""
        sold = self.market.ledger.buy(count)
        await self.until(self.settled)
        return sold

    async def settled(self) -> bool:
        """Whether all that was sold is in the shop, and nothing is owed."""
        due = sum(entry.due for entry in self.market.books())
        there = sum(entry.reference is not None for entry in self.shop.books())
        return due == there and not await deliveries.tally(self.database.reader)

    async def until(self, condition: Condition) -> None:
        await until(condition, stands=self.stands)

    async def stands(self) -> str:
        """What there is, for who waited for something else."""
        market = {entry.external_id: "due" if entry.due else entry.status for entry in self.market.books()}
        shop = {entry.reference: entry.status for entry in self.shop.books()}
        owed = [f"{d.id} {d.action.value} {d.state.value}" for d in await deliveries.listing(self.database.reader)]
        return f"market {market}, shop {shop}, deliveries {owed}"


@contextlib.asynccontextmanager
async def _opened(configuration: config.Configuration) -> AsyncIterator[sockets.ListeningSockets]:
    with sockets.opened(configuration.control) as doors:
        yield doors


async def decoded(response: ClientResponse) -> Any:
    content = await response.read()
    return msgspec.json.decode(content) if "json" in response.content_type else content.decode()
