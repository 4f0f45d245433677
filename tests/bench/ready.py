"""From the start of the process to readiness, with many orders stored.

    python tests/bench/ready.py [orders] [rounds]

The file is filled once by the landing of the daemon itself, and its deliveries are settled. Then `olhubd run` is
started again and again; the clock runs from its spawning until `/readyz` answers 200 on the Unix socket. Beside it
stands the same with an empty file, and what a bare interpreter with the same HTTP library takes to start.
"""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from olhubd.decide.route import Route
from olhubd.engine.flow.landing import Landing
from olhubd.model import Run, RunId
from olhubd.runtime.clock import SystemClock
from olhubd.store import Database, codec
from olhubd_kit.demo_stack import write_configuration
from olhubd_kit.process import DaemonProcess
from tests.bench._meter import machine
from tests.bench.landing import PAGE, canonical, forms
from tests.orders import EPOCH

DIFFERENT = 10_000
"""So many different orders are made; more are the same ones of further accounts."""


async def fill(path: Path, orders: int) -> None:
    documents = canonical(forms(min(orders, DIFFERENT)))
    async with Database.open(path) as database:
        for number, start in enumerate(range(0, orders, DIFFERENT)):
            account = f"allegro-{number}"
            routes = [Route(target="shop", sources=frozenset({account}))]
            landing = Landing(database, SystemClock(), partial(list, routes), lambda targets: None)
            run = Run(
                id=RunId(await database.next_id("runs")),
                account=account,
                feed="orders",
                trigger="timer",
                started_at=EPOCH,
            )
            part = documents[: orders - start]
            for first in range(0, len(part), PAGE):
                await landing.land(account, [codec.order(one) for one in part[first : first + PAGE]], run=run)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE deliveries SET state = 'confirmed', attempts = 1, finished_at = due_at")
    connection.close()


async def start(daemon: DaemonProcess) -> float:
    """Seconds from spawning to readiness."""
    began = time.perf_counter()
    await daemon.start()
    passed = time.perf_counter() - began
    await daemon.stop()
    return passed


async def interpreter() -> float:
    began = time.perf_counter()
    await asyncio.to_thread(subprocess.run, [sys.executable, "-c", "import aiohttp.web"], check=True)
    return time.perf_counter() - began


async def measure(orders: int, rounds: int) -> dict[str, Sequence[float]]:
    with tempfile.TemporaryDirectory() as folder:
        cases: dict[str, Callable[[], Awaitable[float]]] = {"import of aiohttp alone": interpreter}
        for name, count in (("empty", 0), ("full", orders)):
            daemon = await prepare(Path(folder) / name, count)
            cases[f"{count} orders"] = partial(start, daemon)
        found: dict[str, list[float]] = {name: [] for name in cases}
        for _ in range(rounds):
            for name, case in cases.items():
                found[name].append(await case())
        return {name: sorted(values) for name, values in found.items()}


async def prepare(folder: Path, orders: int) -> DaemonProcess:
    (folder / "data").mkdir(parents=True)
    if orders:
        await fill(folder / "data" / "olhubd.sqlite", orders)
    allegro: dict[str, Any] = {
        "connector": "allegro",
        "client_id": "bench",
        "client_secret": "bench",
        "application": "bench",
        "contact": "https://example.test/",
        "api_url": "http://127.0.0.1:9/",
        "auth_url": "http://127.0.0.1:9/",
    }
    shop = {
        "connector": "woocommerce",
        "url": "http://127.0.0.1:9",
        "consumer_key": "ck_bench",
        "consumer_secret": "cs_bench",
    }
    accounts = {"allegro-0": allegro, "shop": shop}
    path = write_configuration(folder, accounts, [{"from": ["allegro-0"], "to": "shop"}], {}, "off")
    return DaemonProcess(path, folder / "olhubd.sock", folder / "olhubd.log")


def main() -> None:
    orders = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    print(f"start to ready, {rounds} interleaved rounds; {machine()}")
    for name, seconds in asyncio.run(measure(orders, rounds)).items():
        middle = statistics.median(seconds)
        print(f"{name:24} {middle:.2f} s  ({seconds[0]:.2f} to {seconds[-1]:.2f})")


if __name__ == "__main__":
    main()
