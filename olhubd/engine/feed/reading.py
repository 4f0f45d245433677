"""What all feeds of one account are read with, and the limits that hold for each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from olhubd.decide.product_import import ImportRule, ProductImport
from olhubd.engine.calls import Calls
from olhubd.engine.feed.limiter import Limiter
from olhubd.engine.feed.pace import PollPace
from olhubd.engine.feed.run_log import RunLog
from olhubd.engine.feed.schedule import FeedSchedule
from olhubd.engine.flow.landing import Landing
from olhubd.engine.levels.horizon import Horizon
from olhubd.engine.lineage import Lineage
from olhubd.plugin import Clock, Log
from olhubd.runtime.supervisor import Heartbeat
from olhubd.store import Database

__all__ = ["LATE", "OFF", "PAGES", "ReadingContext"]

LATE = timedelta(minutes=5)
"""What a sweep finds younger than this and an interval the journal may still report."""
OFF = timedelta(minutes=5)
"""How far the clocks of two systems may be apart."""
PAGES = 500
"""Pages of orders in a row, after which other work of the account has its turn."""


@dataclass(kw_only=True, slots=True)
class ReadingContext:
    """`started_at` is from when on orders count, `there` the source's own time, where it gives one. `lineage` is
    called when the orders are read to their end."""

    account: str
    schedule: FeedSchedule
    calls: Calls
    database: Database
    landing: Landing
    lineage: Lineage
    horizon: Horizon | None = None
    """Hears up to which event the account's orders are known, where stock is sold."""
    runs: RunLog
    sweeps: Limiter
    pulls: Limiter
    clock: Clock
    log: Log
    started_at: datetime
    there: Callable[[], datetime | None]
    pace: PollPace | None = None
    """How soon orders are read again; None where that is fixed."""
    imports: Callable[[], ImportRule] = lambda: ImportRule(ProductImport.ALWAYS)
    """When its products are read."""
    divided: Callable[[], bool] = lambda: False
    """Whether its offers have shares of what may be sold, of which none is raised before its orders were swept."""
    pulse: Heartbeat | None = None
    """Of the task that reads, once there is one."""

    def beat(self) -> None:
        """Say that the task lives."""
        if self.pulse is not None:
            self.pulse.beat(self.schedule.page_limit * 2 + self.schedule.interval.total_seconds())

    def patience(self) -> float:
        """Seconds that a call may take. A hanging server must not make the loop look stuck."""
        self.beat()
        return self.schedule.page_limit
