"""Feeds beside that of orders: lists that shift and end, inboxes that wait, records of several kinds on one page.

Their content is what the simulator gives by `listed`, and the verbs `put`, `take`, `change`, `spoil` and `waiting`
are about them. Each rule is tried on each such feed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import wraps
from typing import Any

import msgspec

from olhubd.plugin import Connector, Feed, Gone, Later, Page, Record, Temporary, Unreadable
from olhubd_kit import faults
from olhubd_kit.aside import kind_of
from olhubd_kit.conformance.bench import AGE, Bench, FeedReading
from olhubd_kit.conformance.feed import MANY, MOST_CALLS
from olhubd_kit.conformance.rule import FEED, NotApplicable, Tier, Trial, check, rule
from olhubd_kit.simulator import Listed

SHORT = 3
"""Pages that end early."""
MOST_PAGES = 20
"""So many pages are compared with themselves."""
Told = dict[tuple[str, str], Record]


def told(feed: Feed, found: FeedReading) -> Told:
    """The last record of each thing, by its kind and its id: numbers of two kinds have nothing in common."""
    return {(kind_of(record, feed), record.external_id): record for record in found.records}


def every(feed: Feed, found: FeedReading, wanted: Iterable[Listed], when: str) -> None:
    """All of `wanted` must have come, each as a record of its kind."""
    came = told(feed, found)
    lost = [f"{one.kind} {one.external_id}" for one in wanted if (one.kind, one.external_id) not in came]
    check(not lost, f"{feed.name}, {when}: {len(lost)} never came ({', '.join(sorted(lost)[:5])})")
    bare = [f"{kind} {key}" for (kind, key), one in came.items() if isinstance(one, Unreadable | Gone | Later)]
    check(not bare, f"{feed.name}, {when}: {', '.join(bare[:5])} came as no thing that one can read")


def stream(id: str, tier: Tier) -> Callable[[Callable[[Bench, Feed], Awaitable[None]]], Trial]:  # noqa: A002
    """Declare a rule that is tried on each feed beside that of orders.

    Where one of them cannot be tried, neither is the rule, unless its system has nothing like it there.
    """

    def declare(trial: Callable[[Bench, Feed], Awaitable[None]]) -> Trial:
        @wraps(trial)
        async def each(bench: Bench) -> None:
            left: list[NotApplicable] = []
            for feed in bench.others:
                try:
                    await trial(bench, feed)
                except NotApplicable as why:
                    left.append(why)
            for reason in left:
                if not reason.natural or len(left) == len(bench.others):
                    raise reason

        return rule(id, tier, FEED)(each)

    return declare


async def do(bench: Bench, verb: str, feed: Feed, thing: Listed) -> None:
    """What the simulator's verb does to one thing of a feed; after that it is old enough to be reported."""
    await bench.do(verb, feed.name, kind=thing.kind, id=thing.external_id)
    bench.clock.advance(AGE.total_seconds())


def same(connector: Connector[Any], feed: Feed) -> Feed:
    """The feed of this name at another instance."""
    return connector.feeds[feed.name]


@stream("STREAM-01", Tier.BRONZE)
async def each_thing_comes_as_what_it_is(bench: Bench, feed: Feed) -> None:
    """Everything in what a feed reads comes under its id and as the kind of thing that it is, also where two kinds
    share a page, and as one of the feed's `kinds`.
    """
    cursor = await feed.start(None)
    for count in (3, 4):
        await bench.put(feed, count)
    found = await bench.read(feed, cursor)
    every(feed, found, bench.listed(feed), "after a whole walk")
    strange = sorted({kind for kind, _ in told(feed, found)} - set(feed.kinds))
    check(not strange, f"{feed.name}: its `kinds` do not name {', '.join(strange)}, which it tells of")


@stream("STREAM-02", Tier.BRONZE)
async def a_start_takes_all_that_stood_there_or_nothing(bench: Bench, feed: Feed) -> None:
    """`start(None)` brings what comes after it; of what was there before, all, as a list does, or nothing, as a
    journal does.
    """
    old = await bench.put(feed, 5)
    cursor = await feed.start(None)
    new = await bench.put(feed, 2)
    found = await bench.read(feed, cursor)
    every(feed, found, new, "after start(None)")
    came = sum((one.kind, one.external_id) in told(feed, found) for one in old)
    check(came in (0, len(old)), f"{feed.name}: start(None) brings {came} of {len(old)} that stood there before")


