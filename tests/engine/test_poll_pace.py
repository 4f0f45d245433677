"""How soon orders are read: every two seconds while they come, as set while they do not, in virtual time."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import statistics
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import structlog
from structlog.testing import capture_logs

from olhubd.decide.order_rate import UsualRate
from olhubd.engine.access.budget import BudgetBook
from olhubd.engine.calls import Calls, OverdueCalls
from olhubd.engine.feed.limiter import Limiter
from olhubd.engine.feed.pace import LATELY, SOONEST, PollPace
from olhubd.engine.feed.poller import Poller
from olhubd.engine.feed.reading import ReadingContext
from olhubd.engine.feed.run_log import RunLog
from olhubd.engine.feed.schedule import FeedSchedule
from olhubd.engine.flow.landing import Landing
from olhubd.engine.lineage import Lineage
from olhubd.model import Reason
from olhubd.plugin import Budget, Cursor, Gate, Lane, OrderFeed, Page, Sweep
from olhubd.runtime.supervisor import Heartbeat
from olhubd.store import Database, orders
from olhubd_kit.virtual_clock import EPOCH, VirtualClock
from olhubd_torture.crash_points import CrashPoints
from olhubd_torture.loop import VirtualTimeLoop
from olhubd_torture.store import TortureDatabase
from tests.orders import order

SET = 20.0
WARSAW = ZoneInfo("Europe/Warsaw")
ROOMY = Budget(key="application", calls=9000, per=60.0)
LATE = LATELY.total_seconds()


def _now() -> float:
    return asyncio.get_running_loop().time()


class Journal(OrderFeed):
    """Orders that were placed, each with a number; `gate` is asked for each call."""

    def __init__(self, name: str, gate: Gate | None, clock: VirtualClock) -> None:
        self.clock = clock
        self.name_of_orders = name
        self.gate = gate
        self.placed = 0
        self.pulled: list[float] = []

    async def start(self, since: datetime | None) -> Cursor:
        return Cursor("0")

    async def pull(self, cursor: Cursor) -> Page:
        if self.gate is not None:
            await self.gate.acquire(Lane.ORDERS)
        try:
            self.pulled.append(_now())
            await asyncio.sleep(0.03)
        finally:
            if self.gate is not None:
                self.gate.release()
        until = self.placed
        moment = self.clock.now()
        records = [
            order(f"{self.name_of_orders}-{number}", placed_at=moment) for number in range(int(cursor), until)
        ]
        return Page(records=records, cursor=Cursor(str(until)))

    def since(self, moment: float, until: float = float("inf")) -> list[float]:
        """Seconds between pulls that were made in that time."""
        made = [at for at in self.pulled if moment <= at < until]
        return [after - before for before, after in itertools.pairwise(made)]


class SweptJournal(Journal, Sweep):
    """Also lists orders, among them one that its journal has not reported."""

    async def sweep(self, since: datetime, cursor: Cursor | None) -> Page:
        records = [order(f"{self.name_of_orders}-unheard", placed_at=self.clock.now())]
        return Page(records=records, cursor=Cursor(""))


class Stage:
    """Some accounts at one connector; `budget` is what they share."""

    journal: Callable[..., Journal] = Journal

    def __init__(self, database: Database, budget: Budget | None, accounts: int, adaptive: bool) -> None:
        self.clock, self.log, self.database = VirtualClock(), structlog.get_logger(), database
        self.budgets = BudgetBook(self.clock)
        self.gate = self.budgets.gate(budget) if budget is not None else None
        keys = {budget.key} if budget is not None else set()
        names = [f"market-{number}" for number in range(accounts)]
        self.feeds = [self.journal(name, self.gate, self.clock) for name in names]
        self.paces = [
            PollPace(name, SET, lambda: self.budgets.gates(keys), self.clock, self.log) if adaptive else None
            for name in names
        ]
        places = Limiter(places=4, patience=5.0)
        lines = list(zip(names, self.feeds, self.paces, strict=True))
        self.pollers = [self._poller(database, places, name, feed, pace) for name, feed, pace in lines]

    def _poller(
        self, database: Database, places: Limiter, name: str, feed: Journal, pace: PollPace | None
    ) -> Poller:
        async def lost(error: Exception) -> None:
            raise AssertionError(error)

        reading = ReadingContext(
            account=name,
            schedule=FeedSchedule(
                interval=timedelta(seconds=SET),
                sweep_interval=timedelta(hours=1),
                sweep_window=timedelta(days=3),
                start=None,
            ),
            calls=Calls(name, self.clock, self.log, OverdueCalls()),
            database=database,
            landing=Landing(database, self.clock, list, lambda targets: None),
            lineage=Lineage(self.clock),
            runs=RunLog(database, self.clock),
            sweeps=places,
            pulls=places,
            clock=self.clock,
            log=self.log,
            started_at=EPOCH,
            there=lambda: None,
            pace=pace,
        )
        return Poller(reading, [feed], None, lost=lost, recovered=lambda: None, displaced=lambda: None)

    def pace(self, number: int = 0) -> PollPace:
        found = self.paces[number]
        assert found is not None
        return found

    def learn(self, rates: Callable[[int], float]) -> None:
        """Tell all what each hour of the day usually brings, by the seller's clock."""
        usual = UsualRate(rates=tuple(rates(slot % 24) for slot in range(168)), spread=9.0, days=56, orders=9999)
        for number, poller in enumerate(self.pollers):
            self.pace(number).expect(usual, WARSAW, ())
            poller.expect_orders()


