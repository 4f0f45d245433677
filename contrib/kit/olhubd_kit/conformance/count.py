"""Counting: that it leaves nothing out and nothing in, or a day that lost an order would look whole."""

from __future__ import annotations

from datetime import datetime, timedelta

from olhubd.plugin import OrderCount, PluginError, Temporary
from olhubd_kit.conformance.bench import Bench
from olhubd_kit.conformance.feed import MANY
from olhubd_kit.conformance.rule import Tier, check, rule, skip
from olhubd_kit.faults import FaultKind

_COUNT = "OrderCount"


async def _count(bench: Bench, since: datetime, until: datetime) -> int:
    found: int = await bench.part(OrderCount).count_orders(since, until)
    return found


def _second(bench: Bench, key: str) -> datetime:
    """The beginning of the second in which an order was placed; days begin with whole ones too."""
    placed = bench.books()[key].placed_at
    if placed is None:
        skip("the books of the simulator do not tell when an order was placed")
    return placed.replace(microsecond=0)


@rule("COUNT-01", Tier.BRONZE, _COUNT)
async def it_counts_every_order(bench: Bench) -> None:
    """As many orders as were placed are counted, more than fit on a page included."""
    bench.clock.advance(60)
    await bench.do("buy", count=MANY)
    bench.clock.advance(3600)
    found = await _count(bench, bench.long_ago, bench.clock.now())
    check(found == MANY, f"{MANY} orders were placed and {found} counted")


@rule("COUNT-02", Tier.SILVER, _COUNT)
async def it_counts_from_since_on_and_before_until(bench: Bench) -> None:
    """An order belongs to the time that begins with it, and to none that ends with it."""
    bench.clock.advance(60)
    first = await bench.do("buy", count=2)
    bench.clock.advance(3600)
    then = await bench.do("buy", count=3)
    bench.clock.advance(3600)
    border, end = _second(bench, then[0]), bench.clock.now()
    before, after = await _count(bench, bench.long_ago, border), await _count(bench, border, end)
    check((before, after) == (2, 3), f"2 were placed before and 3 after {border}, but {before} and {after} counted")
    first_at = _second(bench, first[0])
    inside = await _count(bench, first_at, first_at + timedelta(seconds=1))
    check(inside == 2, f"2 were placed in the second of {first_at}, but {inside} counted")
    nothing = await _count(bench, bench.long_ago, first_at)
    check(nothing == 0, f"{nothing} are counted before the first was placed")


@rule("COUNT-03", Tier.SILVER, _COUNT)
async def it_counts_what_was_cancelled(bench: Bench) -> None:
    """An order that was cancelled still counts as placed."""
    bench.clock.advance(60)
    bought = await bench.do("buy", count=3)
    await bench.do("cancel", bought[0])
    bench.clock.advance(3600)
    found = await _count(bench, bench.long_ago, bench.clock.now())
    check(found == 3, f"3 orders were placed, one of them was cancelled, and {found} are counted")


@rule("COUNT-04", Tier.SILVER, _COUNT)
async def it_does_not_guess(bench: Bench) -> None:
    """While the system fails, counting fails too: no order and no answer are two things."""
    bench.clock.advance(60)
    await bench.do("buy", count=2)
    bench.clock.advance(3600)
    bench.strike(FaultKind.ERROR, times=None, status=503)
    answer = await bench.attempt(lambda: _count(bench, bench.long_ago, bench.clock.now()))
    bench.faults.clear()
    check(isinstance(answer, PluginError), f"the system failed and {answer} orders were counted")
    check(isinstance(answer, Temporary), f"a server error is told as {type(answer).__name__}, which is for good")
