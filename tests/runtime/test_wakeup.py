"""A wait ends when it is told to, or exactly when its time is over, and leaves nothing behind."""

from __future__ import annotations

import asyncio

import pytest

from olhubd.runtime.wakeup import Wakeup

pytestmark = pytest.mark.looptime


def _time() -> float:
    return asyncio.get_running_loop().time()


async def test_a_wait_lasts_exactly_as_long_as_asked() -> None:
    wakeup, began = Wakeup(), _time()
    await wakeup.wait(18.3)
    assert _time() - began == pytest.approx(18.3)
    await wakeup.wait(0.25)
    assert _time() - began == pytest.approx(18.55)


async def test_a_wake_ends_the_wait_under_way_and_no_other() -> None:
    """The timer of a wait that was ended early does not end the next one."""
    wakeup, began = Wakeup(), _time()
    asyncio.get_running_loop().call_later(1, wakeup.wake)
    await wakeup.wait(10)
    assert _time() - began == pytest.approx(1)
    await wakeup.wait(20)
    assert _time() - began == pytest.approx(21)


async def test_a_wait_without_an_end_is_ended_by_a_wake_alone() -> None:
    wakeup, began = Wakeup(), _time()
    asyncio.get_running_loop().call_later(86_400, wakeup.wake)
    await wakeup.wait()
    assert _time() - began == pytest.approx(86_400)


async def test_a_wake_while_nobody_waits_has_no_effect() -> None:
    wakeup, began = Wakeup(), _time()
    wakeup.wake()
    await wakeup.wait(5)
    assert _time() - began == pytest.approx(5)


async def test_two_wakes_at_one_time_are_one() -> None:
    wakeup, began = Wakeup(), _time()
    waits = asyncio.create_task(wakeup.wait())
    await asyncio.sleep(1)
    wakeup.wake()
    wakeup.wake()
    await waits
    await wakeup.wait(3)
    assert _time() - began == pytest.approx(4)


async def test_a_wait_that_is_cancelled_leaves_no_timer() -> None:
    wakeup, began = Wakeup(), _time()
    waits = asyncio.create_task(wakeup.wait(10))
    await asyncio.sleep(1)
    waits.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waits
    wakeup.wake()
    await wakeup.wait(30)
    assert _time() - began == pytest.approx(31)
