"""Orders while all offers of their account are read: what a full pass delays them by.

    python tests/bench/passing.py [offers]

The real hub with default settings between an Allegro account with so many offers and a WooCommerce shop, joined in
memory under virtual time, where a page of offers takes a tenth of a second and work takes none. Buyers buy while
the first pass reads the list, one for each four pages, and as many afterwards. An order is delayed by the pages of
offers that are asked for between its purchase and its landing; the page under way when it is bought is one of them.
What the work of a page costs is measured by CPU, simulator included.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import msgspec
from aiohttp import web

from olhubd.store import codec
from olhubd_kit.catalogue import PRODUCTS
from olhubd_kit.simulators.allegro import AllegroSimulator
from olhubd_kit.simulators.woocommerce import WooCommerceSimulator
from olhubd_kit.virtual_clock import VirtualClock
from tests.bench._joined import VirtualTimeLoop, joined, quantile
from tests.bench._meter import machine

_MARKET = "allegro"
_SHARE = 0.25
"""Orders for each page."""
_QUIET = 5.0
"""Seconds between two orders when no pass is under way."""
_MOST_PAGES = 1


class Landed(NamedTuple):
    """One order: seconds from its purchase to its landing, and pages of offers in between."""

    seconds: float
    pages: int


class Passed(NamedTuple):
    during: list[Landed]
    after: list[Landed]
    pages: int
    page_cpu: float


async def measure(count: int, folder: Path) -> Passed:
    clock, dice, loop = VirtualClock(), random.Random(7), asyncio.get_running_loop()
    wares = [msgspec.structs.replace(PRODUCTS[0], external_id=str(n), sku=f"MANY-{n}") for n in range(1, count + 1)]
    market = AllegroSimulator(1, clock.now, sandbox=False, wares=wares)
    shop = WooCommerceSimulator(3, clock.now, verify_signatures=False)
    pages: list[float] = []
    bought: dict[str, float] = {}

    def buy() -> None:
        bought.update(dict.fromkeys(market.ledger.buy(wares=[("MANY-1", 1)], payment="ONLINE"), now()))

    def now() -> float:
        return (clock.now() - began).total_seconds()

    def answered(name: str, request: web.Request) -> None:
        if name == _MARKET and request.path == "/sale/offers" and "offer.id" not in request.query:
            pages.append(now())
            if dice.random() < _SHARE:
                loop.call_later(dice.uniform(0.0, 0.2), buy)

    began, cpu = clock.now(), time.process_time()
    async with joined(folder, clock, {_MARKET: market}, shop, answered) as stage:
        while len(pages) < count / 1000:
            await clock.sleep(1.0)
        cpu = time.process_time() - cpu
        await clock.sleep(60.0)
        during = len(bought)
        for _ in range(max(during, 4)):
            await clock.sleep(_QUIET)
            buy()
        await clock.sleep(60.0)
        rows = await stage.database.reader.fetch("SELECT external_id, created_at FROM orders")
    at = {row[0]: (codec.moment(row[1]) - began).total_seconds() for row in rows}
    if missing := bought.keys() - at.keys():
        raise SystemExit(f"{len(missing)} orders have not landed")
    found = [
        Landed(at[order] - when, sum(when < page < at[order] for page in pages)) for order, when in bought.items()
    ]
    return Passed(found[:during], found[during:], len(pages), cpu / len(pages))


def main(count: int) -> bool:
    print(f"{count:,} offers; {machine()}")
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        passed = runner.run(measure(count, Path(folder)))
    for name, some in (("while all offers are read", passed.during), ("without", passed.after)):
        seconds, pages = [one.seconds for one in some], [one.pages for one in some]
        print(
            f"{name}: {len(some)} orders land after {quantile(seconds, 0.5):.1f} s, the last {max(seconds):.1f} s;"
            f" pages of offers in between: {max(pages)} at most"
        )
    print(f"{passed.pages} pages of offers, {passed.page_cpu * 1000:.0f} ms CPU each")
    return max(one.pages for one in passed.during) <= _MOST_PAGES


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("offers", type=int, nargs="?", default=20_000)
    raise SystemExit(0 if main(parser.parse_args().offers) else 1)
