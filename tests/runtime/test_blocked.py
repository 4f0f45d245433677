"""A call that blocks the event loop is told of from outside, by whose it is and where."""

from __future__ import annotations

import asyncio
import time

import structlog

from olhubd.runtime.blocked import BlockDetector


def computes() -> None:
    """Something that awaits nothing."""
    time.sleep(0.6)


async def test_who_blocks_the_loop_is_named_once() -> None:
    async def call() -> None:
        computes()

    with structlog.testing.capture_logs() as lines:
        sentry = BlockDetector(structlog.get_logger(), after=0.1)
        sentry.start()
        try:
            await asyncio.sleep(0.3)
            assert lines == [], "a loop that turns is not blocked"
            await asyncio.create_task(call(), name="pull of wild")
            async with asyncio.timeout(10):
                while len(lines) < 2:
                    await asyncio.sleep(0.01)
        finally:
            sentry.stop()
    told, over = lines
    assert told["log_level"] == "error"
    assert told["task"] == "pull of wild"
    assert told["where"][-1].endswith(" computes")
    assert over["event"] == "the event loop goes on"
