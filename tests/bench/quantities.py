"""How soon many changed quantities of one account are out, at the rate that Allegro allows.

    python tests/bench/quantities.py [offers]

The real leveller, connector and HTTP client, and the simulator of Allegro with its real limits (9,000 calls and
9,000 changed offers a minute), joined in memory under virtual time. The stock of every offer changes at once, half
of them up and half of them down. It is over when all were read back. Beside it a bare script makes the same
calls, as soon as the limits let it; the simulator's own share is counted out of both.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import math
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import msgspec
import structlog
from aiohttp import web

from olhubd.decide.stock.level import OfferLevel
from olhubd.decide.stock.policy import StockRule
from olhubd.engine.access.budget import BudgetBook
from olhubd.engine.access.http_session import ClientFactory
from olhubd.engine.calls import Calls, OverdueCalls
from olhubd.engine.levels.channel import SalesChannel
from olhubd.engine.levels.leveller import Leveller
from olhubd.engine.outbox.recorder import Recorder
from olhubd.model import (
    Cause,
    Counting,
    Link,
    Linking,
    LinkOrigin,
    Offer,
    OfferState,
    OfferTerms,
    StockBasis,
    StockLevel,
)
from olhubd.plugin import Account, PluginError
from olhubd.store import Transaction, codec, events, levels, offer_terms, offers, stock_items
from olhubd.store.offers import StoredOffer
from olhubd.store.stock_items import StockItem
from olhubd_allegro.client import api_headers
from olhubd_allegro.connector import Allegro
from olhubd_kit.catalogue import PRODUCTS, ShelfProduct
from olhubd_kit.simulators.allegro import AllegroSimulator
from olhubd_kit.simulators.allegro.offers import OFFER
from olhubd_kit.test_host import KeptToken
from olhubd_kit.virtual_clock import VirtualClock
from olhubd_torture.loop import VirtualTimeLoop
from olhubd_torture.store import UnsyncedDatabase
from olhubd_torture.week.transport import LoopbackConnector
from tests.bench._meter import machine

Stocks = Sequence[tuple[int, int]]
"""How many pieces there are of each item before and after."""
PER_MINUTE = 9_000
"""Calls of an application, and changed offers of a seller, by Allegro's contract."""
_ACCOUNT, _MASTER = "allegro", "shop"
_AT = datetime(2026, 1, 1, tzinfo=UTC)
_BATCH = 500
_DELAY = 0.05
"""Seconds from a client to a server."""
_MINUTE = 60.0
_VALUES = 40
"""So many different quantities there are."""
_NAMED = 50
"""Offers that are read by one call."""


class Drained(NamedTuple):
    """What it took: virtual seconds, CPU seconds without the simulator's, calls by kind, and how many offers were
    changed in each minute."""

    seconds: float
    cpu: float
    calls: Counter[str]
    refused: int
    changed: Counter[int]
    sent: Sequence[tuple[str, int]]
    """The kind of each command, and how many offers it changed."""


