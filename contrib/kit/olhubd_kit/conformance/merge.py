"""Purchases that a buyer puts together: a new order with the old lines, and nothing left of the old ones.

The host knows a merge by the lines: one that another order had before belongs to the new one from then on.
"""

from __future__ import annotations

from olhubd.model import Order, Stage
from olhubd.plugin import OrderLookup
from olhubd_kit.conformance.bench import Bench
from olhubd_kit.conformance.feed import whole
from olhubd_kit.conformance.rule import Tier, check, rule, skip

_FEED = "OrderFeed"


async def _merged(bench: Bench) -> tuple[list[str], str, dict[str, Order]]:
    """Two purchases that were reported and are one now: their ids, the new one, and how they were reported
    before."""
    bought = await bench.buy(3, paid=False)
    told = await bench.walk()
    new = str(await bench.do("merge", bought[:2]))
    bench.clock.advance(3600)
    told.records.extend((await bench.walk(told.cursor)).records)
    return bought[:2], new, told.orders


def _lines(orders: dict[str, Order], *keys: str) -> list[str]:
    return sorted(line.external_id for key in keys for line in orders[key].lines)


@rule("MERGE-01", Tier.GOLD, _FEED)
async def a_merged_purchase_keeps_its_lines(bench: Bench) -> None:
    """Purchases that the buyer puts together come as one order with all their lines, each under the id it had."""
    old, new, orders = await _merged(bench)
    check(new in orders, "the order made of two purchases did not come")
    if not set(old) <= set(orders):
        skip("the feed does not tell of purchases that can be put together")
    check(_lines(orders, new) == _lines(orders, *old), "the lines of the new order have other ids than they had")
    if bench.has("Sweep"):
        whole(await bench.sweep(), [new], "after two purchases were put together, in the sweep")


@rule("MERGE-02", Tier.GOLD, _FEED)
async def what_was_merged_away_is_not_carried_out(bench: Bench) -> None:
    """An order that was merged away is reported nowhere as one to carry out: not by feed, sweep or lookup."""
    old, _, orders = await _merged(bench)
    found = {"the feed": orders, "the sweep": (await bench.sweep()).orders}
    if bench.has("OrderLookup"):
        read = {key: await bench.part(OrderLookup).read_order(key) for key in old}
        found["the lookup"] = {key: record for key, record in read.items() if isinstance(record, Order)}
    for where, told in found.items():
        alive = [key for key in old if key in told and told[key].stage is Stage.CONFIRMED]
        check(not alive, f"{where} tells a purchase that was merged away as confirmed: {', '.join(alive)}")
