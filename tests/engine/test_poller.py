"""One account's reading: the journal, what is read again, the sweep, and what fails."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import structlog

from olhubd.engine.calls import Calls, OverdueCalls
from olhubd.engine.feed.limiter import Limiter
from olhubd.engine.feed.poller import FetchRefused, Poller
from olhubd.engine.feed.reading import ReadingContext
from olhubd.engine.feed.run_log import RunLog
from olhubd.engine.feed.schedule import FeedSchedule
from olhubd.engine.flow.landing import Landing
from olhubd.engine.lineage import Lineage
from olhubd.model import Fulfilment, Kind, Order, Run, RunState
from olhubd.plugin import (
    AuthLost,
    ContractBroken,
    Cursor,
    Feed,
    Later,
    OrderFeed,
    OrderLookup,
    Page,
    PluginError,
    RateLimited,
    Record,
    Rejected,
    Sweep,
    Unavailable,
    Unreadable,
)
from olhubd.runtime.clock import SystemClock
from olhubd.runtime.supervisor import Heartbeat
from olhubd.store import Database, StoreError, Transaction, feeds, orders, reread_queue, runs
from tests.orders import EPOCH, order
from tests.waiting import until


class Market(OrderFeed, Sweep, OrderLookup):
    """A journal in memory: the cursor is how many of its records were told."""

    def __init__(self) -> None:
        self.journal: list[Record] = []
        self.all: dict[str, Record] = {}
        self.page = 2
        self.trouble: list[Callable[[], Page | None]] = []
        self.pulls = 0
        self.sweeps: list[datetime] = []
        self.hang = False
        self.read: list[str] = []
        self.odd: dict[str, Callable[[], Record]] = {}
        self.cut: int | None = None

    def place(self, *placed: Order, told: bool = True) -> None:
        for one in placed:
            self.all[one.external_id] = one
            if told:
                self.journal.append(one)

    async def start(self, since: datetime | None) -> Cursor:
        return Cursor(str(len(self.journal)))

    async def pull(self, cursor: Cursor) -> Page:
        self.pulls += 1
        if self.hang:
            await asyncio.sleep(60)
        if self.trouble:
            page = self.trouble.pop(0)()
            if page is not None:
                return page
        at = int(cursor)
        records = self.journal[at : at + self.page]
        end = at + len(records)
        return Page(records=records, cursor=Cursor(str(end)), more=end < len(self.journal))

    async def sweep(self, since: datetime, cursor: Cursor | None) -> Page:
        if cursor is None:
            self.sweeps.append(since)
        if self.cut is not None:
            if self.cut == 0:
                self.cut = None
                await asyncio.sleep(60)
            else:
                self.cut -= 1
        at = int(cursor or 0)
        records = list(self.all.values())[at : at + 2]
        end = at + len(records)
        return Page(records=records, cursor=Cursor(str(end)), more=end < len(self.all))

    async def read_order(self, external_id: str) -> Record:
        self.read.append(external_id)
        if external_id in self.odd:
            return self.odd[external_id]()
        return self.all[external_id]


class Slow(SystemClock):
    """Time passes faster than the loop's."""

    passed = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.passed


