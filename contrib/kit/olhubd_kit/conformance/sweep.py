"""The second, independent pass: that it finds what the feed never mentioned."""

from __future__ import annotations

from olhubd.plugin import Page
from olhubd_kit.conformance.bench import Bench
from olhubd_kit.conformance.feed import MANY, MOST_CALLS, shifted, whole
from olhubd_kit.conformance.rule import Tier, check, rule, skip
from olhubd_kit.faults import FaultKind

_SWEEP = ("OrderFeed", "Sweep")


@rule("SWEEP-01", Tier.BRONZE, *_SWEEP)
async def a_sweep_finds_every_order(bench: Bench) -> None:
    """A sweep over the whole past brings every due order and comes to an end."""
    bought = await bench.buy(7)
    whole(await bench.sweep(), bought, "after a sweep")


@rule("SWEEP-02", Tier.GOLD, *_SWEEP)
async def a_sweep_finds_what_the_journal_dropped(bench: Bench) -> None:
    """Orders that the journal never reported are found by the sweep."""
    await bench.do("drop_events", 4)
    bought = await bench.buy(6)
    told = await bench.walk()
    if len(told.orders) == len(bought):
        skip("the journal told of every order all the same")
    whole(await bench.sweep(), bought, f"the feed told of {len(told.orders)} of {len(bought)}; after the sweep")


@rule("SWEEP-03", Tier.SILVER, *_SWEEP)
async def a_sweep_of_many_pages_loses_nothing(bench: Bench) -> None:
    """Many orders of the very same instant are all found."""
    bought = await bench.buy(MANY)
    whole(await bench.sweep(), bought, f"with {MANY} orders of one instant")


@rule("SWEEP-04", Tier.SILVER, *_SWEEP)
async def a_sweep_survives_failures(bench: Bench) -> None:
    """Whichever call of a sweep fails, it says so, and going on from its cursor finds every order."""
    bought = await bench.buy(6)
    for kind in (FaultKind.ERROR, FaultKind.THROTTLE):
        for call in range(MOST_CALLS):
            before = bench.struck()
            bench.strike(kind, after=call, times=None, status=503)
            found = await bench.sweep()
            bench.faults.clear()
            whole(found, bought, f"after {kind.value} at call {call + 1} of the sweep")
            if bench.struck() == before:
                break


@rule("SWEEP-05", Tier.SILVER, *_SWEEP)
async def a_sweep_sees_cancelled_orders(bench: Bench) -> None:
    """The sweep leaves no state out: a cancelled order is found, and as cancelled."""
    bought = await bench.buy(3)
    await bench.do("cancel", bought[0])
    bench.clock.advance(3600)
    found = (await bench.sweep()).orders
    check(bought[0] in found, "the cancelled order was not found")
    check(found[bought[0]].stage.value == "cancelled", f"it is shown as {found[bought[0]].stage.value}")


@rule("SWEEP-06", Tier.GOLD, *_SWEEP)
async def a_sweep_loses_nothing_while_orders_move(bench: Bench) -> None:
    """Orders that are cancelled or bought between two pages of a sweep move others: none of those is left out."""
    bought = await bench.buy(MANY)
    pages = 0

    async def between(page: Page) -> None:
        nonlocal pages
        pages += 1
        if pages <= 3:
            await bench.buy(2)
            await shifted(bench, page)

    whole(await bench.sweep(between=between), bought, "with cancellations between the pages of the sweep")


@rule("SWEEP-07", Tier.GOLD, *_SWEEP)
async def a_short_page_is_not_the_last_of_a_sweep(bench: Bench) -> None:
    """When pages hold less than they could, with more behind them, the sweep goes on to the end."""
    bought = await bench.buy(MANY)
    await bench.do("short_pages", 3)
    whole(await bench.sweep(), bought, "with pages that hold less than they could")
