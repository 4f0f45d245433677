"""When accounts sweep: within what is set, and not all in one moment."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from olhubd.engine.feed.schedule import FeedSchedule

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = 3600.0
SCHEDULE = FeedSchedule(
    interval=timedelta(seconds=20), sweep_interval=timedelta(hours=1), sweep_window=timedelta(days=3), start=None
)


def test_sweeps_that_are_planned_in_one_moment_are_due_at_many() -> None:
    """After a start or an outage all accounts plan at once; in step, each sweep would hold a page of each."""
    waits = [SCHEDULE.until_sweep(SCHEDULE.sweep_after(NOW), NOW) for _ in range(1000)]
    minutes = Counter(wait // 60 for wait in waits)
    assert len(minutes) >= 25
    assert max(minutes.values()) < 100


def test_a_sweep_comes_within_the_interval_and_not_again_at_once() -> None:
    waits = [SCHEDULE.until_sweep(SCHEDULE.sweep_after(NOW), NOW) for _ in range(1000)]
    assert min(waits) >= HOUR / 2
    assert max(waits) <= HOUR


def test_what_lies_beyond_the_interval_was_planned_by_a_wrong_clock() -> None:
    assert SCHEDULE.until_sweep(NOW + timedelta(hours=2), NOW) == 0.0
    assert SCHEDULE.until_sweep(None, NOW) == 0.0
