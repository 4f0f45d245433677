"""Journals that are not tidy: they repeat, change places, end a page early, and forget what is old."""

from __future__ import annotations

from datetime import timedelta

from olhubd.model import Stage
from olhubd_kit.conformance.bench import Bench
from olhubd_kit.conformance.feed import whole
from olhubd_kit.conformance.rule import Tier, check, rule

_FEED = "OrderFeed"
SHORT = 3
"""Pages that end early."""
LONG_AGO = timedelta(days=61)
"""Longer than the journal of any marketplace remembers."""


@rule("FEED-12", Tier.GOLD, _FEED)
async def a_journal_may_repeat_itself(bench: Bench) -> None:
    """When the journal sends the same changes twice, every order still comes, and the feed comes to rest."""
    bought = await bench.buy(3)
    await bench.do("duplicate_events", 2)
    bought += await bench.buy(3)
    found = await bench.walk()
    whole(found, bought, "after a journal that repeats itself")
    page = await bench.page(found.cursor)
    check(not page.records and page.cursor == found.cursor, "after a journal that repeats itself it never rests")


@rule("FEED-13", Tier.GOLD, _FEED)
async def a_journal_may_change_places(bench: Bench) -> None:
    """When the journal sends changes in another order than they happened in, every order comes as it is now."""
    bought = [key for _ in range(5) for key in await bench.buy(1)]
    await bench.do("cancel", bought[0])
    await bench.do("reorder_events", 12)
    bench.clock.advance(3600)
    found = await bench.walk()
    whole(found, bought, "after a journal in disorder")
    stage = found.orders[bought[0]].stage
    check(stage is Stage.CANCELLED, f"after a journal in disorder the cancelled order is {stage.value}")


@rule("FEED-14", Tier.GOLD, _FEED)
async def a_page_may_end_early(bench: Bench) -> None:
    """When pages hold less than they could, with more behind them, the next pulls bring the rest."""
    bought = await bench.buy(12)
    await bench.do("short_pages", SHORT)
    found = await bench.walk()
    for _ in range(SHORT):
        again = await bench.walk(found.cursor)
        found.records.extend(again.records)
        found.cursor = again.cursor
    whole(found, bought, "after pages that ended early")


@rule("FEED-15", Tier.GOLD, _FEED)
async def an_old_cursor_is_no_dead_end(bench: Bench) -> None:
    """From a cursor of sixty days ago a walk brings what is new, and a sweep what the journal forgot."""
    old = await bench.buy(2)
    bench.clock.advance(LONG_AGO.total_seconds())
    new = await bench.buy(2)
    whole(await bench.walk(), new, "from a cursor of sixty days ago")
    if bench.has("Sweep"):
        whole(await bench.sweep(), old + new, "after a sweep over sixty days")


@rule("FEED-16", Tier.GOLD, _FEED)
async def news_of_an_old_order_comes(bench: Bench) -> None:
    """A change of an order that was bought sixty days ago is reported like any other."""
    [key] = await bench.buy(1)
    walk = await bench.walk()
    bench.clock.advance(LONG_AGO.total_seconds())
    await bench.do("cancel", key)
    bench.clock.advance(3600)
    found = (await bench.walk(walk.cursor)).orders
    check(key in found, "the news of an old order did not come")
    check(found[key].stage is Stage.CANCELLED, f"the old order came with stage {found[key].stage.value}")