class Bench:
    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = Slow()
        self.market = Market()
        self.others: list[Feed] = []
        self.lost: list[PluginError] = []
        self.displaced = asyncio.Event()
        self.runs = RunLog(database, self.clock)
        self.landing = Landing(database, self.clock, list, lambda targets: None)
        self.sweeps = Limiter(places=4, patience=5.0)
        self.pulls = Limiter(places=4, patience=5.0)
        self.name = "allegro"
        self.there: datetime | None = None
        self.divided = False
        self.began = EPOCH
        self.lineage: Lineage
        self.poller: Poller
        self.pulse: Heartbeat
        self.task: asyncio.Task[None] | None = None

    def start(self, begin: datetime | None = None, **schedule: Any) -> None:
        keys: dict[str, Any] = {
            "interval": timedelta(seconds=0.03),
            "sweep_interval": timedelta(hours=1),
            "sweep_window": timedelta(days=3),
            "start": begin,
            "page_limit": 1.0,
            **schedule,
        }
        self.lineage = Lineage(self.clock)
        reading = ReadingContext(
            account=self.name,
            schedule=FeedSchedule(**keys),
            calls=Calls(self.name, self.clock, structlog.get_logger(), OverdueCalls()),
            database=self.database,
            landing=self.landing,
            lineage=self.lineage,
            runs=self.runs,
            sweeps=self.sweeps,
            pulls=self.pulls,
            clock=self.clock,
            log=structlog.get_logger(),
            started_at=self.began,
            there=lambda: self.there,
            divided=lambda: self.divided,
        )
        feeds = [self.market, *self.others]
        self.poller = Poller(
            reading, feeds, self.market, lost=self._lose, recovered=lambda: None, displaced=self.displaced.set
        )
        self.pulse = Heartbeat("poller", self.clock)
        self.task = asyncio.create_task(self.poller.run(self.pulse))

    async def _lose(self, error: PluginError) -> None:
        self.lost.append(error)

    async def stop(self) -> None:
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
            self.task = None

    async def names(self) -> list[str]:
        return sorted(row.external_id for row in await orders.listing(self.database.reader, limit=500))

    async def until(self, *names: str) -> None:
        async def there() -> bool:
            return await self.names() == sorted(names)

        await until(there, what=f"orders {sorted(names)}", stands=self.names, within=10, pause=0.01)

    async def begun(self) -> None:
        """Where it begins is stored, and its first round is over: what comes from now on is new to it."""

        async def over() -> bool:
            return await self.cursor() is not None and self.poller.next_run is not None

        await self.sooner_or_later(over)

    async def sooner_or_later(self, wanted: Callable[[], Awaitable[Any]]) -> None:
        await until(wanted, within=10, pause=0.01)

    async def cursor(self) -> str | None:
        position = await feeds.get(self.database.reader, "allegro", "orders")
        return position.cursor if position else None

    async def logged(self, feed: str = "orders") -> list[Run]:
        await self.runs.flush()
        return [run for run in await runs.listing(self.database.reader, limit=500) if run.feed == feed]


@pytest.fixture
async def bench(database: Database) -> AsyncIterator[Bench]:
    made = Bench(database)
    with structlog.testing.capture_logs():
        yield made
        await made.stop()


async def test_news_land_page_by_page(bench: Bench) -> None:
    bench.start()
    await bench.begun()
    bench.market.place(*(order(str(i)) for i in range(5)))
    await bench.until("0", "1", "2", "3", "4")
    assert await bench.cursor() == "5"


