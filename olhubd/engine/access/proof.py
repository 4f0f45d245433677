"""The proof that an account still talks to the system it belongs to, asked for where its settings changed.

Until it is given nothing is fetched or sent (`engine.access.identity` says why). An account that was never asked is
not kept waiting: whichever its system is, the account is theirs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from olhubd.config import AccountConfig
from olhubd.engine.access import identity
from olhubd.engine.access.connection import Connection
from olhubd.engine.account_record import AccountRecord
from olhubd.engine.feed.reader import FeedFailure
from olhubd.engine.services import Services
from olhubd.plugin import Identity, Log, PluginError
from olhubd.runtime.backoff import Backoff
from olhubd.runtime.supervisor import Heartbeat

__all__ = ["IdentityProof"]

_FIRST, _LAST = 2.0, 3600.0
"""Seconds between two questions who a system is."""


class IdentityProof:
    """Asks until the system says who it is; `answered` is then called, with `another` where it is another one."""

    def __init__(
        self,
        config: AccountConfig,
        record: AccountRecord,
        connection: Connection,
        services: Services,
        log: Log,
        answered: Callable[[], Awaitable[None]],
    ) -> None:
        self._record = record
        self._connection = connection
        self._services = services
        self._log = log
        self._answered = answered
        self._task = f"identity of {config.name}"
        self._fingerprint = identity.fingerprint(config.settings) if identity.provable(config.connector) else None
        self.given = record.row.owner is None or not self._needed
        """Whether the account may work."""
        self.another: Identity | None = None
        """The other system that answered."""
        self.unmet: FeedFailure | None = None
        """Why its system has not said yet who it is."""

    @property
    def _needed(self) -> bool:
        return self._fingerprint not in (None, self._record.row.fingerprint)

    def start(self) -> None:
        """Begin to ask, where a proof is needed."""
        if self._needed:
            self._services.supervisor.once(self._task, self._ask)

    async def stop(self) -> None:
        await self._services.supervisor.stop(self._task)

    async def accept(self, found: Identity, who: str) -> None:
        """A person says that the other system which answered is the same shop."""
        await self._belong(found, "account.moved", who)

    async def _ask(self, pulse: Heartbeat) -> None:
        clock, policy = self._services.clock, self._services.in_force.policy
        backoff = Backoff(_FIRST, _LAST)
        found: Identity | None = None
        while found is None:
            pulse.beat(2 * policy.timeout)
            try:
                found = await self._connection.visited()
            except PluginError as error:
                since = self.unmet.since if self.unmet is not None else clock.now()
                self.unmet = FeedFailure(since=since, reason=str(error))
                if not self.given and not backoff.failures:
                    self._log.warning("waits until its system has said who it is", reason=str(error))
                pause = backoff.next()
                pulse.beat(pause + 2 * policy.timeout)
                await clock.sleep(pause)
        self.unmet = None
        if self._record.row.owner in (None, found.id):
            await self._belong(found)
        else:
            self.another, self.given = found, False
        await self._answered()

    async def _belong(self, found: Identity, kind: str | None = None, who: str = "hub") -> None:
        """Remember whose it is, and by which settings that was proved."""
        await self._record.change(
            kind, {"new": found.id}, who, owner=found.id, login=found.login, fingerprint=self._fingerprint
        )
        self.another, self.given = None, True
