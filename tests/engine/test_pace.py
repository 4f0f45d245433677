"""How often accounts that have nothing to do are read, in virtual time and on the real store."""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import structlog

from olhubd.engine.calls import Calls, OverdueCalls
from olhubd.engine.feed.limiter import Limiter
from olhubd.engine.feed.poller import Poller
from olhubd.engine.feed.reading import ReadingContext
from olhubd.engine.feed.run_log import RunLog
from olhubd.engine.feed.schedule import FeedSchedule
from olhubd.engine.flow.landing import Landing
from olhubd.engine.lineage import Lineage
from olhubd.plugin import Cursor, OrderFeed, Page, RateLimited
from olhubd.runtime.supervisor import Heartbeat
from olhubd.store import Database
from olhubd_kit.virtual_clock import EPOCH, VirtualClock
from olhubd_torture.crash_points import CrashPoints
from olhubd_torture.loop import VirtualTimeLoop
from olhubd_torture.store import TortureDatabase

ACCOUNTS = 20
ANSWERS_AFTER = 0.03
POLLS = 150


def _time() -> float:
    return asyncio.get_running_loop().time()


class Quiet(OrderFeed):
    """A journal in which nothing ever happens. `refusal` is raised by its third pull."""

    def __init__(self, refusal: RateLimited | None = None) -> None:
        self.pulled: list[float] = []
        self.refusal = refusal

    async def start(self, since: datetime | None) -> Cursor:
        return Cursor("0")

    async def pull(self, cursor: Cursor) -> Page:
        self.pulled.append(_time())
        await asyncio.sleep(ANSWERS_AFTER)
        if self.refusal is not None and len(self.pulled) == 3:
            raise self.refusal
        return Page(records=[], cursor=cursor)

    @property
    def gaps(self) -> list[float]:
        """Seconds from the end of each pull to the next one."""
        return [after - before - ANSWERS_AFTER for before, after in zip(self.pulled, self.pulled[1:], strict=False)]


@contextlib.asynccontextmanager
async def _polled(database: Database, feeds: list[Quiet], interval: float) -> AsyncIterator[list[Poller]]:
    clock, log = VirtualClock(), structlog.get_logger()
    places = Limiter(places=4, patience=5.0)

    async def lost(error: Exception) -> None:
        raise AssertionError(error)

    def poller(name: str, feed: Quiet) -> Poller:
        reading = ReadingContext(
            account=name,
            schedule=FeedSchedule(
                interval=timedelta(seconds=interval),
                sweep_interval=timedelta(hours=1),
                sweep_window=timedelta(days=3),
                start=None,
            ),
            calls=Calls(name, clock, log, OverdueCalls()),
            database=database,
            landing=Landing(database, clock, list, lambda targets: None),
            lineage=Lineage(clock),
            runs=RunLog(database, clock),
            sweeps=places,
            pulls=places,
            clock=clock,
            log=log,
            started_at=EPOCH,
            there=lambda: None,
        )
        return Poller(reading, [feed], None, lost=lost, recovered=lambda: None, displaced=lambda: None)

    pollers = [poller(f"account-{number}", feed) for number, feed in enumerate(feeds)]
    tasks = [asyncio.create_task(one.run(Heartbeat("poller", clock))) for one in pollers]
    try:
        yield pollers
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _after_a_while(folder: Path, interval: float, *feeds: Quiet) -> None:
    async def main() -> None:
        async with (
            TortureDatabase.at(folder, CrashPoints(lambda _what: None)) as database,
            _polled(database, list(feeds), interval),
        ):
            await asyncio.sleep(POLLS * interval)

    random.seed(11)
    with structlog.testing.capture_logs(), asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())


@pytest.mark.parametrize("interval", [2.0, 20.0])
def test_idle_accounts_are_read_as_often_as_set(tmp_path: Path, interval: float) -> None:
    """No pull is left out, none comes before its time, and in the end they are as many as without ticks."""
    feeds = [Quiet() for _ in range(ACCOUNTS)]
    _after_a_while(tmp_path, interval, *feeds)
    gaps = [gap for feed in feeds for gap in feed.gaps]
    # A place to pull may be taken by others for a moment, as when all begin at once.
    waited = ACCOUNTS / 4 * ANSWERS_AFTER
    assert min(gaps) >= 0.9 * interval - 0.051
    assert max(gaps) <= 1.1 * interval + 0.051 + waited
    wanted = ACCOUNTS * POLLS * interval / (interval + ANSWERS_AFTER)
    assert sum(len(feed.pulled) for feed in feeds) == pytest.approx(wanted, rel=0.005)


def test_pulls_of_long_intervals_begin_at_ticks(tmp_path: Path) -> None:
    """By the real poller: what it waits for is the tick itself, not a wait that only began at one."""
    feeds = [Quiet() for _ in range(3)]
    _after_a_while(tmp_path, 20.0, *feeds)
    for feed in feeds:
        assert all(math.isclose(moment * 10, round(moment * 10)) for moment in feed.pulled[1:])


def test_a_rate_limit_is_kept_to_the_moment(tmp_path: Path) -> None:
    """Not a tick earlier: the next pull comes when the system said, exactly."""
    feed = Quiet(RateLimited("slow down", retry_after=33.333))
    _after_a_while(tmp_path, 20.0, feed)
    assert feed.gaps[2] == pytest.approx(33.333)
    assert feed.gaps[3] >= 17.949


def test_a_pull_by_hand_ends_a_long_wait_and_moves_no_timer(tmp_path: Path) -> None:
    feed = Quiet()

    async def main() -> None:
        async with (
            TortureDatabase.at(tmp_path, CrashPoints(lambda _what: None)) as database,
            _polled(database, [feed], 3600.0) as (poller,),
        ):
            await asyncio.sleep(100)
            due = poller.next_run
            asked = _time()
            await poller.fetch()
            assert feed.pulled[1:] == [asked]
            assert poller.next_run == due
            await asyncio.sleep(2 * 3600)

    with structlog.testing.capture_logs(), asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())
    assert 0.9 * 3600 - 0.06 <= feed.pulled[2] - feed.pulled[0] <= 1.1 * 3600 + 0.06
