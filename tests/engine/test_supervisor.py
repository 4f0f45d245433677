"""Tasks that fail, end, hang or are stopped."""

from __future__ import annotations

import asyncio

import pytest
import structlog

from olhubd.engine.clock import SystemClock
from olhubd.engine.supervisor import Pulse, Supervisor


class Hurried(SystemClock):
    """Naps a hundredth of what is asked."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 100)


@pytest.fixture
def supervisor() -> Supervisor:
    return Supervisor(Hurried(), structlog.get_logger())


async def test_a_failing_task_is_started_again_and_told_once(supervisor: Supervisor) -> None:
    """Invariant 14; pitfall 40: a dead polling task must not leave the service green and silent."""
    runs = 0

    async def main(pulse: Pulse) -> None:
        nonlocal runs
        runs += 1
        if runs < 4:
            raise ZeroDivisionError
        supervisor.recovered("poller")
        await asyncio.sleep(60)

    with structlog.testing.capture_logs() as logs:
        supervisor.start("poller", main)
        async with asyncio.timeout(5):
            while runs < 4:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0)
    assert [line["event"] for line in logs if line["log_level"] != "debug"] == ["has failed", "works again"]
    assert supervisor.failing == frozenset()
    await supervisor.stop_all()


async def test_a_task_that_ends_by_itself_is_a_failure(supervisor: Supervisor) -> None:
    runs = 0

    async def main(pulse: Pulse) -> None:
        nonlocal runs
        runs += 1

    with structlog.testing.capture_logs() as logs:
        supervisor.start("poller", main)
        async with asyncio.timeout(5):
            while runs < 2:
                await asyncio.sleep(0.01)
    assert "has finished unexpectedly" in [line["event"] for line in logs]
    await supervisor.stop_all()


async def test_a_broken_promise_is_seen(supervisor: Supervisor) -> None:
    """Invariant 14: a missed deadline makes the daemon unready."""

    async def main(pulse: Pulse) -> None:
        pulse.beat(0.01)
        await asyncio.sleep(60)

    supervisor.start("poller", main)
    await asyncio.sleep(0)
    assert supervisor.overdue() == {}
    await asyncio.sleep(0.05)
    assert supervisor.overdue().keys() == {"poller"}
    await supervisor.stop_all()
    assert supervisor.overdue() == {}


async def test_a_stopped_task_gets_its_grace(supervisor: Supervisor) -> None:
    done = asyncio.Event()
    ended = False

    async def main(pulse: Pulse) -> None:
        nonlocal ended
        await done.wait()
        ended = True

    supervisor.start("dispatcher", main)
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(0.02, done.set)
    await supervisor.stop("dispatcher", grace=5)
    assert ended
    assert len(supervisor) == 0
