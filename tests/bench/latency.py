"""From a purchase at the marketplace to the order in the shop: orders trickle in, all settings are at default.

    python tests/bench/latency.py [orders] [seconds]

Buyers of several simulated Allegro accounts buy in turn, at even distances over the given time. Each account is
asked every twenty seconds until an order comes and every two from then on. The times are
those of this script's clock: after the purchase, and when the shop's own books show the order.
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

from olhubd_allegro.connector import Allegro
from olhubd_kit.demo_stack import DemoStack, open_stage
from tests.bench._meter import machine

MARKETS = tuple(f"allegro-{number}" for number in range(1, 5))
INTERVAL: float = Allegro.defaults.interval.total_seconds()
LOOK = 0.05
"""Seconds between two looks into the shop's books; the error of the measurement."""


async def trade(stage: DemoStack, orders: int, seconds: float, placed: dict[str, float]) -> None:
    for number in range(orders):
        market = stage.markets[MARKETS[number % len(MARKETS)]]
        (order,) = await market.do(stage.session, "buy", payment="ONLINE")
        placed[order] = time.monotonic()
        await asyncio.sleep(seconds / orders)


async def watch(stage: DemoStack, orders: int, arrived: dict[str, float]) -> None:
    async with asyncio.timeout(3600):
        while len(arrived) < orders:
            for entry in await stage.shop.books(stage.session):
                if entry.reference is not None:
                    arrived.setdefault(entry.reference.partition(":")[2], time.monotonic())
            await asyncio.sleep(LOOK)


def pushing(path: Path) -> list[float]:
    """Seconds from landing to the shop's answer, of each delivery, as the daemon itself recorded them."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as books:
        rows = books.execute("SELECT finished_at - created_at FROM deliveries WHERE state = 'confirmed'")
        return [microseconds / 1e6 for (microseconds,) in rows]


async def measure(orders: int, seconds: float) -> None:
    placed: dict[str, float] = {}
    arrived: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        async with open_stage(Path(folder), markets=MARKETS) as stage:
            await asyncio.gather(
                *(stage.daemon.call("POST", f"/api/v1/accounts/{name}/fetch", {}) for name in MARKETS)
            )
            await asyncio.gather(trade(stage, orders, seconds, placed), watch(stage, orders, arrived))
            inside = pushing(stage.folder / "data" / "olhubd.sqlite")
    waits = sorted(arrived[order] - at for order, at in placed.items())
    median = statistics.median(waits)
    print(f"purchase to shop: median {median:.2f} s, longest {waits[-1]:.2f} s")
    first = statistics.median(arrived[order] - at for order, at in list(placed.items())[: len(MARKETS)])
    print(f"the first of each account, read after {INTERVAL:g} s at most: median {first:.2f} s")
    middle, longest = statistics.median(inside), max(inside)
    print(f"landing to the shop's answer: median {middle * 1e3:.0f} ms, longest {longest:.2f} s")


def main() -> None:
    orders = int(sys.argv[1]) if len(sys.argv) > 1 else 96
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 80.0
    print(f"{orders} orders over {seconds:g} s from {len(MARKETS)} accounts; {machine()}")
    asyncio.run(measure(orders, seconds))


if __name__ == "__main__":
    main()
