"""A wall clock that runs along with the event loop, however fast a test lets that one run."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

__all__ = ["EPOCH", "VirtualClock"]

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class VirtualClock:
    """`epoch` when it is made, and from then on as late as the loop; fits `olhubd.plugin.Clock`.

    An hour slept is an hour passed, however fast the loop runs. Make it inside of the test, since fixtures are made
    in real time. `jump` moves the wall clock alone, as an operator or a time server does.
    """

    def __init__(self, epoch: datetime = EPOCH) -> None:
        self._epoch = epoch - timedelta(seconds=self.monotonic())

    def now(self) -> datetime:
        return self._epoch + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """The running loop's time in seconds, or outside of a loop what loops count by."""
        try:
            return asyncio.get_running_loop().time()
        except RuntimeError:
            return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))

    def jump(self, seconds: float) -> None:
        self._epoch += timedelta(seconds=seconds)
