"""What a sign-in stands on, a supervised task that ends. The flow is tried in tests/control/test_accounts.py."""

from __future__ import annotations

import asyncio

import structlog
from structlog.testing import capture_logs

from olhubd.runtime.clock import SystemClock
from olhubd.runtime.supervisor import Heartbeat, Supervisor


async def test_a_task_that_ends_leaves_nothing_behind() -> None:
    supervisor = Supervisor(SystemClock(), structlog.get_logger())
    done = asyncio.Event()

    async def main(pulse: Heartbeat) -> None:
        pulse.beat(0.0)
        done.set()

    supervisor.once("sign-in", main)
    assert len(supervisor) == 1
    await done.wait()
    await asyncio.sleep(0)
    assert len(supervisor) == 0
    assert supervisor.overdue() == {}, "what has ended owes no sign of life"


async def test_one_that_fails_is_told_once_and_not_repeated() -> None:
    supervisor = Supervisor(SystemClock(), structlog.get_logger())
    tries: list[int] = []

    async def main(_: Heartbeat) -> None:
        tries.append(1)
        raise RuntimeError("no")

    with capture_logs() as logs:
        supervisor.once("sign-in", main)
        for _ in range(5):
            await asyncio.sleep(0)
    assert (len(tries), len(supervisor)) == (1, 0)
    assert [entry["event"] for entry in logs] == ["has failed"]
    assert not supervisor.failing


async def test_it_can_be_stopped() -> None:
    supervisor = Supervisor(SystemClock(), structlog.get_logger())

    async def main(_: Heartbeat) -> None:
        await asyncio.Event().wait()

    supervisor.once("sign-in", main)
    await supervisor.stop("sign-in")
    assert len(supervisor) == 0