@contextlib.asynccontextmanager
async def _at_work(
    database: Database, budget: Budget | None, accounts: int, adaptive: bool
) -> AsyncIterator[Stage]:
    stage = Stage(database, budget, accounts, adaptive)
    tasks = [asyncio.create_task(one.run(Heartbeat("poller", stage.clock))) for one in stage.pollers]
    try:
        yield stage
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


Play = Callable[[Stage], Awaitable[None]]
Played = Callable[..., None]


@pytest.fixture
def played(tmp_path: Path) -> Played:
    def run(play: Play, budget: Budget | None = ROOMY, accounts: int = 1, adaptive: bool = True) -> None:
        async def main() -> None:
            async with (
                TortureDatabase.at(tmp_path, CrashPoints(lambda _what: None)) as database,
                _at_work(database, budget, accounts, adaptive) as stage,
            ):
                await asyncio.sleep(5)  # the first pull is over
                await play(stage)

        random.seed(11)
        with structlog.testing.capture_logs(), asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            runner.run(main())

    return run


def _spaced(gaps: list[float], seconds: float) -> None:
    assert gaps
    assert min(gaps) >= 0.9 * seconds - 0.06
    assert max(gaps) <= 1.1 * seconds + 0.2


def test_after_an_order_the_next_ones_are_read_within_two_seconds_until_none_has_come(played: Played) -> None:
    async def play(stage: Stage) -> None:
        feed = stage.feeds[0]
        _spaced([feed.pulled[-1] - feed.pulled[0]] if len(feed.pulled) > 1 else [SET], SET)
        feed.placed = 1
        await asyncio.sleep(1.2 * SET)
        begun = _now()
        assert (stage.pace().seconds, stage.pace().why.code) == (SOONEST, "poll.order-came")
        await asyncio.sleep(LATE - 2 * SET)
        _spaced(feed.since(begun), SOONEST)
        await asyncio.sleep(3 * SET)
        quiet = _now()
        assert (stage.pace().seconds, stage.pace().why.code) == (SET, "poll.quiet")
        await asyncio.sleep(20 * SET)
        _spaced(feed.since(quiet), SET)

    played(play)


