"""Forgets what is kept for a time only, a few rows at a time. How long each is kept is not decided here.

Where it holds what orders hold, its time is a promise: inputs, answers to writes with a key, records given up.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from datetime import timedelta

from olhubd.engine.replay.recording import CONFIGURED
from olhubd.plugin import Clock
from olhubd.runtime.supervisor import Heartbeat, Supervisor
from olhubd.store import (
    Database,
    Transaction,
    alarms,
    idempotency_keys,
    oversold,
    quarantine,
    reconciliations,
    recorded_inputs,
    runs,
    seen_values,
    sign_ins,
    strangers,
)

__all__ = ["Retention"]

_ROUND = 3600.0
_TIMED = (
    (idempotency_keys.prune, idempotency_keys.KEPT),
    (runs.prune, runs.QUIET_KEPT),
    (alarms.prune, alarms.KEPT),
    (reconciliations.prune, reconciliations.KEPT),
    (seen_values.prune, seen_values.KEPT),
    (quarantine.prune, quarantine.KEPT),
    (sign_ins.prune, sign_ins.KEPT),
    (strangers.prune, strangers.KEPT),
    (oversold.prune, oversold.KEPT),
)


class Retention:
    """`kept` says for how long inputs are kept now."""

    def __init__(self, database: Database, clock: Clock, kept: Callable[[], timedelta]) -> None:
        self._database = database
        self._clock = clock
        self._kept = kept

    def start(self, supervisor: Supervisor) -> None:
        supervisor.every("waste", _ROUND, self.clear)

    async def clear(self, pulse: Heartbeat | None = None) -> int:
        """Forget all whose time is over; returns how many."""
        now = self._clock.now()
        gone = await self._some(lambda tx: recorded_inputs.prune(tx, now - self._kept(), sparing=CONFIGURED), pulse)
        for prune, kept in _TIMED:
            gone += await self._some(functools.partial(prune, before=now - kept), pulse)
        return gone

    async def _some(self, work: Callable[[Transaction], Awaitable[int]], pulse: Heartbeat | None) -> int:
        """A few at a time, so that no landing waits for it."""
        count = 0
        while gone := await self._database.write(work):
            count += gone
            if pulse is not None:
                pulse.beat(4 * _ROUND)
        return count