@stream("STREAM-03", Tier.BRONZE)
async def at_its_end_a_feed_rests(bench: Bench, feed: Feed) -> None:
    """At its end, and when nothing happened since, a pull brings no records, asks for no more, and returns the same
    cursor.
    """
    cursor = await feed.start(None)
    for count in (0, 2):
        if count:
            await bench.put(feed, count)
        cursor = (await bench.read(feed, cursor)).cursor
        bench.clock.advance(60)
        page = await feed.pull(cursor)
        check(not page.records, f"{feed.name}: {len(page.records)} records though nothing happened")
        check(page.cursor == cursor, f"{feed.name}: the cursor moved from {cursor} to {page.cursor}")
        check(not page.more, f"{feed.name}: an empty page asks for more")


@stream("STREAM-04", Tier.SILVER)
async def a_restart_goes_on_from_the_cursor(bench: Bench, feed: Feed) -> None:
    """Pulling again from one cursor, at once or after a restart, gives the same records and the same next cursor:
    the position of a feed is in its cursor alone.
    """
    cursor = await feed.start(None)
    await bench.put(feed, MANY)
    for _ in range(MOST_PAGES):
        first, second = await feed.pull(cursor), await feed.pull(cursor)
        async with bench.restarted() as another:
            third = await same(another, feed).pull(cursor)
        for page, when in ((second, "pulled again"), (third, "pulled after a restart")):
            alike = list(page.records) == list(first.records)
            check(alike, f"{feed.name}: {when}, one cursor brings other records")
            check(page.cursor == first.cursor, f"{feed.name}: {when}, one cursor leads elsewhere")
        cursor = first.cursor
        await feed.landed(cursor)
        if not first.more:
            break


@stream("STREAM-05", Tier.SILVER)
async def many_pages_lose_nothing_and_end(bench: Bench, feed: Feed) -> None:
    """Many things, over several pages, all come, each page moves the cursor, and the feed comes to an end."""
    cursor = await feed.start(None)
    new = await bench.put(feed, MANY)
    places = [cursor]

    async def moves(page: Page) -> None:
        check(not page.more or page.cursor not in places, f"{feed.name}: it is at {page.cursor} a second time")
        places.append(page.cursor)

    every(feed, await bench.read(feed, cursor, moves), new, f"with {MANY} over several pages")


@stream("STREAM-06", Tier.GOLD)
async def a_short_page_of_a_list_is_not_its_end(bench: Bench, feed: Feed) -> None:
    """When pages hold less than they could, with more behind them, the next pulls bring the rest."""
    cursor = await feed.start(None)
    new = await bench.put(feed, MANY)
    await bench.do("short_pages", SHORT)
    found = await bench.read(feed, cursor)
    for _ in range(SHORT):
        again = await bench.read(feed, found.cursor)
        found.records.extend(again.records)
        found.cursor = again.cursor
    every(feed, found, new, "after pages that ended early")


@stream("STREAM-07", Tier.GOLD)
async def a_list_that_shifts_loses_nothing(bench: Bench, feed: Feed) -> None:
    """What is taken out of a list or put into it between two pages moves others: none of those is left out."""
    cursor = await feed.start(None)
    await bench.put(feed, MANY)
    pages = 0

    async def shifts(page: Page) -> None:
        nonlocal pages
        pages += 1
        if pages <= 2:
            there = {(one.kind.value, one.external_id): one for one in bench.listed(feed)}
            for record in page.records[:3]:
                if (thing := there.pop((kind_of(record, feed), record.external_id), None)) is not None:
                    await do(bench, "take", feed, thing)
            await bench.put(feed, 2)

    found = await bench.read(feed, cursor, shifts)
    again = await bench.read(feed, found.cursor)
    found.records.extend(again.records)
    every(feed, found, bench.listed(feed), "with things taken and put between the pages")


