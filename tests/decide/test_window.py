"""When windows open, and what waits for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from olhubd.decide.window import opens_at

HOUR = timedelta(hours=1)
WARSAW = ZoneInfo("Europe/Warsaw")


@pytest.mark.parametrize(
    ("now", "window", "opens"),
    [
        ("2026-03-01T10:00:01", HOUR, "2026-03-01T11:00:00"),
        ("2026-03-01T10:59:59.999", HOUR, "2026-03-01T11:00:00"),
        ("2026-03-01T11:00:00", HOUR, "2026-03-01T12:00:00"),
        ("2026-03-01T10:00:01", 4 * HOUR, "2026-03-01T12:00:00"),
        ("2026-03-01T23:59:00", 4 * HOUR, "2026-03-02T00:00:00"),
        ("2026-03-01T10:00:01", timedelta(0), "2026-03-01T10:00:01"),
    ],
)
def test_a_window_opens_at_the_next_multiple(now: str, window: timedelta, opens: str) -> None:
    at = datetime.fromisoformat(f"{now}+00:00")
    assert opens_at(at, window) == datetime.fromisoformat(f"{opens}+00:00")


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_where_the_clocks_are_changed_no_window_is_longer(day: str) -> None:
    """SYN-03 to SYN-04: within the hour on the day of 23 hours and on that of 25."""
    at = datetime.fromisoformat(f"{day}T00:00:00").replace(tzinfo=WARSAW).astimezone(UTC)
    for minute in range(26 * 60):
        now = at + timedelta(minutes=minute)
        assert timedelta(0) < opens_at(now, HOUR) - now <= HOUR
