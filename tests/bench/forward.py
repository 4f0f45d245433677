"""A backlog from marketplace to shop by the real daemon, against the least that could carry it.

    python tests/bench/forward.py [orders] [rounds]

Ours: `olhubd run` between the simulators of Allegro and WooCommerce, each a process of its own. The account is
paused while the backlog is placed; the clock runs from its resumption until the shop has every order. Bare: an
aiohttp script, in a process of its own too, that fetches the same pages of the journal and the same forms, eight at
a time, and posts the same orders with as many hands as the daemon has; their bodies are prepared beforehand, and it
stores, compares and retries nothing. Both use the same event loop. Rounds are interleaved, each with fresh
simulators; the ratios are of the medians within this run.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import aiohttp
import msgspec
from yarl import URL

from olhubd.daemon import _loop_factory as loop_factory
from olhubd.decide.route import Route
from olhubd.engine.outbox.push import pack
from olhubd.model import Order
from olhubd.plugin import Account, StillPending, Token
from olhubd.plugin.auth import signed
from olhubd_allegro import journal, wire
from olhubd_allegro.client import api_headers
from olhubd_allegro.connector import Allegro
from olhubd_allegro.orders import READERS
from olhubd_kit import test_host
from olhubd_kit.demo_stack import SHOP, DemoStack, open_stage
from olhubd_kit.process import SimulatorProcess, spawn_simulator
from olhubd_woocommerce.connector import WooCommerce
from olhubd_woocommerce.placing import OrderPlacer
from olhubd_woocommerce.settings import WooCommerceSettings
from tests.bench._meter import cpu, machine

MARKET = "allegro-main"
UNLIMITED = {"calls_per_minute": 1_000_000}
"""Allegro's real quota would make both the same: 9000 calls a minute."""
HANDS: int = WooCommerce.Settings.model_fields["parallel"].default


class Result(NamedTuple):
    wall: float
    cpu: float


class Job(msgspec.Struct):
    """What the bare script is told."""

    orders: int
    hands: int
    allegro: dict[str, Any]
    token: Token
    shop: dict[str, Any]


async def place(session: aiohttp.ClientSession, market: SimulatorProcess, orders: int) -> None:
    for start in range(0, orders, 500):
        await market.do(session, "buy", count=min(500, orders - start), payment="ONLINE")


# Ours


async def ours(orders: int) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        async with open_stage(Path(folder), markets=(MARKET,), account=UNLIMITED) as stage:
            return await _forward(stage, orders)


async def _forward(stage: DemoStack, orders: int) -> Result:
    await _must(stage, "fetch")  # so that the journal has a place from which on it is read
    await _must(stage, "pause")
    await place(stage.session, stage.markets[MARKET], orders)
    books = sqlite3.connect(f"file:{stage.folder / 'data' / 'olhubd.sqlite'}?mode=ro", uri=True)
    pid = stage.daemon.pid
    before, began = cpu(pid), time.perf_counter()
    await _must(stage, "resume")
    with contextlib.closing(books):
        while books.execute("SELECT COUNT(*) FROM copies").fetchone()[0] < orders:
            await asyncio.sleep(0.05)
    result = Result(time.perf_counter() - began, cpu(pid) - before)
    audit = await stage.audit()
    if not audit.clean:
        raise SystemExit(f"the books do not agree: {audit}")
    return result


async def _must(stage: DemoStack, verb: str) -> None:
    status, answer = await stage.daemon.call("POST", f"/api/v1/accounts/{MARKET}/{verb}", {})
    if status >= 300:
        raise SystemExit(f"{verb}: {status} {answer}")


# Bare


