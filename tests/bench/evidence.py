"""From the commit that changed a sellable number to the reading that shows it: what an offer shows is proved.

    python tests/bench/evidence.py [changes]

The real hub with default settings between a WooCommerce shop, whose stock counts, and two Allegro accounts,
joined in memory under virtual time. By turns pieces come into the shop, leave it, and are bought at one of the
accounts. Beside it stands how old the master's reading was by then. It is looked every tenth of a second.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
from pathlib import Path
from typing import NamedTuple

from olhubd.store import levels, offers, stock_items
from olhubd_kit.simulators.allegro import AllegroSimulator
from olhubd_kit.simulators.woocommerce import WooCommerceSimulator
from olhubd_kit.virtual_clock import VirtualClock
from tests.bench._joined import JoinedHub, VirtualTimeLoop, joined, quantile
from tests.bench._meter import machine

_MARKETS = ("allegro-1", "allegro-2")
_BEGUN = 900.0
"""Seconds that the hub has to read what is there."""
_LOOK = 0.1
_PATIENCE = 600.0
_GOAL = {0.5: 5.0, 0.99: 30.0}
"""Seconds, by the share of changes."""


class Proved(NamedTuple):
    """Seconds from the commit to the proof and from what happened to the commit, and the age of the master's
    reading."""

    after_commit: float
    before_commit: float
    age: float


async def measure(changes: int, folder: Path) -> list[Proved]:
    clock, dice = VirtualClock(), random.Random(7)
    markets = {name: AllegroSimulator(n, clock.now, sandbox=False) for n, name in enumerate(_MARKETS, start=1)}
    shop = WooCommerceSimulator(3, clock.now, verify_signatures=False)
    found = []
    async with joined(folder, clock, markets, shop) as stage:
        await clock.sleep(_BEGUN)
        skus = [row["sku"] for row in shop.catalogue.products.values() if (row["stock_quantity"] or 0) >= 50]
        for number in range(changes):
            sku = skus[number % len(skus)]
            found.append(await _change(stage, number, sku))
            await clock.sleep(dice.uniform(5.0, 60.0))
    return found


async def _change(stage: JoinedHub, number: int, sku: str) -> Proved:
    """Something happens to an item; wait until another account's offer is proved to show it."""
    reader, clock = stage.database.reader, stage.clock
    (item,) = await stock_items.find(reader, sku)
    links = await offers.of_items(reader, [item.id], _MARKETS[1])
    (offer,) = [link.offer for link in links]
    before = (await levels.of_offers(reader, [offer]))[offer]
    began = clock.monotonic()
    row = stage.shop.catalogue.by_sku(sku)
    assert row is not None
    if number % 3 == 2:
        stage.markets[_MARKETS[0]].ledger.buy(wares=[(sku, 1)], payment="ONLINE")
    else:
        at = clock.now().replace(tzinfo=None, microsecond=0).isoformat()
        assert stage.shop.catalogue.move(row["id"], 3 if number % 3 else -2, at)
    committed = None
    while clock.monotonic() - began < _PATIENCE:
        level = (await levels.of_offers(reader, [offer]))[offer]
        if committed is None and level.wanted != before.wanted:
            committed = clock.monotonic()
        if committed is not None and level.wanted == level.confirmed and level.wanted_at is None:
            (item,) = await stock_items.find(reader, sku)
            age = (clock.now() - item.read_at).total_seconds()
            return Proved(clock.monotonic() - committed, committed - began, age)
        await clock.sleep(_LOOK)
    raise SystemExit(f"{sku}: nothing was proved in {_PATIENCE:g} s")


def main(changes: int) -> bool:
    print(f"{changes} changes of stock, all settings at default; {machine()}")
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        found = runner.run(measure(changes, Path(folder)))
    good = True
    for share, goal in _GOAL.items():
        late = quantile([one.after_commit for one in found], share)
        good = good and late <= goal
        print(f"commit to proof, {share:.0%}: {late:.1f} s, {goal:g} s are the goal")
    for name, values in (
        ("what happened to commit", [one.before_commit for one in found]),
        ("age of the master's reading at the proof", [one.age for one in found]),
    ):
        print(f"{name}: 50% {quantile(values, 0.5):.1f} s, 99% {quantile(values, 0.99):.1f} s")
    return good


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("changes", type=int, nargs="?", default=60)
    raise SystemExit(0 if main(parser.parse_args().changes) else 1)
