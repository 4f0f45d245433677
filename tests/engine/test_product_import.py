"""When products are read, by whom, how often, and what a reading of all of them concludes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import structlog

from olhubd.decide.product_import import ImportRule, ProductImport, uses_the_day
from olhubd.engine.calls import Calls, OverdueCalls
from olhubd.engine.feed.limiter import Limiter
from olhubd.engine.feed.manual import FetchRefused
from olhubd.engine.feed.product_reader import ProductReader
from olhubd.engine.feed.reading import ReadingContext
from olhubd.engine.feed.run_log import RunLog
from olhubd.engine.feed.schedule import FeedSchedule
from olhubd.engine.flow.landing import Landing
from olhubd.engine.lineage import Lineage
from olhubd.model import ListPrice, PriceBasis, Product, Run, RunId, RunState
from olhubd.plugin import (
    ContractBroken,
    Cursor,
    Page,
    PluginError,
    ProductFeed,
    Record,
    Unavailable,
    Unreadable,
)
from olhubd.store import Database, events, products, runs
from tests.engine.levels.stall import Time
from tests.orders import EPOCH, pln

WARSAW = ZoneInfo("Europe/Warsaw")
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def mug(number: int, **more: Any) -> Product:
    return Product(**{"external_id": str(number), "name": f"Mug {number}", **more})


class Catalogue(ProductFeed):
    """A list of products, two a page; then those that were changed. It begins anew whenever it is asked to."""

    def __init__(self, count: int) -> None:
        self.rows: dict[int, Record] = {number: mug(number) for number in range(1, count + 1)}
        self.news: list[Record] = []
        self.starts = 0
        self.pulls = 0
        self.trouble: dict[int, PluginError] = {}
        """What is raised at which pull, counted from 1."""
        self.hidden: set[int] = set()
        """Rows that are counted and not shown."""

    async def start(self, since: datetime | None) -> Cursor:
        self.starts += 1
        return Cursor("all 0")

    async def pull(self, cursor: Cursor) -> Page:
        self.pulls += 1
        if (error := self.trouble.pop(self.pulls, None)) is not None:
            raise error
        what, at = cursor.split()
        if what == "all":
            left = sorted(number for number in self.rows if number > int(at) and number not in self.hidden)
            page, more = left[:2], len(left) > 2
            after = f"all {page[-1]}" if more else f"new {len(self.news)}"
            records = [self.rows[number] for number in page]
            return Page(records=records, cursor=Cursor(after), more=more, complete=more or not self.hidden)
        return Page(records=self.news[int(at) :], cursor=Cursor(f"new {len(self.news)}"))

    def change(self, record: Product) -> None:
        self.rows[int(record.external_id)] = record
        self.news.append(record)


class Bench:
    """The reader of one catalogue, by a clock that goes when it is told to."""

    def __init__(self, database: Database, count: int = 5) -> None:
        self.database = database
        self.clock = Time()
        self.catalogue = Catalogue(count)
        self.rule = ImportRule(ProductImport.BY_HAND)
        self.runs = RunLog(database, self.clock)
        self.reader = self.begin()

    def begin(self) -> ProductReader:
        """A process begins to read the account."""
        reading = ReadingContext(
            account="shop",
            schedule=FeedSchedule(
                interval=timedelta(minutes=5), sweep_interval=HOUR, sweep_window=DAY, start=None, page_limit=1.0
            ),
            calls=Calls("shop", self.clock, structlog.get_logger(), OverdueCalls()),
            database=self.database,
            landing=Landing(self.database, self.clock, list, lambda targets: None),
            lineage=Lineage(self.clock),
            runs=self.runs,
            sweeps=Limiter(places=4, patience=5.0),
            pulls=Limiter(places=4, patience=5.0),
            clock=self.clock,
            log=structlog.get_logger(),
            started_at=EPOCH,
            there=lambda: None,
        )
        self.reader = ProductReader(reading, self.catalogue, lambda: self.rule, leader=None, wake=lambda: None)
        return self.reader

    async def go_on(self, span: timedelta = timedelta(0)) -> None:
        """Time passes at once; whatever is due then is read."""
        self.clock.passed += span.total_seconds()
        for _ in range(50):
            if self.reader.until() > 0:
                return
            try:
                await self.reader.turn()
                self.reader.worked()
            except PluginError as error:
                self.reader.failed(error)
        raise AssertionError("it never comes to rest")

    async def by_hand(self, *, full: bool = False, accept_gone: bool = False) -> Run:
        answer = await self.reader.request(full=full, accept_gone=accept_gone)
        await self.go_on()
        return await answer

    async def there(self) -> list[str]:
        rows = await products.numbers(self.database.reader, "shop", 0, 1000)
        return sorted((external_id for _, external_id in rows), key=int)

    async def history(self) -> list[tuple[str, str, int, int]]:
        """Each run of the import: by what, how it ended, how many were added and changed."""
        found = await runs.listing(self.database.reader, account="shop")
        return [(one.trigger, one.state.value, one.added, one.changed) for one in reversed(found)]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Database.open(tmp_path / "hub.sqlite") as database:
        with structlog.testing.capture_logs():
            yield Bench(database)


async def test_by_hand_nothing_is_read_before_a_person_asks(bench: Bench) -> None:
    """PRD-02; part of PRD-06: no timer reads them; a person begins the first import, which brings all."""
    for _ in range(48):
        await bench.go_on(HOUR)
    assert (bench.catalogue.starts, bench.catalogue.pulls) == (0, 0)
    run = await bench.by_hand()
    assert (run.trigger, run.state, run.added) == ("manual", RunState.DONE, 5)
    assert await bench.there() == ["1", "2", "3", "4", "5"]
    pulls = bench.catalogue.pulls
    await bench.go_on(3 * DAY)
    assert bench.catalogue.pulls == pulls


async def test_an_import_by_hand_that_failed_is_begun_again_by_a_person_alone(bench: Bench) -> None:
    """Part of PRD-06: no timer takes up what somebody asked for, however it ended."""
    bench.catalogue.trouble = {1: Unavailable("503")}
    with pytest.raises(PluginError, match="503"):
        await bench.by_hand()
    await bench.go_on(3 * DAY)
    await bench.by_hand()
    bench.catalogue.rows = {}
    with pytest.raises(PluginError, match="5 of the 5"):
        await bench.by_hand(full=True)
    await bench.go_on(3 * DAY)
    assert await bench.history() == [
        ("manual", "failed", 0, 0),
        ("manual", "done", 5, 0),
        ("manual", "failed", 0, 0),
    ]


async def test_a_later_import_brings_differences_alone_unless_all_is_asked_for(bench: Bench) -> None:
    """Part of PRD-04 and PRD-05: the differences are asked for, and are counted."""
    await bench.by_hand()
    bench.catalogue.change(mug(2, name="Cup"))
    run = await bench.by_hand()
    assert (run.seen, run.added, run.changed) == (1, 0, 1)
    run = await bench.by_hand(full=True)
    assert (run.seen, run.added, run.changed) == (5, 0, 0)


async def test_each_import_is_in_the_history(bench: Bench) -> None:
    """PRD-10, LOG-06: with its beginning, its end and what it added and changed, also one that brought nothing."""
    await bench.by_hand()
    bench.clock.passed += 60
    bench.catalogue.change(mug(6))
    bench.catalogue.change(mug(1, name="Cup"))
    await bench.by_hand()
    await bench.by_hand()
    assert await bench.history() == [
        ("manual", "done", 5, 0),
        ("manual", "done", 1, 1),
        ("manual", "done", 0, 0),
    ]
    (_, second, _) = reversed(await runs.listing(bench.database.reader, account="shop"))
    assert second.started_at == second.ended_at == EPOCH + timedelta(seconds=60)


# Once a day


async def test_a_second_import_on_one_day_is_refused(bench: Bench) -> None:
    """Part of PRD-07 and MAN-06: with the moment when it is possible again; a restart forgets nothing."""
    bench.rule = ImportRule(ProductImport.BY_HAND, WARSAW, time(6, 10), once_a_day=True)
    await bench.by_hand()
    for _ in range(2):
        with pytest.raises(FetchRefused) as refused:
            await bench.by_hand(full=True)
        assert refused.value.again_at == bench.rule.next_day(bench.clock.now())
        bench.begin()
    bench.clock.passed += (bench.rule.next_day(bench.clock.now()) - bench.clock.now()).total_seconds() - 1
    with pytest.raises(FetchRefused):
        await bench.by_hand()
    bench.clock.passed += 1
    assert (await bench.by_hand()).state is RunState.DONE


@pytest.mark.parametrize(
    ("begins", "at", "day"),
    [
        (time(), "2026-03-28T22:59:59", "2026-03-28"),
        (time(), "2026-03-28T23:00:00", "2026-03-29"),
        (time(), "2026-03-29T21:59:59", "2026-03-29"),  # summer time began: the day had 23 hours
        (time(), "2026-03-29T22:00:00", "2026-03-30"),
        (time(6, 10), "2026-06-01T04:09:59", "2026-05-31"),
        (time(6, 10), "2026-06-01T04:10:00", "2026-06-01"),
        (time(6, 10), "2026-12-01T05:09:59", "2026-11-30"),
        (time(6, 10), "2026-12-01T05:10:00", "2026-12-01"),
        (time(2, 30), "2026-03-29T01:29:59", "2026-03-28"),  # there is no half past two on that day
        (time(2, 30), "2026-03-29T01:30:00", "2026-03-29"),
    ],
)
def test_a_day_is_that_of_the_sellers_zone(begins: time, at: str, day: str) -> None:
    """PRD-08: to the second, in winter and in summer, and where clocks change."""
    rule = ImportRule(ProductImport.DAILY, WARSAW, begins)
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert str(rule.day(moment)) == day
    assert rule.begins(rule.day(moment)) <= moment < rule.next_day(moment)


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2026-03-29T10:00:00", "2026-03-29T22:00:00"),  # a day of 23 hours
        ("2026-10-25T10:00:00", "2026-10-25T23:00:00"),  # one of 25
    ],
)
def test_a_day_ends_where_the_next_one_begins(at: str, until: str) -> None:
    """PRD-08: also where clocks are put forward or back in it."""
    rule = ImportRule(ProductImport.DAILY, WARSAW)
    moment, end = (datetime.fromisoformat(one).replace(tzinfo=UTC) for one in (at, until))
    assert rule.next_day(moment) == end


async def test_daily_all_is_read_once_from_the_set_time_on(bench: Bench) -> None:
    bench.rule = ImportRule(ProductImport.DAILY, WARSAW, time(6, 10))
    begins = bench.rule.begins(datetime(2026, 6, 2, tzinfo=UTC).date())
    bench.clock.passed = (begins - EPOCH).total_seconds() - 1
    await bench.go_on()  # for the day that began the day before
    assert await bench.history() == [("daily", "done", 5, 0)]
    await bench.go_on()
    assert bench.catalogue.starts == 1
    await bench.go_on(timedelta(seconds=1))
    assert bench.catalogue.starts == 2
    bench.begin()
    for _ in range(23):
        await bench.go_on(HOUR)
    assert bench.catalogue.starts == 2
    await bench.go_on(HOUR)
    assert bench.catalogue.starts == 3


async def test_a_run_that_failed_before_it_read_anything_uses_up_no_day(bench: Bench) -> None:
    """PRD-13: it counts no products either."""
    bench.rule = ImportRule(ProductImport.BY_HAND, WARSAW, once_a_day=True)
    bench.catalogue.trouble = {1: Unavailable("503")}
    with pytest.raises(PluginError, match="503"):
        await bench.by_hand()
    assert await bench.history() == [("manual", "failed", 0, 0)]
    bench.begin()  # a process that knows of it by the history alone
    assert (await bench.by_hand()).added == 5


async def test_a_run_that_failed_halfway_uses_up_the_day_where_one_is_all(bench: Bench) -> None:
    bench.rule = ImportRule(ProductImport.BY_HAND, WARSAW, once_a_day=True)
    bench.catalogue.trouble = {2: ContractBroken("no products")}
    with pytest.raises(PluginError, match="no products"):
        await bench.by_hand()
    bench.begin()
    with pytest.raises(FetchRefused):
        await bench.by_hand()


@pytest.mark.parametrize(
    ("state", "seen", "once", "used"),
    [
        (RunState.DONE, 0, False, True),
        (RunState.FAILED, 0, True, False),
        (RunState.FAILED, 3, True, True),
        (RunState.FAILED, 3, False, False),
        (RunState.LOST, 3, True, True),
        (RunState.LOST, 0, True, False),
    ],
)
def test_what_uses_up_a_day(state: RunState, seen: int, once: bool, used: bool) -> None:
    run = Run(
        id=RunId(1), account="shop", feed="products", trigger="daily", started_at=EPOCH, state=state, seen=seen
    )
    assert uses_the_day(run, ImportRule(ProductImport.DAILY, once_a_day=once)) is used


async def test_always_reads_changes_each_interval_and_all_once_a_day(bench: Bench) -> None:
    bench.rule = ImportRule(ProductImport.ALWAYS)
    await bench.go_on()
    assert (bench.catalogue.starts, await bench.there()) == (1, ["1", "2", "3", "4", "5"])
    bench.catalogue.change(mug(6))
    await bench.go_on(timedelta(minutes=6))
    assert (bench.catalogue.starts, "6" in await bench.there()) == (1, True)
    bench.begin()  # a restart is no reason to read all
    await bench.go_on(timedelta(minutes=6))
    assert bench.catalogue.starts == 1
    await bench.go_on(DAY)
    assert bench.catalogue.starts == 2


# What is gone


async def test_what_vanished_is_concluded_from_a_reading_of_all_alone(bench: Bench) -> None:
    await bench.by_hand()
    del bench.catalogue.rows[3]
    bench.catalogue.change(mug(1, name="Cup"))
    await bench.by_hand()
    assert await bench.there() == ["1", "2", "3", "4", "5"]
    run = await bench.by_hand(full=True)
    assert (await bench.there(), run.changed) == (["1", "2", "4", "5"], 1)
    told = [event.kind for event in await events.since(bench.database.reader, 0, limit=100)]
    assert told.count("product.gone") == 1
    bench.catalogue.rows[3] = mug(3)
    assert (await bench.by_hand(full=True)).changed == 1
    assert await bench.there() == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize("error", [Unavailable("503"), ContractBroken("odd")])
async def test_a_reading_that_broke_off_concludes_nothing(bench: Bench, error: PluginError) -> None:
    await bench.by_hand()
    del bench.catalogue.rows[1]
    bench.catalogue.trouble = {bench.catalogue.pulls + 2: error}
    with pytest.raises(PluginError):
        await bench.by_hand(full=True)
    await bench.by_hand()  # goes on where it broke off
    assert "1" in await bench.there()


async def test_a_reading_that_another_process_began_concludes_nothing(bench: Bench) -> None:
    await bench.by_hand()
    del bench.catalogue.rows[1]
    await bench.reader.request(full=True, accept_gone=False)
    await bench.reader.turn()
    bench.begin()
    await bench.by_hand()
    assert "1" in await bench.there()


async def test_a_product_that_cannot_be_read_is_not_gone(bench: Bench) -> None:
    await bench.by_hand()
    bench.catalogue.rows[2] = Unreadable(kind="product", external_id="2", reason="odd", raw=b"{}")
    del bench.catalogue.rows[3]
    await bench.by_hand(full=True)
    assert await bench.there() == ["1", "2", "4", "5"]
    bench.catalogue.rows[2] = Unreadable(kind="product", external_id="unreadable-1", reason="odd", raw=b"{}")
    await bench.by_hand(full=True)
    assert await bench.there() == ["1", "2", "4", "5"], "it may be any of them"


@pytest.mark.parametrize("left", [0, 9])
async def test_a_short_list_is_not_believed_without_a_persons_word(bench: Bench, left: int) -> None:
    """A source that answers with nothing, or with a part, has not lost its products."""
    bench.catalogue.rows = {number: mug(number) for number in range(1, 31)}
    await bench.by_hand()
    for number in range(left + 1, 31):
        del bench.catalogue.rows[number]
    with pytest.raises(PluginError, match=rf"{30 - left} of the 30 products .* --accept-gone"):
        await bench.by_hand(full=True)
    assert len(await bench.there()) == 30
    run = await bench.by_hand(full=True, accept_gone=True)
    assert (len(await bench.there()), run.changed) == (left, 30 - left)


async def test_nothing_is_gone_that_a_shorter_list_than_is_counted_does_not_show(bench: Bench) -> None:
    """S11."""
    await bench.by_hand()
    bench.catalogue.hidden = {2, 4}
    with structlog.testing.capture_logs() as said:
        run = await bench.by_hand(full=True, accept_gone=True)
    assert (run.state, await bench.there()) == (RunState.DONE, ["1", "2", "3", "4", "5"])
    assert [one["event"] for one in said if one["log_level"] == "warning"], "nobody would look for them"
    bench.catalogue.hidden = set()
    del bench.catalogue.rows[2]
    await bench.by_hand(full=True)
    assert await bench.there() == ["1", "3", "4", "5"]


class _Often(dict[int, PluginError]):
    """The source fails at every third pull."""

    def pop(self, key: int, default: Any = None) -> Any:
        return Unavailable("503") if key % 3 == 0 else default


async def test_a_reading_of_all_goes_on_where_it_broke_off_in_passing(bench: Bench) -> None:
    """A source that fails now and then is read to its end, and what it does not have is gone."""
    bench.rule = ImportRule(ProductImport.ALWAYS)
    bench.catalogue.rows = {number: mug(number) for number in range(1, 21)}
    await bench.go_on()
    del bench.catalogue.rows[7]
    bench.catalogue.trouble = _Often()
    bench.clock.passed += DAY.total_seconds()
    for _ in range(20):
        await bench.go_on(timedelta(minutes=1))
    assert (bench.catalogue.starts, len(await bench.there())) == (2, 19)


async def test_a_place_from_which_nothing_goes_on_is_left(bench: Bench) -> None:
    """A list that has moved too far can be read from its beginning alone."""
    bench.rule = ImportRule(ProductImport.ALWAYS)
    await bench.go_on()
    bench.clock.passed += DAY.total_seconds()
    pull = bench.catalogue.pull

    async def stuck(cursor: Cursor) -> Page:
        if bench.catalogue.starts == 2 and cursor == "all 2":
            raise Unavailable("the list moves")
        return await pull(cursor)

    bench.catalogue.pull = stuck  # type: ignore[method-assign]
    for _ in range(60):
        await bench.go_on(timedelta(minutes=1))
    assert bench.catalogue.starts == 3
    assert bench.reader.trouble is None


async def test_what_waits_for_a_persons_word_is_said_on_and_not_read_again_at_once(bench: Bench) -> None:
    """Changes are read on meanwhile, and all of it once a day, also after a restart."""
    bench.rule = ImportRule(ProductImport.ALWAYS)
    bench.catalogue.rows = {number: mug(number) for number in range(1, 31)}
    await bench.go_on()
    bench.catalogue.rows = {}
    bench.clock.passed += DAY.total_seconds()
    for _ in range(12):
        await bench.go_on(HOUR)
    bench.catalogue.change(mug(31))
    await bench.go_on(HOUR)
    assert (bench.catalogue.starts, len(await bench.there())) == (2, 31)
    assert bench.reader.trouble is not None
    assert "30 of the 30 products" in bench.reader.trouble.reason
    bench.begin()
    await bench.go_on(HOUR)
    assert bench.catalogue.starts == 2
    assert "30 of the 30 products" in str((await bench.reader.standing()).disbelieved)
    assert bench.reader.trouble is not None
    await bench.by_hand(full=True, accept_gone=True)
    assert await bench.there() == ["31"]
    assert await trouble(bench) is None


async def trouble(bench: Bench) -> object:
    return bench.reader.trouble


async def test_who_asks_while_an_import_is_asked_for_gets_the_same_one(bench: Bench) -> None:
    first = await bench.reader.request(full=False, accept_gone=False)
    second = await bench.reader.request(full=False, accept_gone=False)
    await bench.go_on()
    assert (await first).id == (await second).id


async def test_nobody_waits_for_an_import_that_does_not_come(bench: Bench) -> None:
    answer = await bench.reader.request(full=False, accept_gone=False)
    bench.reader.break_off("the account is paused")
    with pytest.raises(PluginError, match="paused"):
        await asyncio.wait_for(answer, 1)
    assert bench.reader.until() > 0 or not bench.catalogue.pulls


async def test_prices_come_with_the_products(bench: Bench) -> None:
    """Part of PRD-14: one page, one transaction, one run."""
    bench.catalogue.news.append(ListPrice(item="1", price_list="default", price=pln("10"), basis=PriceBasis.GROSS))
    bench.catalogue.rows[1] = mug(1)
    await bench.by_hand()
    bench.catalogue.news.append(ListPrice(item="1", price_list="default", price=pln("10"), basis=PriceBasis.GROSS))
    run = await bench.by_hand()
    assert (run.seen, run.added) == (1, 1)


async def test_an_import_that_goes_on_is_not_reminded_of_and_one_that_hangs_is(bench: Bench) -> None:
    """A catalogue of two hours: two products a page, one page in twenty minutes."""
    bench.rule = ImportRule(ProductImport.DAILY, remind=True)
    bench.catalogue = bench.reader._feed = Catalogue(12)
    for _ in range(5):
        await bench.reader.turn()
        assert (await bench.reader.standing()).under_way
        bench.clock.passed += 1200
        standing = await bench.reader.standing()
        assert (standing.remind_since, standing.due_since is None) == (None, False)
    bench.clock.passed += 600
    assert (await bench.reader.standing()).remind_since is not None, "no page came for half an hour"
    bench.catalogue.trouble = {6: Unavailable("503")}
    with pytest.raises(PluginError):
        await bench.reader.turn()
    assert (await bench.reader.standing()).remind_since is not None
    await bench.go_on()
    standing = await bench.reader.standing()
    assert (standing.under_way, standing.remind_since) == (False, None), "it has gone well"