@stream("STREAM-08", Tier.SILVER)
async def a_failure_at_any_call_of_a_feed_loses_nothing(bench: Bench, feed: Feed) -> None:
    """Whichever call of a walk fails, once or until it is given up, everything has come at the end."""
    cursor = await feed.start(None)
    for kind in (faults.FaultKind.ERROR, faults.FaultKind.CUT, faults.FaultKind.HALF, faults.FaultKind.THROTTLE):
        for times in (1, None):
            for call in range(MOST_CALLS):
                new, before = await bench.put(feed, 3), bench.struck()
                bench.strike(kind, after=call, times=times, status=503)
                found = await bench.read(feed, cursor)
                bench.faults.clear()
                every(feed, found, new, f"after {kind.value} at call {call + 1}")
                cursor = found.cursor
                if bench.struck() == before:
                    break


@stream("STREAM-09", Tier.SILVER)
async def what_cannot_be_read_is_kept_as_its_kind(bench: Bench, feed: Feed) -> None:
    """A thing that cannot be understood comes as Unreadable, of its own kind and with its raw text; all the others
    come as ever.
    """
    cursor = await feed.start(None)
    new = await bench.put(feed, 6)
    spoilt = {one.kind: one for one in new}
    for one in spoilt.values():
        await do(bench, "spoil", feed, one)
    found = await bench.read(feed, cursor)
    came = told(feed, found)
    for one in spoilt.values():
        record = came.pop((one.kind, one.external_id), None)
        bare = [kind for kind, key in came if key == one.external_id and kind not in spoilt]
        said = f"came as {bare[0]!r}, without a `kind` of its own" if bare else "never came"
        check(record is not None, f"{feed.name}: {one.kind} {one.external_id}, which cannot be understood, {said}")
        check(isinstance(record, Unreadable), f"{feed.name}: the unreadable {one.kind} came as {record!r:.60}")
        if isinstance(record, Unreadable):
            check(record.raw and record.reason, f"{feed.name}: Unreadable without its raw text or a reason")
    own = {(one.kind, one.external_id) for one in new}  # what another feed's trial left there is not its own
    rest = msgspec.structs.replace(found, records=[one for key, one in came.items() if key in own])
    every(feed, rest, [one for one in new if one not in spoilt.values()], "beside what cannot be understood")


@stream("STREAM-10", Tier.SILVER)
async def what_landed_is_acknowledged_and_no_more(bench: Bench, feed: Feed) -> None:
    """Reading acknowledges nothing; `landed(cursor)` all up to the cursor and nothing after it, and once more,
    after a lost answer or at the next start, it does no harm.
    """
    if type(feed).landed is Feed.landed:
        raise NotApplicable("none of its feeds wants to hear what is stored", natural=True)
    cursor = await feed.start(None)
    await feed.landed(cursor)
    new = await bench.put(feed, 3)
    await _waits(bench, feed, 3, "after three things were put in")
    page = await feed.pull(cursor)
    await _waits(bench, feed, 3, "after a pull, which acknowledges nothing")
    new += await bench.put(feed, 2)
    bench.strike(faults.FaultKind.LOSE)
    lost = await bench.attempt(lambda: feed.landed(page.cursor))
    bench.faults.clear()
    check(lost is None or isinstance(lost, Temporary), f"{feed.name}: after a lost answer `landed` raised {lost!r}")
    async with bench.restarted() as another:
        again = same(another, feed)
        for _ in range(2):
            await again.landed(page.cursor)
        await _waits(bench, feed, 5 - len(page.records), "after `landed` with the cursor of the first page")
        found = await bench.read(again, page.cursor)
    found.records.extend(page.records)
    every(feed, found, new, "after a restart")
    await _waits(bench, feed, 0, "after all of it landed")


async def _waits(bench: Bench, feed: Feed, count: int, when: str) -> None:
    waiting = await bench.do("waiting", feed.name)
    check(waiting == count, f"{feed.name}, {when}: {waiting} wait in the inbox, not {count}")


@stream("STREAM-11", Tier.SILVER)
async def a_changed_thing_comes_again(bench: Bench, feed: Feed) -> None:
    """A thing that changed after it was reported is reported again, as it is now."""
    cursor = await feed.start(None)
    [_, one, _] = await bench.put(feed, 3)
    walk = await bench.read(feed, cursor)
    before = told(feed, walk).get((one.kind, one.external_id))
    await do(bench, "change", feed, one)
    now = told(feed, await bench.read(feed, walk.cursor)).get((one.kind, one.external_id))
    check(now is not None, f"{feed.name}: the changed {one.kind} {one.external_id} did not come again")
    check(now != before, f"{feed.name}: the changed {one.kind} {one.external_id} came as it was before")
