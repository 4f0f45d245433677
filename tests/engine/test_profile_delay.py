"""How long after they were placed orders are in the hub, by profile: a thousand of them, in virtual time."""

from __future__ import annotations

import asyncio
import random
import statistics
from datetime import timedelta
from pathlib import Path

import pytest
import structlog

from olhubd.engine.access.budget import BudgetBook
from olhubd.engine.calls import Calls, OverdueCalls
from olhubd.engine.feed.limiter import Limiter
from olhubd.engine.feed.pace import PollPace
from olhubd.engine.feed.poller import Poller
from olhubd.engine.feed.reading import ReadingContext
from olhubd.engine.feed.run_log import RunLog
from olhubd.engine.feed.schedule import FeedSchedule
from olhubd.engine.flow.landing import Landing
from olhubd.engine.lineage import Lineage
from olhubd.plugin import Budget, Cursor, Lane, Page
from olhubd.runtime.supervisor import Heartbeat
from olhubd_allegro.connector import Allegro
from olhubd_kit.virtual_clock import EPOCH, VirtualClock
from olhubd_torture.crash_points import CrashPoints
from olhubd_torture.loop import VirtualTimeLoop
from olhubd_torture.store import TortureDatabase
from tests.engine.test_poll_pace import Journal
from tests.orders import order

ORDERS = 1000


class Market(Journal):
    """Tells orders as of the moments at which they were placed. The answer takes a second."""

    moments: list[float]

    async def pull(self, cursor: Cursor) -> Page:
        if self.gate is not None:
            await self.gate.acquire(Lane.ORDERS)
            self.gate.release()
        asked = self.clock.now()
        await asyncio.sleep(1)
        first = int(cursor)
        placed = [at for at in self.moments[first:] if EPOCH + timedelta(seconds=at) <= asked]
        records = [
            order(str(first + number), placed_at=EPOCH + timedelta(seconds=at)) for number, at in enumerate(placed)
        ]
        return Page(records=records, cursor=Cursor(str(first + len(records))))


def delays(tmp_path: Path, interval: timedelta, hours: float, *, profiled: bool) -> list[float]:
    """Seconds from placed to landed, of each order."""

    async def lost(error: Exception) -> None:
        raise AssertionError(error)

    async def main() -> list[float]:
        clock, log = VirtualClock(), structlog.get_logger()
        budgets = BudgetBook(clock)
        gate = budgets.gate(Budget(key="application", calls=9000, per=60.0))
        feed = Market("market", gate, clock)
        feed.moments = sorted(random.uniform(60, hours * 3600) for _ in range(ORDERS))
        seconds = interval.total_seconds()
        pace = None if profiled else PollPace("market", seconds, lambda: budgets.gates({gate.key}), clock, log)
        places = Limiter(places=4, patience=5.0)
        async with TortureDatabase.at(tmp_path, CrashPoints(lambda _what: None)) as database:
            schedule = FeedSchedule(
                interval=interval,
                sweep_interval=timedelta(hours=1),
                sweep_window=timedelta(days=3),
                start=None,
                at_most=profiled,
            )
            reading = ReadingContext(
                account="market",
                schedule=schedule,
                calls=Calls("market", clock, log, OverdueCalls()),
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
                pace=pace,
            )
            poller = Poller(reading, [feed], None, lost=lost, recovered=lambda: None, displaced=lambda: None)
            task = asyncio.create_task(poller.run(Heartbeat("poller", clock)))
            await asyncio.sleep(hours * 3600 + 2 * seconds + 60)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            rows = await database.reader.fetch("SELECT created_at - placed_at FROM orders")
            return [row[0] / 1_000_000 for row in rows]

    random.seed(5)
    with structlog.testing.capture_logs(), asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main())


@pytest.mark.parametrize(("profile", "most"), [("atomstore", 300.0), ("baselinker", 150.0)])
def test_an_order_is_known_within_five_minutes_on_average_in_every_profile(
    tmp_path: Path, profile: str, most: float
) -> None:
    """Part of IMP-05: a thousand orders at Allegro's own interval of the slowest profile, ten minutes."""
    found = delays(tmp_path, Allegro.defaults.profiles[profile], 100, profiled=True)
    assert len(found) == ORDERS
    assert statistics.mean(found) <= most
    assert max(found) <= 2 * most + 5


def test_our_own_default_knows_an_order_within_seconds(tmp_path: Path) -> None:
    """Part of IMP-05: while orders come, an account without a profile is read every two seconds."""
    found = delays(tmp_path, Allegro.defaults.interval, 5, profiled=False)
    assert len(found) == ORDERS
    assert statistics.mean(found) <= 3.0
