"""The time of a bench: it stays the same until something sleeps or the rule moves it on.

Simulator and connector share it, so orders placed one after another are of the same instant, and a nap of an hour
takes none. It begins at the present time, since servers put a real Date into their answers.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

__all__ = ["FrozenClock"]


class FrozenClock:
    def __init__(self) -> None:
        self.began = datetime.now(UTC).replace(microsecond=0)
        self._passed = 0.0

    def now(self) -> datetime:
        return self.began + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        return self._passed

    def advance(self, seconds: float) -> None:
        self._passed += seconds

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)
        await asyncio.sleep(0)
