"""The only wall clock of the project.

Intervals, back-offs and budgets run on the event loop's own time, which never jumps; the wall clock only names
moments, for records and for comparison with what other systems say. So a corrected clock shifts no interval.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

__all__ = ["SystemClock"]


class SystemClock:
    """Time by the machine's clock; fits `olhubd.plugin.Clock`."""

    def now(self) -> datetime:
        """The wall clock, UTC and aware. It may jump: compare moments with it, never measure with it."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never jump: the running loop's time, or outside of a loop what loops count by."""
        try:
            return asyncio.get_running_loop().time()
        except RuntimeError:
            return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait so many seconds of the loop's time; not at all for zero or less, but others get their turn."""
        await asyncio.sleep(max(0.0, seconds))
