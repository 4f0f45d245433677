"""How old an order can be is told by its source's own clock alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from olhubd.engine.lineage import MARGIN, Lineage
from olhubd.model import OrderId
from olhubd_kit.virtual_clock import VirtualClock

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


async def test_all_is_in_doubt_until_the_feed_was_read_to_its_end() -> None:
    lineage = Lineage(VirtualClock())
    assert lineage.covers("allegro", OrderId(7), SOURCE)
    lineage.reached("allegro", OrderId(7))
    assert lineage.covers("allegro", OrderId(7), SOURCE)
    assert not lineage.covers("allegro", OrderId(8), SOURCE)
    assert lineage.covers("other", OrderId(8), SOURCE)


async def test_what_was_there_by_the_sources_own_clock_is_in_doubt_whenever_it_lands() -> None:
    """Our wall clock is no part of it."""
    clock = VirtualClock()
    lineage = Lineage(clock)
    lineage.heard("allegro", date(SOURCE))
    clock.jump(timedelta(days=-3).total_seconds())
    lineage.reached("allegro", OrderId(7))
    assert lineage.covers("allegro", OrderId(8), SOURCE - timedelta(milliseconds=100))
    assert not lineage.covers("allegro", OrderId(8), SOURCE + timedelta(milliseconds=100))


async def test_where_no_date_is_told_the_youngest_order_that_was_told_bounds_it() -> None:
    lineage = Lineage(VirtualClock())
    lineage.reported("memory", SOURCE)
    lineage.reached("memory", OrderId(7))
    assert lineage.covers("memory", OrderId(8), SOURCE - timedelta(seconds=1))
    assert not lineage.covers("memory", OrderId(8), SOURCE)


async def test_what_came_by_another_way_than_the_feed_is_in_doubt() -> None:
    lineage = Lineage(VirtualClock())
    lineage.reached("allegro", OrderId(7))
    lineage.otherwise("allegro", [OrderId(9)])
    assert lineage.covers("allegro", OrderId(9), SOURCE)
    assert not lineage.covers("allegro", OrderId(10), SOURCE)


async def test_a_machine_that_was_set_back_with_its_memory_is_another_process() -> None:
    """The source's time has gone on while ours stood still."""
    clock = VirtualClock()
    lineage = Lineage(clock)
    lineage.heard("allegro", date(SOURCE))
    lineage.reached("allegro", OrderId(7))
    later = SOURCE + timedelta(hours=1)
    assert not lineage.covers("allegro", OrderId(8), later)
    await clock.sleep(50)
    lineage.heard("allegro", date(SOURCE + timedelta(seconds=50)))
    assert lineage.generation == 0
    lineage.heard("allegro", date(later))
    assert lineage.generation == 1
    assert lineage.covers("allegro", OrderId(8), later)
