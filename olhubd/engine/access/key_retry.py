"""A key that was refused for good is tried again by itself, ever later: the refusal may have been a mistake.

A key needs no person where the refusal was the system's own trouble.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from olhubd.engine.access.connection import Connection
from olhubd.engine.access.proof import IdentityProof
from olhubd.engine.account_record import AccountRecord
from olhubd.engine.services import Services
from olhubd.plugin import PluginError, Probe
from olhubd.runtime.backoff import Backoff
from olhubd.runtime.supervisor import Heartbeat

__all__ = ["KeyRetry"]

_FIRST, _LAST = 60.0, 3600.0
"""Seconds until it is tried again; each time twice as long."""


class KeyRetry:
    """Works while the account is parked; `taken` is called when its system takes the key, or cannot be asked."""

    def __init__(
        self,
        record: AccountRecord,
        connection: Connection,
        proof: IdentityProof,
        services: Services,
        taken: Callable[[], Awaitable[None]],
    ) -> None:
        self._record = record
        self._connection = connection
        self._proof = proof
        self._services = services
        self._taken = taken
        self._task = f"key of {record.row.name}"
        self._pauses = Backoff(_FIRST, _LAST)

    def start(self) -> None:
        self._services.supervisor.once(self._task, self._try)

    async def stop(self) -> None:
        await self._services.supervisor.stop(self._task)

    def recovered(self) -> None:
        """The key was taken: the next refusal begins with a short pause."""
        self._pauses.reset()

    async def _try(self, pulse: Heartbeat) -> None:
        while self._record.parked:
            pause = self._pauses.next()
            pulse.beat(pause + 2 * self._services.in_force.policy.timeout)
            await self._services.clock.sleep(pause)
            if not self._proof.given:
                continue  # another system may answer now
            if self._connection.connector.can(Probe):
                try:
                    await self._connection.visited(told=False)
                except PluginError:
                    continue
            if self._record.parked:
                await self._taken()
            return
