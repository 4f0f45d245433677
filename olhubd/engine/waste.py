"""Forgets what is kept for a time only: the inputs of decisions, answers to writes that carried a key, quiet runs.

The first two hold what orders hold, so their time is a promise. How long each is kept is not decided here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from olhubd.engine.inputs import CONFIGURED
from olhubd.engine.supervisor import Pulse
from olhubd.plugin import Clock
from olhubd.store import Database, Transaction, inputs, requests, runs

__all__ = ["Waste"]

_ROUND = 3600.0


class Waste:
    """`kept` tells for how long inputs are kept now."""

    def __init__(self, database: Database, clock: Clock, kept: Callable[[], timedelta]) -> None:
        self._database = database
        self._clock = clock
        self._kept = kept

    async def main(self, pulse: Pulse) -> None:
        """For ever."""
        while True:
            pulse.beat(4 * _ROUND)
            await self.clear(pulse)
            pulse.well()
            await self._clock.sleep(_ROUND)

    async def clear(self, pulse: Pulse | None = None) -> int:
        """Forget all whose time is over; gives how many."""
        now = self._clock.now()
        gone = await self._some(lambda tx: inputs.prune(tx, now - self._kept(), sparing=CONFIGURED), pulse)
        gone += await self._some(lambda tx: requests.prune(tx, now - requests.KEPT), pulse)
        return gone + await self._some(lambda tx: runs.prune(tx, now - runs.QUIET_KEPT), pulse)

    async def _some(self, work: Callable[[Transaction], Awaitable[int]], pulse: Pulse | None) -> int:
        """A few at a time, so that no landing waits for it."""
        count = 0
        while gone := await self._database.write(work):
            count += gone
            if pulse is not None:
                pulse.beat(4 * _ROUND)
        return count
