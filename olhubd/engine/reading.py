"""What all feeds of one account are read with, and the limits that hold for each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from olhubd.engine.calls import Calls
from olhubd.engine.landing import Landing
from olhubd.engine.runlog import RunLog
from olhubd.engine.schedule import Schedule
from olhubd.engine.turns import Turns
from olhubd.plugin import Clock, Log
from olhubd.store import Database

__all__ = ["LATE", "OFF", "PAGES", "Reading"]

LATE = timedelta(minutes=5)
"""What a sweep finds younger than this and an interval the journal may still tell."""
OFF = timedelta(minutes=5)
"""How far the clocks of two systems may be apart."""
PAGES = 500
"""Pages of orders in a row, after which other work of the account has its turn."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """`started_at` is from when on orders count, `there` the source's own time, where it tells one. `beat` says
    that the task lives; it is called before each call, since a hanging server must not make the loop look stuck."""

    account: str
    schedule: Schedule
    calls: Calls
    database: Database
    landing: Landing
    runs: RunLog
    sweeps: Turns
    pulls: Turns
    clock: Clock
    log: Log
    started_at: datetime
    there: Callable[[], datetime | None]
    beat: Callable[[], None]

    def patience(self) -> float:
        """Seconds that a call may take."""
        self.beat()
        return self.schedule.page_limit
