"""Orders in: that the feed brings every order, whatever its pages, its equal times and its failed calls."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable

from olhubd.model import Kind, Order, Stage
from olhubd.plugin import Cursor, Page, Unreadable
from olhubd_kit.conformance.bench import AGE, Bench, FeedReading
from olhubd_kit.conformance.rule import NotApplicable, Tier, broken, check, rule, skip
from olhubd_kit.faults import FaultKind

_FEED = "OrderFeed"
MANY = 230
"""More orders than two pages of any usual size."""
MOST_CALLS = 30
"""A scenario of a few orders takes fewer calls than this; the failures are put at each of them in turn."""


def whole(found: FeedReading, wanted: Iterable[str], when: str) -> None:
    """All of `wanted` must have come as orders."""
    lost = [key for key in wanted if key not in found.orders]
    unread = [told for key in lost if isinstance(told := found.latest.get(key), Unreadable)]
    if unread:
        broken(f"{when}: {len(unread)} orders came as Unreadable: {unread[0].reason}")
    check(not lost, f"{when}: {len(lost)} orders never came ({', '.join(lost[:5])})")


async def shifted(bench: Bench, page: Page) -> None:
    """Cancel some of the orders that a page has just brought: they leave their places, and all after them move
    up."""
    for record in page.records[:3]:
        with contextlib.suppress(NotApplicable):
            await bench.do("cancel", record.external_id)


@rule("FEED-01", Tier.BRONZE, _FEED)
async def every_due_order_is_delivered(bench: Bench) -> None:
    """A walk from the start to the end brings every order that is due, each under the id it has in the system."""
    bought = await bench.buy(3) + await bench.buy(4)
    found = await bench.walk()
    whole(found, bought, "after a whole walk")
    whole(found, [key for key, entry in bench.books().items() if entry.due], "after a whole walk")
    strange = sorted(set(found.orders) - set(bench.books()))
    check(not strange, f"orders came that the other side does not hold: {', '.join(strange[:5])}")


@rule("FEED-02", Tier.BRONZE, _FEED)
async def starting_now_brings_only_what_is_new(bench: Bench) -> None:
    """`start(None)` leaves out what was bought before and brings what is bought after."""
    old = await bench.buy(3)
    cursor = await bench.feed.start(None)
    new = await bench.buy(2)
    found = await bench.walk(cursor)
    whole(found, new, "after start(None)")
    late = sorted(set(old) & set(found.latest))
    check(not late, f"orders from before the start came: {', '.join(late)}")


@rule("FEED-03", Tier.BRONZE, _FEED)
async def without_news_the_cursor_stays(bench: Bench) -> None:
    """When nothing happened, a pull brings no records, asks for no more, and gives the same cursor back."""
    for when in ("before the first order", "after the last order"):
        walk = await bench.walk()
        bench.clock.advance(60)
        page = await bench.page(walk.cursor)
        check(not page.records, f"{when}: {len(page.records)} records though nothing happened")
        check(page.cursor == walk.cursor, f"{when}: the cursor moved from {walk.cursor} to {page.cursor}")
        check(not page.more, f"{when}: an empty page asks for more")
        await bench.buy(2)


@rule("FEED-04", Tier.SILVER, _FEED)
async def the_same_cursor_gives_the_same_page(bench: Bench) -> None:
    """Pulling twice from one cursor gives the same records and the same next cursor: reading changes nothing."""
    await bench.buy(5)
    cursor = await bench.origin()
    for _ in range(20):
        first, second = await bench.page(cursor), await bench.page(cursor)
        check(list(first.records) == list(second.records), "the second pull brought other records")
        check(first.cursor == second.cursor, "the second pull gave another cursor")
        if not first.more:
            return
        cursor = first.cursor


@rule("FEED-05", Tier.SILVER, _FEED)
async def page_borders_lose_nothing(bench: Bench) -> None:
    """Many orders of the very same instant, over several pages, all come; so do those bought afterwards."""
    crowd = await bench.buy(MANY)
    few = await bench.buy(1)
    found = await bench.walk()
    whole(found, crowd + few, f"with {MANY} orders of one instant")


@rule("FEED-06", Tier.GOLD, _FEED)
async def orders_bought_between_two_pages_are_not_lost(bench: Bench) -> None:
    """What is bought or cancelled while the feed is being read, and what moved because of it, comes within the same
    walk.
    """
    bought = await bench.buy(MANY)
    pages = 0

    async def pull(cursor: Cursor) -> Page:
        nonlocal pages
        page = await bench.page(cursor)
        pages += 1
        if pages <= 2:
            bought.extend(await bench.buy(3))
            await shifted(bench, page)
        return page

    found = await bench.walk(pull=pull)
    again = await bench.walk(found.cursor)
    found.records.extend(again.records)
    whole(found, bought, "with purchases and cancellations between the pages")


@rule("FEED-07", Tier.SILVER, _FEED)
async def the_cursor_waits_for_a_failed_reading(bench: Bench) -> None:
    """When the reading of one order fails, the cursor stays before it: afterwards every order has come."""
    bought = await bench.buy(6)
    for kind in (FaultKind.ERROR, FaultKind.CUT, FaultKind.THROTTLE):
        for key in bought[1:-1]:
            bench.strike(kind, match=rf"\b{re.escape(key)}\b", times=None, retry_after=1)
            found = await bench.walk()
            bench.faults.clear()
            whole(found, bought, f"after {kind.value} at the reading of {key}")


@rule("FEED-08", Tier.SILVER, _FEED)
async def a_failure_at_any_call_loses_nothing(bench: Bench) -> None:
    """Whichever call of a walk fails, once or until it is given up, every order has come at the end."""
    bought = await bench.buy(6)
    for kind in (FaultKind.ERROR, FaultKind.CUT, FaultKind.HALF, FaultKind.THROTTLE):
        for times in (1, None):
            for call in range(MOST_CALLS):
                before = bench.struck()
                bench.strike(kind, after=call, times=times, status=503)
                found = await bench.walk()
                bench.faults.clear()
                whole(found, bought, f"after {kind.value} at call {call + 1}")
                if bench.struck() == before:
                    break


@rule("FEED-09", Tier.BRONZE, _FEED)
async def a_changed_order_comes_again(bench: Bench) -> None:
    """An order that changed after it was reported is reported again, as it is now."""
    bought = await bench.buy(3)
    walk = await bench.walk()
    await bench.do("cancel", bought[1])
    bench.clock.advance(3600)
    found = await bench.walk(walk.cursor)
    check(bought[1] in found.latest, "the cancelled order did not come again")
    record = found.latest[bought[1]]
    check(isinstance(record, Order), f"the cancelled order came as {type(record).__name__}")
    now = found.orders[bought[1]]
    check(now.stage is Stage.CANCELLED, f"the cancelled order came with stage {now.stage.value}")


@rule("FEED-10", Tier.SILVER, _FEED)
async def an_unreadable_order_hides_nobody(bench: Bench) -> None:
    """An order that cannot be understood comes as Unreadable with its raw text; all the others come as ever."""
    bought = await bench.buy(5)
    await bench.do("corrupt", bought[2])
    bench.clock.advance(3600)
    found = await bench.walk()
    record = found.latest.get(bought[2])
    check(record is not None, "the unreadable order never came")
    check(isinstance(record, Unreadable), f"the unreadable order came as {type(record).__name__}")
    if isinstance(record, Unreadable):
        check(record.raw and record.reason, "the unreadable order came without its raw text or without a reason")
    whole(found, [key for key in bought if key != bought[2]], "beside an unreadable order")


@rule("FEED-11", Tier.BRONZE, _FEED)
async def starting_in_the_past_brings_the_past(bench: Bench) -> None:
    """`start` with a time in the past, and the first sweep since that time, bring all that was bought since."""
    await bench.buy(2)
    since = bench.clock.now()
    bench.clock.advance(60)
    bought = await bench.buy(4)
    cursor = await bench.feed.start(since)
    found = await bench.walk(cursor)
    swept = await bench.sweep(since)
    found.records.extend(swept.records)
    whole(found, bought, "after a start in the past")
    after = await bench.buy(2)
    whole(await bench.walk(found.cursor), after, "bought after a start in the past")


@rule("FEED-18", Tier.SILVER, _FEED)
async def a_change_within_the_second_of_the_cursor_is_not_lost(bench: Bench) -> None:
    """An order that changes again at the very instant up to which the feed was read comes again, as it is now, also
    after a restart.
    """
    await bench.origin()
    bought: list[str] = await bench.do("buy", count=2)
    read = await bench.walk()
    if set(bought) - set(read.orders):
        skip("the feed tells of nothing as young as this")
    await bench.do("cancel", bought[0])
    bench.clock.advance(AGE.total_seconds())
    async with bench.restarted() as another:
        feed = another.feed(Kind.ORDER)
        check(feed is not None, "after a restart it has no feed of orders")
        found = await bench.walk(read.cursor, feed.pull if feed is not None else None)
    now = found.orders.get(bought[0])
    check(now is not None, "an order that changed again at the instant of the cursor did not come again")
    check(
        now is not None and now.stage is Stage.CANCELLED,
        f"the order came as {now.stage.value if now is not None else None}, and is cancelled",
    )
