"""When accounts pull and sweep: within what is set, on average as often, and not all in one moment."""

from __future__ import annotations

import random
import statistics
from collections import Counter
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from olhubd.engine.feed.schedule import COALESCED, FeedSchedule, jitter

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


def _pulls(interval: timedelta, lasting: float, count: int = 20_000) -> list[tuple[float, float]]:
    """When one pull after the other ended, and when the next one was due."""
    schedule, now, found = msgspec.structs.replace(SCHEDULE, interval=interval), 1000.0, []
    random.seed(7)
    for _ in range(count):
        due_at = schedule.pull_after(now)
        found.append((now, due_at))
        now = due_at + lasting
    return found


@pytest.mark.parametrize("lasting", [0.0, 0.013, 0.05, 0.37])
@pytest.mark.parametrize("seconds", [5, 7.3, 20, 3600])
def test_pulls_at_ticks_come_on_average_as_often_as_set(seconds: float, lasting: float) -> None:
    """However long a pull lasts: to wait for the next tick each time would pull less often."""
    gaps = [due_at - now for now, due_at in _pulls(timedelta(seconds=seconds), lasting)]
    drawn = 0.2 * seconds / 12**0.5 / len(gaps) ** 0.5  # the standard error of the mean of the jitter
    assert statistics.fmean(gaps) == pytest.approx(seconds, abs=4 * drawn + 0.002)
    assert min(gaps) >= 0.9 * seconds - 0.051
    assert max(gaps) <= 1.1 * seconds + 0.051


def test_long_intervals_end_at_ticks_that_accounts_share() -> None:
    """Each tenth of a second is one number for all of them, so their timers are equal."""
    due = [due_at for _, due_at in _pulls(COALESCED, 0.0137)]
    assert all(due_at == round(due_at * 10) / 10 for due_at in due)
    # Those that begin in one moment still spread over all the ticks of the jitter.
    ticks = Counter(SCHEDULE.pull_after(1000.0) for _ in range(4_000))
    assert len(ticks) == 41
    assert max(ticks.values()) < 200


def test_a_short_interval_is_kept_to_the_moment_that_was_drawn() -> None:
    short = COALESCED - timedelta(milliseconds=1)
    pulls = _pulls(short, 0.0137, 100)
    random.seed(7)
    assert [due_at for _, due_at in pulls] == [now + jitter(short.total_seconds()) for now, _ in pulls]
