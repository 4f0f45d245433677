"""How old an order can be is told by its source's own clock alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from olhubd.engine.clock import VirtualClock
from olhubd.engine.lineage import MARGIN, Lineage

pytestmark = pytest.mark.looptime

SOURCE = datetime(2031, 5, 1, 12, tzinfo=UTC)
"""What the source's clock shows: years away from ours."""


def date(at: datetime) -> str:
    return format_datetime(at, usegmt=True)


async def test_age_is_measured_by_the_sources_own_clock() -> None:
    clock = VirtualClock()
    lineage = Lineage(clock)
    lineage.heard("allegro", date(SOURCE))
    clock.jump(timedelta(days=-400).total_seconds())
    assert lineage.age("allegro", SOURCE - timedelta(hours=3)) == timedelta(hours=3) + MARGIN


async def test_age_grows_with_the_time_since_the_source_was_heard() -> None:
    clock = VirtualClock()
    lineage = Lineage(clock)
    lineage.heard("allegro", date(SOURCE))
    await clock.sleep(600)
    assert lineage.age("allegro", SOURCE) == timedelta(seconds=600) + MARGIN


async def test_an_answer_long_under_way_makes_nothing_younger() -> None:
    clock = VirtualClock()
    lineage = Lineage(clock)
    lineage.heard("allegro", date(SOURCE))
    await clock.sleep(30)
    lineage.heard("allegro", date(SOURCE))
    assert lineage.age("allegro", SOURCE) == timedelta(seconds=30) + MARGIN


async def test_without_a_time_of_the_source_there_is_no_bound() -> None:
    lineage = Lineage(VirtualClock())
    lineage.heard("other", date(SOURCE))
    lineage.heard("allegro", "yesterday, about noon")
    assert lineage.age("allegro", SOURCE) is None


async def test_an_order_of_the_sources_future_is_no_younger_than_now() -> None:
    lineage = Lineage(VirtualClock())
    lineage.heard("allegro", date(SOURCE))
    assert lineage.age("allegro", SOURCE + timedelta(days=2)) == MARGIN