async def bare(orders: int) -> Result:
    """Set the simulators up and have the script run in a process of its own."""
    async with contextlib.AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        market = await spawn_simulator(stack, "allegro", "--seed", "1")
        shop = await spawn_simulator(stack, "woocommerce", "--seed", "0")
        token = await _sign_in(session, market)
        await place(session, market, orders)
        job = Job(orders, HANDS, {**market.settings, **UNLIMITED}, token, shop.settings)
        script = await asyncio.create_subprocess_exec(
            sys.executable,
            __file__,
            "--bare",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        told, _ = await script.communicate(msgspec.json.encode(job))
        if script.returncode:
            raise SystemExit("the bare script failed, by the error above")
        return Result(*msgspec.json.decode(told, type=tuple[float, float]))


async def _sign_in(session: aiohttp.ClientSession, market: SimulatorProcess) -> Token:
    async with test_host.account(Allegro, market.settings) as connector:
        grant = await connector.login.begin_device()
        await market.do(session, "consent", user_code=grant.user_code)
        while isinstance(token := await connector.login.poll_device(grant), StillPending):
            await asyncio.sleep(0.1)
        return token


class _Prepared(Exception):
    """The body is ready; it is not to be posted yet."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.body = msgspec.json.encode(body)


class _Held(OrderPlacer):
    async def _post(self, body: dict[str, Any]) -> NoReturn:
        raise _Prepared(body)


class _Preparer(WooCommerce):
    def __init__(self, account: Account[WooCommerceSettings]) -> None:
        super().__init__(account)
        self._placing = _Held(account, self._shop, self._taxes)


async def prepare(job: Job) -> dict[str, bytes]:
    """The bodies to post, by the form they come from."""
    bodies = {}
    route = Route(target=SHOP, sources=frozenset({MARKET}))
    async with (
        test_host.account(Allegro, job.allegro, token=job.token) as market,
        test_host.account(_Preparer, job.shop) as shop,
    ):
        cursor, more = str(journal.EMPTY), True
        while more:
            page = await market.orders.pull(cursor)  # type: ignore[arg-type]
            cursor, more = page.cursor, page.more
            for order in page.records:
                assert isinstance(order, Order)
                try:
                    await shop.push_order(pack(MARKET, order, route))
                except _Prepared as prepared:
                    bodies[order.external_id] = prepared.body
    return bodies


async def carry(job: Job) -> Result:
    """The bare script itself."""
    bodies = await prepare(job)
    queue: asyncio.Queue[str | None] = asyncio.Queue()
    settings = Allegro.Settings.model_validate(job.allegro)
    market = {**api_headers(settings), "Authorization": f"Bearer {job.token.access}"}
    orders = URL(job.shop["url"].rstrip("/") + "/wp-json/wc/v3/orders")
    key, secret = job.shop["consumer_key"], job.shop["consumer_secret"]
    decode = msgspec.json.Decoder(wire.Events).decode
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar())

    async def get(path: str) -> bytes:
        async with session.get(settings.api + path, headers=market) as response:
            response.raise_for_status()
            return await response.read()

    async def read(forms: list[str]) -> None:
        while forms:
            form = forms.pop()
            await get(f"/order/checkout-forms/{form}")
            queue.put_nowait(form)

    async def fetch() -> None:
        start, full = journal.EMPTY, True
        known: set[str] = set()
        while full:
            where = f"&from={start}" if start else ""
            events = decode(await get(f"/order/events?limit={journal.LIMIT}{where}")).events
            full = len(events) >= journal.LIMIT
            found, start = journal.hints(events, start)
            forms = [hint.form_id for hint in reversed(found) if hint.form_id not in known]
            known.update(forms)
            await asyncio.gather(*(read(forms) for _ in range(READERS)))
        for _ in range(job.hands):
            queue.put_nowait(None)

    async def post() -> None:
        while (form := await queue.get()) is not None:
            sign = signed("POST", orders, key, secret, int(time.time()), form)
            headers = {"Authorization": sign, "Content-Type": "application/json"}
            async with session.post(orders, data=bodies[form], headers=headers) as response:
                response.raise_for_status()
                await response.read()

    async with session:
        busy, began = time.process_time(), time.perf_counter()
        await asyncio.gather(fetch(), *(post() for _ in range(job.hands)))
        return Result(time.perf_counter() - began, time.process_time() - busy)


def script() -> None:
    """The process of the bare script: a job comes in, two numbers go out."""
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        sys.stdout.buffer.write(msgspec.json.encode(tuple(runner.run(carry(job)))))


def main() -> None:
    orders = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    print(f"{orders} orders, {rounds} interleaved rounds; {machine()}")
    found: dict[str, list[Result]] = {"ours": [], "bare": []}
    for _ in range(rounds):
        found["bare"].append(asyncio.run(bare(orders)))
        found["ours"].append(asyncio.run(ours(orders)))
    median = {
        name: Result(*(statistics.median(values) for values in zip(*results, strict=True)))
        for name, results in found.items()
    }
    for name, result in median.items():
        rate, each = orders / result.wall, result.cpu / orders * 1e6
        print(f"{name}: {rate:6.0f} orders/s, {each:6.0f} us CPU of its process an order")
    bar, own = median["bare"], median["ours"]
    print(f"ratio to bare: {bar.wall / own.wall:.2f} by wall clock, {bar.cpu / own.cpu:.2f} by CPU")


if __name__ == "__main__":
    if sys.argv[1:] == ["--bare"]:
        script()
    else:
        main()