def test_an_order_that_a_sweep_was_first_to_find_is_one_too(
    played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal has no news of it any more, and the next buyer comes all the same."""
    monkeypatch.setattr(Stage, "journal", SweptJournal)

    async def play(stage: Stage) -> None:
        assert (stage.pace().seconds, stage.pace().why.code) == (SET, "poll.quiet")
        while not await orders.count(stage.database.reader):
            await asyncio.sleep(0.1)
        begun = _now()
        assert (stage.pace().seconds, stage.pace().why.code) == (SOONEST, "poll.order-came")
        await asyncio.sleep(LATE - 2 * SET)
        assert min(at for at in stage.feeds[0].pulled if at >= begun) <= begun + 1.1 * SOONEST + 0.2
        _spaced(stage.feeds[0].since(begun), SOONEST)

    played(play)


def test_an_hour_that_usually_brings_orders_is_read_every_two_seconds_from_its_first_moment(played: Played) -> None:
    async def play(stage: Stage) -> None:
        start = stage.clock.now()
        hour = (start.astimezone(WARSAW).hour + 1) % 24
        stage.learn(lambda at: 30.0 if at == hour else 0.2)
        top = start.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        begins = _now() + (top - start).total_seconds()
        await asyncio.sleep(begins - _now() + 3600 + 600)
        feed = stage.feeds[0]
        _spaced(feed.since(0.0, begins - 2 * SET), SET)
        assert min(at for at in feed.pulled if at >= begins) - begins < 2 * SOONEST
        _spaced(feed.since(begins + 5, begins + 3590), SOONEST)
        _spaced(feed.since(begins + 3600 + SOONEST * 2), SET)

    played(play)


def test_what_is_learned_in_the_middle_of_a_pause_shortens_it(played: Played) -> None:
    async def play(stage: Stage) -> None:
        learned = _now()
        stage.learn(lambda at: 30.0)
        await asyncio.sleep(4 * SOONEST)
        assert len([at for at in stage.feeds[0].pulled if at > learned]) >= 3
        assert stage.pace().why.code == "poll.orders-come"

    played(play)


def test_accounts_of_one_key_share_a_quarter_of_its_calls_and_the_others_keep_theirs(played: Played) -> None:
    """Of the 541 calls a minute beyond what goes at once; two are counted for each pull."""
    tight, accounts = Budget(key="application", calls=600, per=60.0), 8

    async def play(stage: Stage) -> None:
        for feed in stage.feeds:
            feed.placed = 1
        with capture_logs() as told:
            await asyncio.sleep(3 * SET)
        held = [
            line for line in told if line["event"].startswith("orders come, and their account is read no sooner")
        ]
        assert {line["account"] for line in held} == {f"market-{number}" for number in range(accounts)}
        assert all(line["reason"].endswith("share the calls of application, or they are few") for line in held)
        begun = _now()
        apart = accounts * 2 / (541 / 60 / 4)
        assert SOONEST < apart < SET
        for number in range(accounts):
            pace = stage.pace(number)
            assert pace.seconds == pytest.approx(apart)
            assert pace.why == Reason("poll.shared", budget="application")
        with capture_logs() as told:
            await asyncio.sleep(300)
        assert told == [], "it is told once, not with each pull"
        for feed in stage.feeds:
            _spaced(feed.since(begun), apart)
        made = sum(len([at for at in feed.pulled if at >= begun]) for feed in stage.feeds)
        assert made * 2 <= 1.02 * 300 * 541 / 60 / 4
        await stage.pollers[0].fetch()
        for number in range(1, accounts):
            stage.pace(number).rest()
        await asyncio.sleep(apart * 1.2)
        assert stage.pace(0).seconds < apart  # whoever rests leaves its share

    played(play, tight, accounts)


def test_a_key_that_cannot_bear_it_is_asked_as_often_as_set(played: Played) -> None:
    async def play(stage: Stage) -> None:
        for feed in stage.feeds:
            feed.placed = 1
        await asyncio.sleep(2 * SET)
        begun = _now()
        await asyncio.sleep(10 * SET)
        for number, feed in enumerate(stage.feeds):
            _spaced(feed.since(begun), SET)
            assert (stage.pace(number).seconds, stage.pace(number).why.code) == (SET, "poll.shared")

    played(play, Budget(key="application", calls=60, per=60.0), 4)


@pytest.mark.parametrize("answer", ["refused", "late"])
def test_after_a_refusal_or_a_late_answer_nobody_asks_sooner_than_set(played: Played, answer: str) -> None:
    async def play(stage: Stage) -> None:
        feed = stage.feeds[0]
        feed.placed = 1
        await asyncio.sleep(1.2 * SET)
        assert stage.pace().seconds == SOONEST
        assert stage.gate is not None
        if answer == "refused":
            stage.gate.close(1.0)
            await asyncio.sleep(1.5)
            await stage.gate.acquire()
            stage.gate.opened()
            stage.gate.release()
        else:
            stage.gate.strained()
        await asyncio.sleep(2 * SOONEST)
        begun = _now()
        assert (stage.pace().seconds, stage.pace().why.code) == (SET, "poll.scarce")
        await asyncio.sleep(10 * SET)
        _spaced(feed.since(begun), SET)
        feed.placed = 2  # orders still come when it has healed
        await asyncio.sleep(600)
        assert stage.pace().seconds == SOONEST

    played(play)


def test_while_other_work_needs_the_calls_orders_are_read_as_set(played: Played) -> None:
    async def play(stage: Stage) -> None:
        gate = stage.gate
        assert gate is not None
        stage.feeds[0].placed = 1
        await asyncio.sleep(1.2 * SET)
        assert stage.pace().seconds == SOONEST

        async def work() -> None:
            while True:
                await gate.acquire(Lane.STOCK)
                gate.release()

        busy = asyncio.create_task(work())
        await asyncio.sleep(3 * SOONEST)
        begun = _now()
        assert (stage.pace().seconds, stage.pace().why.code) == (SET, "poll.scarce")
        await asyncio.sleep(5 * SET)
        _spaced(stage.feeds[0].since(begun), SET)
        busy.cancel()
        await asyncio.sleep(2 * SET)
        assert stage.pace().seconds == SOONEST

    played(play, Budget(key="application", calls=600, per=60.0))


def test_without_a_budget_no_call_is_made_beyond_what_is_set(played: Played) -> None:
    async def play(stage: Stage) -> None:
        feed = stage.feeds[0]
        feed.placed = 1
        await asyncio.sleep(10 * SET)
        _spaced(feed.since(0.0), SET)
        assert (stage.pace().seconds, stage.pace().why.code) == (SET, "poll.no-budget")

    played(play, None)


def test_an_interval_that_is_fixed_stays_so_while_orders_come(played: Played) -> None:
    async def play(stage: Stage) -> None:
        feed = stage.feeds[0]
        for _ in range(10):
            feed.placed += 1
            await asyncio.sleep(SET)
        _spaced(feed.since(0.0), SET)

    played(play, adaptive=False)


def test_half_of_the_orders_are_read_within_a_second_or_so_of_their_purchase(played: Played) -> None:
    """The first one waits for the interval that is set, all that follow for two seconds."""

    async def play(stage: Stage) -> None:
        feed, waits = stage.feeds[0], []
        for _ in range(100):
            await asyncio.sleep(random.uniform(5, 60))
            bought, made = _now(), len(feed.pulled)
            feed.placed += 1
            while len(feed.pulled) == made:
                await asyncio.sleep(0.05)
            waits.append(feed.pulled[-1] - bought)
        assert statistics.median(waits) < 1.3
        assert max(waits[1:]) < 1.1 * SOONEST + 0.2

    played(play)
