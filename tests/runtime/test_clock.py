"""The clock: moments by the wall, intervals by the loop, both virtual in tests."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from olhubd.plugin import Clock
from olhubd.runtime.clock import SystemClock
from olhubd_kit.virtual_clock import VirtualClock


async def test_the_system_clock_is_utc_and_fits_the_contract() -> None:
    clock: Clock = SystemClock()
    before = datetime.now(UTC)
    assert before <= clock.now() <= datetime.now(UTC)
    assert clock.now().utcoffset() == timedelta(0)
    assert clock.monotonic() == pytest.approx(asyncio.get_running_loop().time(), abs=5)


def test_without_a_loop_monotonic_counts_as_loops_do() -> None:
    assert SystemClock().monotonic() == pytest.approx(time.monotonic(), abs=5)


@pytest.mark.looptime
async def test_sleep_follows_the_loop() -> None:
    clock = SystemClock()
    start = clock.monotonic()
    await clock.sleep(3600)
    assert clock.monotonic() - start == 3600
    await clock.sleep(-5)
    assert clock.monotonic() - start == 3600


@pytest.mark.looptime
async def test_the_virtual_wall_clock_runs_with_the_loop() -> None:
    await asyncio.sleep(17)  # the loop is older than the clock
    clock = VirtualClock(datetime(2026, 3, 29, 0, 30, tzinfo=UTC))
    assert clock.now() == datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    await clock.sleep(3600)
    assert clock.now() == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


@pytest.mark.looptime
async def test_a_jump_of_the_wall_clock_disturbs_no_interval() -> None:
    clock = VirtualClock()
    start, began = clock.monotonic(), clock.now()
    sleeper = asyncio.create_task(clock.sleep(60))
    await asyncio.sleep(10)
    clock.jump(-86400)
    await sleeper
    assert clock.monotonic() - start == 60
    assert clock.now() - began == timedelta(seconds=60 - 86400)