async def test_a_good_run_whose_end_cannot_be_stored_is_still_a_good_run(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Part of LOG-02. A disk that fills once all has landed: counted once, and not as failed."""
    bench.market.place(order("0"), told=False)
    bench.start()
    await bench.begun()
    full = True

    class Full:
        async def next_id(self, table: str) -> int:
            return await bench.database.next_id(table)

        async def write(self, work: Any) -> Any:
            if full:
                raise sqlite3.OperationalError("database or disk is full")
            return await bench.database.write(work)

    monkeypatch.setattr(bench.runs, "_database", Full())
    before = bench.runs.totals["allegro", "orders"].runs
    pulls = bench.market.pulls
    bench.market.place(order("1"))
    assert bench.task is not None
    with pytest.raises(sqlite3.OperationalError):
        await asyncio.wait_for(bench.task, 10)
    totals = bench.runs.totals["allegro", "orders"]
    assert (totals.runs - before, totals.failed, totals.added) == (bench.market.pulls - pulls, 0, 1)
    full = False
    (run,) = [run for run in await bench.logged() if run.added]
    assert (run.state, run.error) == (RunState.DONE, None)


async def test_start_now_brings_no_old_orders(bench: Bench) -> None:
    """Quirk 3: a newcomer's first run must not create weeks of orders."""
    bench.market.place(order("old"))
    bench.start()
    await bench.begun()
    bench.market.place(order("new"))
    await bench.until("new")


async def test_start_in_the_past_sweeps_first(bench: Bench) -> None:
    bench.market.place(order("a"), order("b"), order("c"))
    bench.start(begin=EPOCH - timedelta(days=1))
    await bench.until("a", "b", "c")
    assert bench.market.sweeps == [EPOCH - timedelta(days=1)]
    (run,) = await bench.logged("orders.sweep")
    assert (run.added, run.missed) == (3, 0)


@pytest.mark.parametrize("divided", [True, False])
async def test_where_pieces_are_divided_one_sweep_follows_the_first_reading(bench: Bench, divided: bool) -> None:
    """Nothing that is divided is raised before, and the next one may be an hour away."""
    bench.divided = divided
    bench.start()
    await bench.begun()
    pulls = bench.market.pulls

    async def several() -> bool:
        return bench.market.pulls > pulls + 5

    await bench.sooner_or_later(several)
    assert len(bench.market.sweeps) == int(divided)
    await bench.stop()
    bench.start()
    pulls = bench.market.pulls
    await bench.sooner_or_later(several)
    assert len(bench.market.sweeps) == 2 * int(divided), "each process has to know it anew"


@pytest.mark.parametrize("how", ["a circle", "a place that leads no further"])
async def test_a_sweep_that_is_cut_short_is_begun_again_from_the_same_moment(bench: Bench, how: str) -> None:
    """Else all that is older than the usual window would never be read, and the import would count as done."""
    start = bench.clock.now() - timedelta(days=300)
    bench.market.place(*(order(str(i)) for i in range(5)), told=False)
    whole, asked = bench.market.sweep, 0

    async def cut_short(since: datetime, cursor: Cursor | None) -> Page:
        nonlocal asked
        asked += 1
        page = await whole(since, cursor)
        if asked != 2:
            return page
        if how == "a circle":
            return Page(records=[], cursor=Cursor("0"), more=True)
        return Page(records=[], cursor=Cursor(""), failure=Unavailable("changes too fast"))

    bench.market.sweep = cut_short  # type: ignore[method-assign]
    bench.start(begin=start, sweep_interval=timedelta(seconds=0.05))
    await bench.until("0", "1", "2", "3", "4")
    assert bench.market.sweeps[:2] == [start, start]

    async def done() -> bool:
        return any(run.state is RunState.DONE for run in await bench.logged("orders.sweep"))

    await bench.sooner_or_later(done)
    runs = sorted(await bench.logged("orders.sweep"), key=lambda run: run.id)
    assert [(run.trigger, run.state) for run in runs[:2]] == [("start", RunState.FAILED), ("start", RunState.DONE)]


async def test_an_import_begins_whenever_the_process_is_killed_at_its_beginning(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the feed goes on and where the first sweep begins are stored together: after either alone the import
    of a start in the past would never be made up for."""
    start = bench.clock.now() - timedelta(days=300)
    bench.market.place(order("a"), order("b"), told=False)
    write, written = bench.database.write, 0

    async def killed_after_one(work: Any) -> Any:
        nonlocal written
        if written:
            await asyncio.Event().wait()  # nothing is written any more
        result = await write(work)
        written += 1
        return result

    monkeypatch.setattr(bench.database, "write", killed_after_one)
    bench.start(begin=start)

    async def begun() -> bool:
        return await bench.cursor() is not None

    await bench.sooner_or_later(begun)
    await bench.stop()
    monkeypatch.undo()
    bench.market.sweeps.clear()
    bench.start(begin=start)
    await bench.until("a", "b")
    assert bench.market.sweeps == [start]


async def test_doubts_are_not_settled_before_a_long_feed_was_read_to_its_end(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A turn ends after so many pages, and the orders behind them may be older than this process."""
    monkeypatch.setattr("olhubd.engine.feed.reader.PAGES", 2)
    bench.start()
    await bench.begun()
    await bench.stop()
    settled: list[bool] = []

    def looked_at() -> None:
        settled.append(bench.lineage.settled("allegro"))

    bench.market.trouble = [looked_at] * 5
    bench.market.place(*(order(str(i)) for i in range(10)))
    bench.start()
    await bench.until(*map(str, range(10)))
    assert settled == [False] * 5

    async def over() -> bool:
        return bench.lineage.settled("allegro")

    await bench.sooner_or_later(over)


async def test_it_goes_on_where_it_stopped(bench: Bench) -> None:
    """ACC-08: orders placed while it was off arrive exactly once."""
    bench.start()
    bench.market.page = 1
    await bench.begun()
    bench.market.place(order("a"))
    await bench.until("a")
    await bench.stop()
    bench.market.place(order("b"), order("c"))
    bench.start()
    await bench.until("a", "b", "c")

    async def told() -> bool:
        return sum(run.added for run in await bench.logged()) == 3

    await bench.sooner_or_later(told)


async def test_a_short_page_lands_its_part_and_is_asked_for_again(bench: Bench) -> None:
    """Invariant 1: the cursor covers the contiguous prefix that landed, nothing more."""
    bench.start()
    await bench.begun()

    def torn() -> Page:
        return Page(records=[order("a")], cursor=Cursor("1"), failure=Unavailable("503"))

    bench.market.trouble = [torn]
    bench.market.place(order("a"), order("b"))
    await bench.until("a", "b")
    failed = [run for run in await bench.logged() if run.error]
    assert [run.error for run in failed] == ["503"]
    assert failed[0].added == 1


@pytest.mark.parametrize("error", [Unavailable("down"), RateLimited("slow", retry_after=0.05), ZeroDivisionError()])
async def test_failures_lose_nothing(bench: Bench, error: Exception) -> None:
    def fail() -> Page:
        raise error

    bench.market.trouble = [fail, fail]
    bench.start()
    await bench.begun()
    bench.market.place(order("a"))
    await bench.until("a")
    errors = [run.error for run in await bench.logged() if run.error]
    assert len(errors) == 2
    assert "down" in errors or "slow" in errors or "the connector failed: ZeroDivisionError" in errors


async def test_a_hanging_server_does_not_stop_the_loop(bench: Bench) -> None:
    """Invariant 13: no call without a time limit."""
    bench.market.hang = True
    bench.start(page_limit=0.05)
    async with asyncio.timeout(5):
        while bench.market.pulls < 2:
            await asyncio.sleep(0.01)
    bench.market.hang = False
    bench.market.place(order("a"))
    await bench.until("a")


async def test_a_lost_grant_stops_asking(bench: Bench) -> None:
    """ACC-19: parked until somebody signs in; then it goes on."""

    def refuse() -> Page:
        raise AuthLost("token refused")

    bench.market.trouble = [refuse]
    bench.start()
    async with asyncio.timeout(5):
        while not bench.lost:
            await asyncio.sleep(0.01)
    asked = bench.market.pulls
    await asyncio.sleep(0.1)
    assert bench.market.pulls == asked
    bench.market.place(order("a"))
    bench.poller.resume()
    await bench.until("a")


async def test_the_sweep_finds_and_counts_what_the_journal_missed(bench: Bench) -> None:
    """Pitfall 1: the journal is a hint; what only the sweep finds is counted."""
    bench.start(sweep_interval=timedelta(seconds=0.05))
    await bench.begun()
    bench.market.place(order("a"), order("b"), order("c"), told=False)
    await bench.until("a", "b", "c")

    async def counted() -> bool:
        return sum(run.missed for run in await bench.logged("orders.sweep")) == 3

    await bench.sooner_or_later(counted)


async def test_an_order_that_a_sweep_meets_before_the_next_pull_was_not_missed(bench: Bench) -> None:
    """However many old ones it reads beside it."""
    bench.start(sweep_interval=timedelta(seconds=0.3))
    await bench.begun()
    bench.market.place(order("old"))
    await bench.until("old")
    bench.market.place(order("new", placed_at=bench.clock.now()), told=False)
    await bench.until("old", "new")

    async def found() -> list[int]:
        return [run.missed for run in await bench.logged("orders.sweep") if run.added]

    await bench.sooner_or_later(found)
    assert await found() == [0]


async def test_what_is_not_ready_is_read_again(bench: Bench) -> None:
    bench.start()
    await bench.begun()
    bench.market.all["a"] = order("a")
    bench.market.journal.append(Later(external_id="a", seconds=0.05, reason="not ready"))
    await bench.until("a")
    pulls = bench.market.pulls

    async def looked_again() -> bool:
        return bench.market.pulls >= pulls + 3

    await bench.sooner_or_later(looked_again)
    assert bench.market.read == ["a"]


async def wish(bench: Bench, *names: str) -> None:
    """Let orders wait to be read again, in this order."""
    wishes = [
        reread_queue.RereadRequest(
            kind=Kind.ORDER, external_id=name, due_at=EPOCH + timedelta(seconds=i), reason="test"
        )
        for i, name in enumerate(names)
    ]

    async def work(tx: Transaction) -> None:
        await reread_queue.put(tx, "allegro", wishes)

    await bench.database.write(work)


async def waiting(bench: Bench) -> dict[str, int]:
    """What waits to be read again, with how often it was tried."""
    found = await reread_queue.due(bench.database.reader, "allegro", Kind.ORDER, EPOCH + timedelta(days=36500))
    return {wish.external_id: wish.tries for wish in found}


async def test_an_order_that_cannot_be_read_is_in_nobodys_way(bench: Bench) -> None:
    """Not the others that wait, not the sweep, and not for ever."""

    def refused() -> Record:
        raise Rejected("422")

    bench.market.odd["a"] = refused
    bench.market.odd["b"] = lambda: Unreadable(external_id="b", reason="no such field", raw=b"{}")
    bench.market.all["c"] = order("c")
    await wish(bench, "a", "b", "c")
    bench.start()
    async with asyncio.timeout(5):
        while await waiting(bench) != {"a": 1}:
            await asyncio.sleep(0.01)
    assert await bench.names() == ["c"]
    assert bench.market.read == ["a", "b", "c"]

    await bench.stop()  # or it would be read, and put off, between two of these
    for _ in range(10):
        await wish(bench, "a")
    bench.start()
    async with asyncio.timeout(10):
        while await waiting(bench):
            await asyncio.sleep(0.01)


async def test_a_failure_at_one_of_them_keeps_what_was_read(bench: Bench) -> None:
    trouble = [Unavailable("503")]

    def fails_once() -> Record:
        if trouble:
            raise trouble.pop()
        return order("b")

    bench.market.all["a"] = order("a")
    bench.market.odd["b"] = fails_once
    bench.market.all["c"] = order("c")
    await wish(bench, "a", "b", "c")
    bench.start()
    await bench.until("a", "c")
    async with asyncio.timeout(5):
        while await waiting(bench) != {"b": 1}:
            await asyncio.sleep(0.01)
    async with asyncio.timeout(5):
        while "503" not in [run.error for run in await bench.logged("orders.again")]:
            await asyncio.sleep(0.01)


async def test_a_journal_that_is_broken_for_good_leaves_the_sweep(bench: Bench) -> None:
    """The second way is there for the day the first one is closed."""

    def broken() -> Page:
        raise ContractBroken("unexpected answer")

    bench.market.place(order("a"), order("b"), order("c"), told=False)
    bench.market.trouble = [broken] * 500
    bench.start(sweep_interval=timedelta(0))
    await bench.until("a", "b", "c")


async def test_whoever_asked_is_told_when_the_connector_breaks(bench: Bench) -> None:
    def fault() -> Page:
        raise KeyError("id")

    bench.start(interval=timedelta(hours=1))
    await bench.begun()
    bench.market.trouble = [fault]
    with pytest.raises(PluginError):
        await asyncio.wait_for(bench.poller.fetch(), 5)


async def test_an_import_that_was_interrupted_is_no_failure_of_the_journal(bench: Bench) -> None:
    bench.market.place(*(order(str(i), placed_at=EPOCH) for i in range(6)), told=False)
    bench.market.cut = 1
    bench.start(begin=EPOCH - timedelta(days=1))
    async with asyncio.timeout(5):
        while len(await bench.names()) < 2:
            await asyncio.sleep(0.01)
    await bench.stop()
    bench.start(begin=EPOCH - timedelta(days=1))
    await bench.until(*map(str, range(6)))
    await asyncio.sleep(0.05)
    assert sum(run.missed for run in await bench.logged("orders.sweep")) == 0


async def test_a_sweep_reaches_back_to_the_last_one_and_waits_for_no_wrong_clock(bench: Bench) -> None:
    """After a long absence no gap is left; what a clock planned that was years ahead is due."""
    now = bench.clock.now()
    long_ago = now - timedelta(days=30)

    async def was_away(tx: Transaction) -> None:
        for feed, due in (("orders", None), ("orders.sweep", now + timedelta(days=1500))):
            cursor = "0" if due is None else None
            await feeds.put(
                tx, feeds.FeedPosition(account="allegro", feed=feed, cursor=cursor, moved_at=long_ago, due_at=due)
            )

    await bench.database.write(was_away)
    bench.start()
    async with asyncio.timeout(5):
        while not bench.market.sweeps:
            await asyncio.sleep(0.01)
    assert bench.market.sweeps == [long_ago - timedelta(hours=1)]


async def test_pages_are_read_by_few_accounts_at_a_time(database: Database) -> None:
    """Each is up to a hundred orders in memory, and after an absence or an outage all accounts read at once."""
    sweeps, pulls = Limiter(places=2, patience=5.0), Limiter(places=3, patience=5.0)
    under_way = {"sweep": 0, "pull": 0}
    most = dict(under_way)

    @contextlib.asynccontextmanager
    async def counted(kind: str) -> AsyncIterator[None]:
        under_way[kind] += 1
        most[kind] = max(most[kind], under_way[kind])
        try:
            await asyncio.sleep(0.01)
            yield
        finally:
            under_way[kind] -= 1  # also of one that is broken off at the end

    class Counted(Market):
        async def sweep(self, since: datetime, cursor: Cursor | None) -> Page:
            async with counted("sweep"):
                return await super().sweep(since, cursor)

        async def pull(self, cursor: Cursor) -> Page:
            async with counted("pull"):
                return await super().pull(cursor)

    benches = []
    for number in range(8):
        benches.append(bench := Bench(database))
        bench.name, bench.sweeps, bench.pulls, bench.market = f"allegro-{number}", sweeps, pulls, Counted()
        bench.market.place(*(order(f"{number}-{i}", placed_at=EPOCH) for i in range(5)), told=False)
        bench.start(begin=EPOCH - timedelta(days=1))
    try:
        await benches[0].until(*(f"{number}-{i}" for number in range(8) for i in range(5)))
    finally:
        for bench in benches:
            await bench.stop()
    assert most == {"sweep": 2, "pull": 3}


async def test_news_wait_a_moment_for_others_and_then_no_longer(bench: Bench) -> None:
    """Those who read may hang."""
    bench.pulls = Limiter(places=1, patience=0.01)
    async with bench.pulls.one():
        bench.start()
        await bench.begun()
        bench.market.place(order("news"))
        await bench.until("news")


async def test_a_sweep_that_finds_no_place_does_not_keep_news_waiting(bench: Bench) -> None:
    """Others at their sweep may hang; it is made up for when they are through, and tried once a pull till then."""
    tries = 0

    class Counted(Limiter):
        @contextlib.asynccontextmanager
        async def one(self) -> AsyncIterator[bool]:
            nonlocal tries
            tries += 1
            async with super().one() as mine:
                yield mine

    bench.sweeps = sweeps = Counted(places=1, patience=0.0)
    async with sweeps.one():
        bench.start(sweep_interval=timedelta(0))
        await bench.begun()
        bench.market.place(order("news"))
        bench.market.place(order("untold"), told=False)
        await bench.until("news")
        assert bench.market.sweeps == []
        assert tries - 1 <= bench.market.pulls
    await bench.until("news", "untold")


async def test_many_pages_do_not_make_it_look_stuck(bench: Bench) -> None:
    """Readiness and the watchdog go by the pulse, and catching up may take long."""
    bench.clock = slow = Slow()
    bench.market.page = 1
    bench.start()
    await bench.begun()
    bench.market.place(*(order(str(i)) for i in range(20)))
    late: list[float] = []

    def page() -> None:
        slow.passed += 1.5
        late.append(bench.pulse.overdue())

    bench.market.trouble = [page] * 20
    await bench.until(*map(str, range(20)))
    assert late == [0.0] * 20


async def test_fetching_by_hand_joins_a_run_and_does_not_move_the_timer(bench: Bench) -> None:
    """MAN-10."""
    bench.start(interval=timedelta(hours=1))
    await bench.begun()
    bench.market.place(order("a"))
    first, second = await asyncio.gather(bench.poller.fetch(), bench.poller.fetch())
    assert first.id == second.id
    assert (first.trigger, first.added) == ("manual", 1)
    assert bench.poller.next_run is not None
    assert bench.poller.next_run - bench.clock.now() > timedelta(minutes=50)


async def test_fetching_by_hand_leaves_the_timer_where_it_was(bench: Bench) -> None:
    """IMP-03: asked for in the middle of the hour, and the next one by the timer is due when it was."""
    bench.start(interval=timedelta(hours=1))
    await bench.begun()
    was = bench.poller.next_run
    assert was is not None
    bench.clock.passed = 1800.0
    assert (await bench.poller.fetch()).trigger == "manual"

    async def where_it_was() -> bool:
        assert was is not None
        assert bench.poller.next_run is not None
        left, planned = bench.poller.next_run - bench.clock.now(), was - bench.clock.now()
        return planned - timedelta(minutes=31) < left < planned - timedelta(minutes=29)

    await bench.sooner_or_later(where_it_was)


async def test_a_run_that_failed_keeps_its_error(bench: Bench) -> None:
    """LOG-04."""

    def broken() -> Page:
        raise Unavailable("the market is on fire")

    bench.start()
    await bench.begun()
    bench.market.trouble = [broken]
    bench.market.place(order("a"))
    await bench.until("a")
    await bench.stop()
    (failed,) = [run for run in await bench.logged() if run.state is RunState.FAILED]
    assert failed.error == "the market is on fire"


async def test_fetching_by_hand_is_limited_where_the_system_says_so(bench: Bench) -> None:
    """MAN-02. Part of MAN-01: the fourth within an hour is refused and says when; the timer does not count."""
    bench.start(interval=timedelta(seconds=0.02), manual_per_hour=3)
    for _ in range(3):
        await bench.poller.fetch()
    with pytest.raises(FetchRefused) as refused:
        await bench.poller.fetch()
    assert timedelta(minutes=59) < refused.value.again_at - bench.clock.now() <= timedelta(hours=1)


async def test_quiet_runs_share_a_row(bench: Bench) -> None:
    """LOG-02, LOG-03: every run is in the log, also those that found nothing."""
    bench.start()
    async with asyncio.timeout(5):
        while bench.market.pulls < 6:
            await asyncio.sleep(0.01)
    await bench.stop()
    logged = await bench.logged()
    assert sum(run.polls for run in logged) >= 5
    assert len(logged) < 3


@pytest.mark.parametrize("behind", [0.0, 180.0, 7200.0])
async def test_what_comes_just_after_the_beginning_is_wanted_whatever_clock_the_source_has(
    bench: Bench, behind: float
) -> None:
    """The source's clock is behind ours: what is bought now was placed, it says, before the account began."""
    begun = bench.clock.now()
    bench.began = begun
    bench.there = begun - timedelta(seconds=behind) if behind > 300 else None
    its_now = begun - timedelta(seconds=behind)
    bench.start()
    await bench.begun()
    bench.market.place(order("new", placed_at=(its_now + timedelta(seconds=2)).replace(microsecond=0)))
    bench.market.place(order("old", placed_at=its_now - timedelta(hours=1)))
    await bench.until("new")
    await bench.stop()
    bench.market.place(order("newer", placed_at=its_now + timedelta(seconds=60)))
    bench.there = None
    bench.start()
    await bench.until("new", "newer")


async def test_a_sweep_brings_nothing_from_before_the_beginning(bench: Bench) -> None:
    """What the feed tells is new by its own mark; a sweep has none, and goes by the moment of the start."""
    bench.began = bench.clock.now()
    bench.market.place(order("old", placed_at=bench.began - timedelta(seconds=100)), told=False)
    bench.market.place(order("new", placed_at=bench.began + timedelta(seconds=1)), told=False)
    bench.start(sweep_interval=timedelta(seconds=0.05))
    await bench.until("new")
    assert len(bench.market.sweeps) >= 1


@pytest.mark.parametrize("error", [RateLimited("slow", retry_after=1800.0), Unavailable("503", retry_after=1800.0)])
async def test_a_feed_that_says_for_how_long_is_left_alone_for_so_long(bench: Bench, error: PluginError) -> None:
    """Whoever asks again earlier is shut out for longer; and it asks again when the time is over."""
    clock = Slow()
    bench.clock = clock

    def fail() -> Page:
        raise error

    bench.market.trouble = [fail]
    bench.start(sweep_interval=timedelta(hours=10))
    async with asyncio.timeout(5):
        while bench.market.pulls < 1 or bench.poller.trouble is None:
            await asyncio.sleep(0.01)
    for passed in (60.0, 900.0, 1700.0):
        clock.passed = passed
        bench.poller.look_up()  # something else to do wakes it
        await asyncio.sleep(0.05)
        assert bench.market.pulls == 1
    clock.passed = 1801.0
    bench.poller.look_up()
    async with asyncio.timeout(5):
        while bench.market.pulls < 2:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("how", ["raised", "in a page"])
async def test_what_a_feed_asked_for_outlives_a_full_disk(
    bench: Bench, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of the failed run cannot be stored, and the reader begins again: no sooner than it was told to."""
    error = RateLimited("slow", retry_after=1800.0)
    bench.start(sweep_interval=timedelta(seconds=0.05))
    await bench.begun()

    def fail() -> Page | None:
        if how == "raised":
            raise error
        return Page(records=(), cursor=Cursor("0"), failure=error)

    really = bench.runs.end

    async def end(*run: Any) -> Any:
        if not bench.market.trouble:
            raise sqlite3.OperationalError("database or disk is full")
        return await really(*run)

    bench.market.trouble = [fail]
    monkeypatch.setattr(bench.runs, "end", end)
    assert bench.task is not None
    with pytest.raises(sqlite3.OperationalError):
        await asyncio.wait_for(bench.task, 10)
    monkeypatch.undo()
    pulls, sweeps = bench.market.pulls, len(bench.market.sweeps)
    bench.task = asyncio.create_task(bench.poller.run(bench.pulse))
    await asyncio.sleep(0.2)
    assert (bench.market.pulls, len(bench.market.sweeps)) == (pulls, sweeps)
    bench.clock.passed = 1801.0
    bench.poller.look_up()
    async with asyncio.timeout(5):
        while bench.market.pulls == pulls:
            await asyncio.sleep(0.01)


async def test_a_wish_outlives_a_landing_that_fails(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forgotten before it has landed, an order that was announced would be asked for by nobody."""
    bench.market.all["a"] = order("a")
    await wish(bench, "a")
    land, failed = Landing.land, list[str]()

    async def fails_once(self: Landing, account: str, records: Any, *, run: Run, **more: Any) -> Any:
        if run.feed == "orders.again" and not failed:
            failed.append(account)
            raise StoreError("the disk is full")
        return await land(self, account, records, run=run, **more)

    monkeypatch.setattr(Landing, "land", fails_once)
    bench.start()
    assert bench.task is not None
    with pytest.raises(StoreError):
        await asyncio.wait_for(bench.task, 10)
    assert await waiting(bench) == {"a": 0}
    bench.start()
    await bench.until("a")

    async def met() -> bool:
        return not await waiting(bench)

    await bench.sooner_or_later(met)


async def test_an_edit_that_moves_no_date_is_found_in_turn(bench: Bench) -> None:
    """A quantity changed days later and the date of change did not: neither feed nor sweep tells it."""
    now = bench.clock.now()
    names = [f"{number:02}" for number in range(25)]  # more than are looked at after one sweep
    bench.start(begin=now - timedelta(days=40))
    await bench.begun()
    bench.market.place(*(order(name, placed_at=now - timedelta(days=10, minutes=int(name))) for name in names))
    bench.market.place(order("sent", placed_at=now - timedelta(days=10), fulfilment=Fulfilment.SENT))
    bench.market.place(order("ancient", placed_at=now - timedelta(days=39)))
    await bench.until(*names, "sent", "ancient")
    await bench.stop()
    edited = {name: order(name, placed_at=now - timedelta(days=10), number=f"new {name}") for name in names}
    bench.market.all.update(edited)
    bench.market.read.clear()
    # Sweeps look back for three days, so they tell none of these.
    bench.market.sweep = nothing  # type: ignore[method-assign]
    bench.start(begin=now - timedelta(days=40), sweep_interval=timedelta(seconds=0.05))

    async def all_read() -> bool:
        rows = await orders.listing(bench.database.reader, limit=500)
        return {row.number for row in rows} >= {one.number for one in edited.values()}

    await bench.sooner_or_later(all_read)
    # And from the first on once more, when all were looked at.
    edited = {name: order(name, placed_at=now - timedelta(days=10), number=f"newer {name}") for name in names}
    bench.market.all.update(edited)
    await bench.sooner_or_later(all_read)
    assert not {"sent", "ancient"} & set(bench.market.read)


async def nothing(since: datetime, cursor: Cursor | None) -> Page:
    return Page(records=[], cursor=Cursor("end"))


async def test_an_order_whose_source_is_down_is_not_given_up(bench: Bench) -> None:
    """However often it was tried: that the source does not answer tells nothing of this order."""
    trouble = [Unavailable("503")]

    def fails_once() -> Record:
        if trouble:
            raise trouble.pop()
        return order("a")

    bench.market.odd["a"] = fails_once
    for _ in range(11):
        await wish(bench, "a")
    assert await waiting(bench) == {"a": 10}
    bench.start()

    async def failed() -> bool:
        return "503" in [run.error for run in await bench.logged("orders.again")]

    await bench.sooner_or_later(failed)
    assert await waiting(bench) == {"a": 11}
    await wish(bench, "a")
    bench.poller.look_up()
    await bench.until("a")


async def test_a_wish_that_comes_while_its_order_is_read_is_met_by_another_reading(bench: Bench) -> None:
    """Who asks then asks for what may have happened since that reading began."""
    asked: list[asyncio.Task[None]] = []

    async def ask_again() -> None:
        at = EPOCH + timedelta(days=1)
        again = reread_queue.RereadRequest(
            kind=Kind.ORDER, external_id="a", due_at=at, reason="asked for by a person"
        )
        await bench.database.write(lambda tx: reread_queue.put(tx, "allegro", [again]))
        bench.poller.look_up()

    def read() -> Record:
        if not asked:
            asked.append(asyncio.create_task(ask_again()))
        return order("a")

    bench.market.odd["a"] = read
    await wish(bench, "a")
    bench.start()

    async def read_twice() -> bool:
        return bench.market.read == ["a", "a"]

    await bench.sooner_or_later(read_twice)