class Market:
    """The simulated marketplace, with what it was asked for and what its own work cost."""

    def __init__(self, clock: VirtualClock, stocks: Stocks, per_minute: int = PER_MINUTE) -> None:
        self.clock = clock
        self.per_minute = per_minute
        self.simulator = AllegroSimulator(1, clock.now, sandbox=False, limit=PER_MINUTE, wares=shelf(stocks))
        for limit in self.simulator.change_limits.values():
            limit.per_minute = per_minute
        self.sent: list[tuple[str, int]] = []
        self.calls: Counter[str] = Counter()
        self.refused = 0
        self.changed: Counter[int] = Counter()
        self.cpu = 0.0
        self.began = clock.monotonic()

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[aiohttp.ClientSession]:
        """A session that reaches it, at the port 1."""

        @web.middleware
        async def counted(
            request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
        ) -> web.StreamResponse:
            # All of a body is there before its handler is called, so that no other task runs in between.
            await request.read()
            began = time.process_time()
            response = await handler(request)
            self.cpu += time.process_time() - began
            self.calls[_kind(request)] += 1
            self.refused += response.status == 429
            if request.method == "PUT" and response.status < 300:
                command = self.simulator.book.commands[request.path.rsplit("/", 1)[1]]
                self.sent.append((command.kind, len(command.offers)))
                self.changed[int((self.clock.monotonic() - self.began) // _MINUTE)] += len(command.offers)
            return response

        app = self.simulator.application()
        app.middlewares.append(counted)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        assert runner.server is not None
        connector = LoopbackConnector({1: runner.server}, _DELAY)
        async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
            yield session
        await runner.cleanup()

    def settings(self) -> dict[str, Any]:
        return {**self.simulator.settings("http://127.0.0.1:1"), "changes_per_minute": self.per_minute}

    def begin(self) -> float:
        """Count from now on. Gives the CPU so far."""
        self.calls.clear()
        self.sent.clear()
        self.changed.clear()
        self.refused, self.cpu, self.began = 0, 0.0, self.clock.monotonic()
        return time.process_time()

    def drained(self, cpu: float) -> Drained:
        """What it took since `begin`, which gave `cpu`."""
        seconds = self.clock.monotonic() - self.began
        spent = time.process_time() - cpu - self.cpu
        return Drained(seconds, spent, self.calls.copy(), self.refused, self.changed.copy(), self.sent)


def _kind(request: web.Request) -> str:
    path = request.path
    if request.method == "PUT":
        return "commands"
    return "tasks" if path.endswith("/tasks") else "offers read" if path == "/sale/offers" else "reports"


def half_and_half(count: int) -> Stocks:
    """Half of the quantities go up, half of them down."""
    found = []
    for number in range(count):
        before = number % _VALUES + 2
        found.append((before, before + 1 if number % 2 else before - 1))
    return found


def shelf(stocks: Stocks) -> list[ShelfProduct]:
    one = PRODUCTS[0]
    return [
        msgspec.structs.replace(one, external_id=str(number), sku=f"KUB-{number}", quantity=before)
        for number, (before, _) in enumerate(stocks, start=1)
    ]


async def fill(tx: Transaction, stocks: Stocks, numbers: Sequence[int], *, after: bool = False) -> None:
    """The items, each with one offer that shows what there is; or what there is `after` the change."""
    items = []
    for number in numbers:
        level = StockLevel(
            external_id=str(number), name="Kubek", sku=f"KUB-{number}", counting=Counting.COUNTED,
            basis=StockBasis.FREE, quantity=stocks[number - 1][after],
        )  # fmt: skip
        digest = codec.digest(codec.encode(level))
        items.append(StockItem(id=number, account=_MASTER, level=level, read_after=0, read_at=_AT, digest=digest))
    await stock_items.put(tx, items)
    if after:
        await stock_items.mark(tx, list(numbers), await events.head(tx))
        return
    listed, links, rows, terms = [], [], [], {}
    for number in numbers:
        shown, name = stocks[number - 1][0], str(OFFER + number)
        offer = Offer(external_id=name, name="Kubek", sku=f"KUB-{number}", state=OfferState.ACTIVE, quantity=shown)
        listed.append(
            StoredOffer(
                id=number, account=_ACCOUNT, offer=offer, read_after=0, read_at=_AT,
                digest=codec.digest(codec.encode(offer)), linking=Linking.LINKED,
            )
        )  # fmt: skip
        links.append(Link(offer=number, item=number, origin=LinkOrigin.SKU, linked_at=_AT))
        rows.append(
            OfferLevel(
                offer=number, account=_ACCOUNT, external_id=name, wanted=shown, confirmed=shown, confirmed_at=_AT,
                inside=shown,
            )
        )  # fmt: skip
        terms[number] = OfferTerms(offer=name, state=OfferState.ACTIVE, buy_now=True, renews=False)
    await offers.put(tx, listed)
    await offers.link(tx, links)
    await levels.put(tx, rows)
    await offer_terms.put(tx, _ACCOUNT, terms, 0)


async def look(tx: Transaction) -> None:
    """So that what is read from now on is known to be read after all this."""
    recorder = Recorder(tx, _AT, Cause("rule", "levels"))
    await recorder.event("levels.read", _ACCOUNT, None, {"offers": 0, "right": 0})
    await recorder.write(tx)


class _Pulse:
    """Nobody watches."""

    def beat(self, seconds: float) -> None: ...

    def well(self) -> None: ...

    def rest(self) -> None: ...


async def ours(stocks: Stocks, folder: Path, per_minute: int = PER_MINUTE) -> Drained:
    """The hub's own parts, where so many offers may be changed in a minute."""
    clock, count = VirtualClock(), len(stocks)
    market = Market(clock, stocks, per_minute)
    async with market.session() as session, UnsyncedDatabase.open(folder / "olhubd.sqlite") as database:
        assert isinstance(database, UnsyncedDatabase)
        await database.hurry()
        log = structlog.wrap_logger(None, processors=[lambda *_: (_ for _ in ()).throw(structlog.DropEvent)])
        connector = Allegro(
            Account(
                name=_ACCOUNT,
                settings=Allegro.Settings.model_validate(market.settings()),
                log=log,
                clock=clock,
                tokens=KeptToken(market.simulator.token(), clock),
                make_client=ClientFactory(session, BudgetBook(clock), clock),
            )
        )
        for first in range(1, count + 1, _BATCH):
            numbers = range(first, min(first + _BATCH, count + 1))
            await database.write(partial(fill, stocks=stocks, numbers=numbers))

        await database.write(look)

        async def lost(error: PluginError) -> None:
            raise error

        rule = StockRule(master=_MASTER, channels=frozenset({_ACCOUNT}))
        channel = SalesChannel(
            _ACCOUNT, connector.levels, Calls(_ACCOUNT, clock, log, OverdueCalls()), database, clock, log,
            rules=lambda: [rule], through=lambda _: 10**12,
        )  # fmt: skip
        leveller = Leveller(channel, lost=lost)
        task = asyncio.create_task(leveller.run(_Pulse()))  # type: ignore[arg-type]
        await clock.sleep(_MINUTE)
        cpu = market.begin()
        for first in range(1, count + 1, _BATCH):
            numbers = range(first, min(first + _BATCH, count + 1))
            await database.write(partial(fill, stocks=stocks, numbers=numbers, after=True))
        leveller.wake()
        while (await database.reader.fetch("SELECT 1 FROM levels WHERE uneven = 1 LIMIT 1")) or await behind(
            database
        ):
            await clock.sleep(1.0)
        found = market.drained(cpu)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    shown = market.simulator.book.buyable()
    if any(shown[str(OFFER + number)] != after for number, (_, after) in enumerate(stocks, start=1)):
        raise SystemExit("an offer does not show what there is")
    return found


async def behind(database: UnsyncedDatabase) -> bool:
    return await stock_items.behind(database.reader, _ACCOUNT)


async def bare(stocks: Stocks) -> Drained:
    """The same calls, one after the other, as soon as their offers fit into a minute."""
    clock = VirtualClock()
    market = Market(clock, stocks)
    by_value: dict[int, list[str]] = {}
    for number, (_, after) in enumerate(stocks, start=1):
        by_value.setdefault(after, []).append(str(OFFER + number))
    groups = [
        (value, some[at : at + 1000])
        for value, some in sorted(by_value.items())
        for at in range(0, len(some), 1000)
    ]
    settings = Allegro.Settings.model_validate(market.settings())
    sign = {"Authorization": f"Bearer {market.simulator.token().access}"}
    headers = {**api_headers(settings), "Content-Type": api_headers(settings)["Accept"], **sign}
    path = f"{settings.api}/sale/offer-quantity-change-commands"
    async with market.session() as session:

        async def call(method: str, url: str, body: Any = None) -> Any:
            data = msgspec.json.encode(body) if body is not None else None
            async with session.request(method, url, headers=headers, data=data) as response:
                response.raise_for_status()
                return msgspec.json.decode(await response.read())

        cpu = market.begin()
        gone: list[tuple[float, int]] = []
        for number, (value, some) in enumerate(groups):
            while sum(part for at, part in gone if at + _MINUTE > clock.monotonic()) + len(some) > PER_MINUTE:
                await clock.sleep(0.1)
            command = f"{path}/00000000-0000-4000-8000-{number:012d}"
            criteria = [{"type": "CONTAINS_OFFERS", "offers": [{"id": one} for one in some]}]
            modification = {"changeType": "FIXED", "value": value}
            await call("PUT", command, {"modification": modification, "offerCriteria": criteria})
            gone.append((clock.monotonic(), len(some)))
            await call("GET", command)
            await call("GET", f"{command}/tasks?limit=1000&offset=0")
            for at in range(0, len(some), _NAMED):
                named = "&".join(f"offer.id={one}" for one in some[at : at + _NAMED])
                await call("GET", f"{settings.api}/sale/offers?limit=1000&offset=0&{named}")
        return market.drained(cpu)


def measure(count: int) -> bool:
    print(f"{count:,} changed quantities; {machine()}")
    found: dict[str, Drained] = {}
    stocks = half_and_half(count)
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        found["ours"] = runner.run(ours(stocks, Path(folder)))
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        found["bare"] = runner.run(bare(stocks))
    for name, one in found.items():
        minutes = one.seconds / _MINUTE
        print(f"{name}: {minutes:.1f} minutes, {one.cpu / count * 1e6:.0f} ms CPU for each 1,000")
        calls = ", ".join(f"{count_} {kind}" for kind, count_ in sorted(one.calls.items()))
        print(f"  {calls}; {sum(one.calls.values()) / max(minutes, 1):.0f} calls a minute of {PER_MINUTE}")
        changed = ", ".join(str(one.changed[at]) for at in sorted(one.changed))
        print(f"  changed in each minute: {changed} of {PER_MINUTE}")
    own, bar = found["ours"], found["bare"]
    least = (math.ceil(count / PER_MINUTE) - 1) * _MINUTE
    print(f"the least that the limit allows: {least / _MINUTE:.0f} minutes; refused: {own.refused}")
    print(f"ratio to bare: {bar.seconds / own.seconds:.2f} by time, {bar.cpu / own.cpu:.2f} by CPU")
    return own.refused == 0 and own.seconds <= least * 1.05 + _MINUTE


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("offers", type=int, nargs="?", default=20_000)
    raise SystemExit(0 if measure(parser.parse_args().offers) else 1)
