"""What answers of the control endpoint take with very many orders stored, while orders land.

    python tests/bench/million.py [orders] [rounds] [--keep FOLDER] [--only WORD]

The file is filled once (minutes; see `_million`) and kept in FOLDER, if one is given, for the next time; each run
works on a copy. The daemon reads a thousand accounts of one simulated Allegro, each every twenty seconds, and sends
what comes to a simulated shop. A purchase there lands in each account, so one in twenty seconds is fifty landings a
second. This process asks, one question at a time over one kept connection, as a person's browser would: in each
round every kind once, with other numbers, days and places each time. Beside them stands what a bare aiohttp handler
takes that answers with the bytes of a card, in a process of its own. `--only` asks the kinds that contain a word.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import http.client
import multiprocessing
import random
import shutil
import socket
import sqlite3
import statistics
import tempfile
import time
import urllib.parse
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import uvloop
from aiohttp import web

from olhubd.engine.access.token_store import TokenStore
from olhubd.plugin import Token
from olhubd.runtime.clock import SystemClock
from olhubd.store import Database
from olhubd.store.sqlite import migrate
from olhubd_kit.demo_stack import write_configuration
from olhubd_kit.process import DaemonProcess, SimulatorProcess, spawn_simulator
from tests.bench._meter import cpu, machine, resident
from tests.bench._million import BIG, SHOP, SMALL, fill, names
from tests.bench.idle import INTERVAL, sign_in

_PAUSE = 0.01
"""Seconds between two questions."""
_MEDIAN, _P99 = 50.0, 150.0
"""The goals in milliseconds."""
_RATIO = 4.0


class Archive:
    """What the file holds, to ask for it: a question for every round."""

    def __init__(self, path: Path, orders: int) -> None:
        self._dice = random.Random(11)
        self._orders = orders
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as file:
            stamps = file.execute("SELECT MIN(placed_at), MAX(placed_at) FROM orders").fetchone()
        self._first, self._last = (datetime.fromtimestamp(stamp / 1e6, UTC) for stamp in stamps)

    def id(self) -> int:
        """An order, but none of the first: the simulated shop gives its own orders numbers as low as theirs."""
        return self._dice.randrange(self._orders // 10, self._orders + 1)

    def day(self) -> datetime:
        return self._first + (self._last - self._first) * self._dice.random()

    def sku(self) -> str:
        return f"S{self._dice.randrange(20_000)}"

    def kinds(self) -> dict[str, Callable[[], str]]:
        """Paths by the name of what is asked."""

        def orders(**filters: object) -> str:
            return f"/api/v1/orders?{urllib.parse.urlencode(filters)}"

        def span(days: int) -> dict[str, str]:
            start = self.day()
            return {"placed_from": f"{start:%Y-%m-%d}", "placed_to": f"{start + timedelta(days=days):%Y-%m-%d}"}

        year = {"placed_from": "2000-01-01"}
        return {
            "list: newest": orders,
            "list: 500 of them": lambda: orders(limit=500),
            "list: deep page": lambda: orders(before=self.id()),
            "list: one account": lambda: orders(account=BIG),
            "list: one account, deep": lambda: orders(account=BIG, before=self.id()),
            "list: account of five orders": lambda: orders(account=SMALL),
            "list: connector": lambda: orders(connector="allegro"),
            "list: connector, deep": lambda: orders(connector="allegro", before=self.id()),
            "list: stage": lambda: orders(stage="cancelled"),
            "list: stage and progress, deep": lambda: orders(
                stage="cancelled", fulfilment="returned", before=self.id()
            ),
            "list: progress": lambda: orders(fulfilment="returned"),
            "list: progress that none has": lambda: orders(fulfilment="delivered"),
            "list: a day": lambda: orders(**span(0)),
            "list: a month": lambda: orders(**span(30)),
            "list: since ever, deep": lambda: orders(**year, before=self.id()),
            "list: since ever, five orders": lambda: orders(**year, account=SMALL),
            "list: month, account of five": lambda: orders(**span(30), account=SMALL),
            "list: since ever, rare progress": lambda: orders(**year, stage="placed", fulfilment="returned"),
            "list: since ever, amount of none": lambda: orders(**year, amount_from="500000"),
            "list: amount": lambda: orders(amount_from="100", amount_to="200"),
            "list: amount of few": lambda: orders(amount_from="20000"),
            "list: amount of none": lambda: orders(amount_from="500000"),
            "list: account, amount of none": lambda: orders(account=BIG, amount_from="500000"),
            "list: text, an SKU": lambda: orders(text=self.sku()),
            "list: text, a whole name": lambda: orders(text="Zofia_Sowa17"),
            "list: text, many names": lambda: orders(text="anna"),
            "list: text, one letter": lambda: orders(text="j"),
            "list: text of none": lambda: orders(text="nobody at all"),
            "list: text, account of five": lambda: orders(text="anna", account=SMALL),
            "list: many names, a month": lambda: orders(text="anna", **span(30)),
            "list: many names, stage, amount": lambda: orders(text="anna", stage="cancelled", amount_from="100"),
            "list: number": lambda: orders(q=f"Z{self.id() | 1:07d}"),
            "list: number in the shop": lambda: orders(q=50_000_000 + self.id()),
            "list: unlinked": lambda: orders(unlinked="true"),
            "list: unlinked, deep": lambda: orders(unlinked="true", before=self.id()),
            "list: unlinked, account of five": lambda: orders(unlinked="true", account=SMALL),
            "list: unlinked and many names": lambda: orders(unlinked="true", text="anna"),
            "card": lambda: f"/api/v1/orders/{self.id()}",
            "card by number": lambda: f"/api/v1/orders/Z{(self.id() - 1) | 1:07d}",
            "timeline": lambda: f"/api/v1/orders/{self.id()}/events",
            "deliveries": lambda: "/api/v1/deliveries",
            "deliveries on hold": lambda: "/api/v1/deliveries?state=hold",
            "deliveries confirmed": lambda: f"/api/v1/deliveries?state=confirmed&target={SHOP}",
            "runs": lambda: "/api/v1/runs",
            "runs that went wrong": lambda: "/api/v1/runs?wrong=true",
            "runs of an account": lambda: f"/api/v1/runs?account={BIG}&before={self.id() // 4}",
            "journal": lambda: "/api/v1/journal",
            "journal, deep": lambda: f"/api/v1/journal?before={3 * self.id()}.{self.id() // 4}",
            "journal of an account": lambda: f"/api/v1/journal?account={SMALL}",
            "journal, warnings": lambda: "/api/v1/journal?severity=warning",
            "journal of an order": lambda: f"/api/v1/journal?q={self.id()}",
            "journal, text of none": lambda: "/api/v1/journal?text=nowhere+to+be+seen",
            "status": lambda: "/api/v1/status",
            "accounts": lambda: "/api/v1/accounts",
            "metrics": lambda: "/metrics",
            "alarms": lambda: "/api/v1/alarms",
            "mappings": lambda: "/api/v1/mappings?unmapped=true",
            "lines without a product": lambda: "/api/v1/unlinked",
            "page: overview": lambda: "/",
            "page: orders": lambda: "/orders",
            "page: order": lambda: f"/orders/{self.id()}",
        }


class Asker:
    """One kept connection."""

    def __init__(self, address: tuple[str, int], headers: Mapping[str, str]) -> None:
        self._connection = http.client.HTTPConnection(*address, timeout=60)
        self._headers = dict(headers)

    def ask(self, path: str) -> tuple[float, bytes]:
        """Milliseconds until the answer was there, and the answer."""
        began = time.perf_counter()
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        passed = time.perf_counter() - began
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {body[:300]!r}")
        return passed * 1e3, body


def enter(address: tuple[str, int], token: str) -> str:
    """The cookie of a session, as a browser gets it."""
    connection = http.client.HTTPConnection(*address)
    fields = urllib.parse.urlencode({"token": token, "next": "/"})
    connection.request("POST", "/login", fields, {"Content-Type": "application/x-www-form-urlencoded"})
    answer = connection.getresponse()
    answer.read()
    return (answer.getheader("Set-Cookie") or "").partition(";")[0]


def bare(port: int, body: bytes) -> None:
    """The least that could answer, with the loop that the daemon has."""

    async def handle(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_get("/card/{order}", handle)
    uvloop.install()
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None)


def free_port() -> int:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as found:
        return int(found.getsockname()[1])


async def trade(session: aiohttp.ClientSession, market: SimulatorProcess) -> None:
    while True:
        await market.do(session, "buy", payment="ONLINE")
        await asyncio.sleep(INTERVAL)


@contextlib.asynccontextmanager
async def house(kept: Path) -> AsyncIterator[tuple[DaemonProcess, Path, tuple[str, int]]]:
    """The daemon at work on a copy of the file, its folder, and its address."""
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=kept.parent)))
        data = folder / "data" / "olhubd.sqlite"
        data.parent.mkdir()
        await asyncio.to_thread(shutil.copyfile, kept, data)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        # Other numbers each time, or what is bought has landed already.
        market = await spawn_simulator(stack, "allegro", "--seed", str(time.time_ns() % 10**9))
        shop = await spawn_simulator(stack, "woocommerce", "--seed", "1")
        token = await sign_in(session, market)
        await prepare(data, token)
        accounts = {
            **{name: {"connector": "allegro", **market.settings} for name in names()},
            SHOP: {"connector": "woocommerce", **shop.settings},
        }
        address = ("127.0.0.1", free_port())
        routes = [{"from": names(), "to": SHOP}]
        path = write_configuration(folder, accounts, routes, {}, f"{address[0]}:{address[1]}")
        began = time.perf_counter()
        daemon = await stack.enter_async_context(DaemonProcess(path, folder / "olhubd.sock", folder / "olhubd.log"))
        print(f"ready with a thousand accounts after {time.perf_counter() - began:.2f} s")
        stack.push_async_callback(cancelled, asyncio.create_task(trade(session, market)))
        yield daemon, folder, address


async def cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def prepare(data: Path, token: Token) -> None:
    began = time.perf_counter()
    backup = await asyncio.to_thread(migrate.migrate, data)
    if backup is not None:
        print(f"brought to the latest schema in {time.perf_counter() - began:.1f} s, with a backup")
        backup.unlink()
    async with Database.open(data) as database:
        vault = TokenStore(database, SystemClock())
        await asyncio.gather(*(vault.save(name, token) for name in names()))


def stored(folder: Path) -> int:
    with contextlib.closing(sqlite3.connect(f"file:{folder}/data/olhubd.sqlite?mode=ro", uri=True)) as file:
        return int(file.execute("SELECT MAX(id) FROM orders").fetchone()[0])


def question(
    archive: Archive, address: tuple[str, int], token: str, rounds: int, only: str
) -> dict[str, list[float]]:
    """Milliseconds of each kind, sorted."""
    api = Asker(address, {"Authorization": f"Bearer {token}"})
    browser = Asker(address, {"Cookie": enter(address, token)})
    kinds = {name: make for name, make in archive.kinds().items() if only in name or name == "card"}
    port = free_port()
    _, card = api.ask(f"/api/v1/orders/{archive.id()}")
    process = multiprocessing.get_context("spawn").Process(target=bare, args=(port, card), daemon=True)
    process.start()
    try:
        wait_for(port)
        handler = Asker(("127.0.0.1", port), {"Authorization": f"Bearer {token}"})
        found: dict[str, list[float]] = {"bare handler": [], **{name: [] for name in kinds}}
        for _ in range(rounds):
            for name, make in kinds.items():
                time.sleep(_PAUSE)
                asker = browser if name.startswith("page") else api
                found[name].append(asker.ask(make())[0])
                if name == "card":
                    time.sleep(_PAUSE)
                    found["bare handler"].append(handler.ask("/card/1")[0])
    finally:
        process.terminate()
        process.join()
    return {name: sorted(values) for name, values in found.items()}


def wait_for(port: int) -> None:
    for _ in range(600):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port)).close()
            return
        time.sleep(0.05)
    raise RuntimeError("the bare handler does not answer")


async def measure(kept: Path, orders: int, rounds: int, only: str) -> None:
    archive = Archive(kept, orders)
    async with house(kept) as (daemon, folder, address):
        token = (folder / "data" / "control.token").read_text(encoding="ascii").strip()
        await asyncio.sleep(1.5 * INTERVAL)
        before, used, began = stored(folder), cpu(daemon.pid), time.perf_counter()
        found = await asyncio.to_thread(question, archive, address, token, rounds, only)
        passed = time.perf_counter() - began
        landed, used = stored(folder) - before, cpu(daemon.pid) - used
        print(f"meanwhile {landed / passed:.0f} orders landed a second; the daemon: {used / passed:.0%} of a core")
        print(f"resident: {resident(daemon.pid):.0f} MB; load at the end: {machine()}")
        for line in (folder / "olhubd.log").read_text(encoding="utf-8").splitlines():
            if '"error"' in line or '"critical"' in line:
                print(f"the daemon said: {line[:300]}")
    report(found)


def report(found: Mapping[str, list[float]]) -> None:
    print(f"{'milliseconds':36}{'median':>9}{'p99':>9}{'longest':>9}")
    for name, values in found.items():
        median, p99 = statistics.median(values), values[min(len(values) - 1, int(len(values) * 0.99))]
        missed = "  missed" if median > _MEDIAN or p99 > _P99 else ""
        print(f"{name:36}{median:9.2f}{p99:9.2f}{values[-1]:9.2f}{missed}")
    ratio = statistics.median(found["card"]) / statistics.median(found["bare handler"])
    print(f"the card takes {ratio:.2f} times what the bare handler takes (goal: at most {_RATIO:g})")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("orders", nargs="?", type=int, default=100_000)
    parser.add_argument("rounds", nargs="?", type=int, default=100)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    print(f"{asked.orders} orders, {asked.rounds} rounds; {machine()}")
    with contextlib.ExitStack() as stack:
        folder = asked.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        kept = folder / f"orders-{asked.orders}.sqlite"
        if not kept.exists():
            began = time.perf_counter()
            fill(kept, asked.orders)
            print(f"filled in {time.perf_counter() - began:.0f} s: {kept.stat().st_size / 2**30:.2f} GB")
        asyncio.run(measure(kept, asked.orders, asked.rounds, asked.only))


if __name__ == "__main__":
    main()
