"""When an account reads, and how far back: numbers and their spread, no clock and no task.

Many accounts begin in one moment, at a start or after an outage. Each wait is therefore drawn a little shorter or
longer than asked, else all would ask, and hold a page each in memory, in step for ever.

Long waits end at ticks that all accounts share, ten a second. An idle poll costs little but the wake-ups by its
timer and by its answer, and the accounts whose turn comes at one tick share theirs, as coalesced timers of an
operating system do.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import msgspec

__all__ = ["COALESCED", "FeedSchedule", "jitter"]

_SOONEST = 0.5
"""What share of the interval passes before a sweep at least; the setting is the most."""
COALESCED = timedelta(seconds=5)
"""The interval from which on pulls are due at a tick; a shorter one is kept to the moment that was drawn."""


class FeedSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """How often and how far. `start` is from when on orders are wanted: None for those that come after now.

    `start_by_person` where it was set while the daemon ran, perhaps after reading had begun otherwise.
    """

    interval: timedelta
    sweep_interval: timedelta
    sweep_window: timedelta
    start: datetime | None
    start_by_person: bool = False
    others: timedelta | None = None
    """Between two readings of whatever is no orders; None: the same."""
    at_most: bool = False
    """Whether the interval is the longest there is, and chance only makes it shorter."""
    manual_per_hour: int | None = None
    page_limit: float = 300.0
    """Seconds within which a page must be read; a hanging server must not stop the loop."""

    def pull_after(self, now: float, wait: float | None = None) -> float:
        """When the feed is to be read again, both in seconds of the monotonic clock: after the interval, or after
        `wait` seconds.

        The tick is the nearest one, earlier as often as later, so that the intervals are on average as long as set,
        or a twentieth shorter where that is `at_most`.
        """
        seconds = self.interval.total_seconds() if wait is None else wait
        due_at = now + (seconds * random.uniform(0.9, 1.0) if self.at_most and wait is None else jitter(seconds))
        return round(due_at, 1) if seconds >= COALESCED.total_seconds() else due_at

    def sweep_after(self, now: datetime) -> datetime:
        """When the next sweep is due: within the interval, at no moment that other accounts share."""
        return now + self.sweep_interval * random.uniform(_SOONEST, 1.0)

    def until_sweep(self, due_at: datetime | None, now: datetime) -> float:
        """Seconds until a sweep is due."""
        if due_at is None:
            return 0.0
        left = (due_at - now).total_seconds()
        # What lies beyond the interval was planned by a clock that was wrong, or before the interval was shortened.
        return left if left <= self.sweep_interval.total_seconds() else 0.0


def jitter(seconds: float) -> float:
    """A little more or less, so that many accounts do not ask in step."""
    return seconds * random.uniform(0.9, 1.1)
