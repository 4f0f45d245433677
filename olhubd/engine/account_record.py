"""What is stored of one account: whose it is, what it is called, and whether it works.

An account is active, paused by a person, or parked by the hub because its grant is lost or it was blocked. The
state is stored, so a restart does not wake what somebody put to sleep.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from olhubd.engine.event_log import EventLog
from olhubd.plugin import Clock
from olhubd.store import Database, Transaction, accounts
from olhubd.store.accounts import AccountRow, AccountState

__all__ = ["AccountRecord"]


class AccountRecord:
    """Changes the row, one change at a time, each in one transaction with its event."""

    def __init__(self, row: AccountRow, database: Database, clock: Clock, events: EventLog) -> None:
        self.row = row
        self._database = database
        self._clock = clock
        self._events = events
        self._changing = asyncio.Lock()

    @property
    def active(self) -> bool:
        return self.row.state is AccountState.ACTIVE

    @property
    def parked(self) -> bool:
        return self.row.state is AccountState.PARKED

    async def move(self, state: AccountState, reason: str | None, kind: str, who: str = "hub") -> None:
        """Change its state, by an event of that kind. A person's decision stays: only what is active is parked."""
        async with self._changing:
            if state is AccountState.PARKED and not self.active:
                return
            row = msgspec.structs.replace(self.row, state=state, reason=reason, changed_at=self._clock.now())
            await self._store(row, kind, {"reason": reason} if reason else {}, who)

    async def change(
        self, kind: str | None, facts: Mapping[str, object] | None = None, who: str = "hub", **words: Any
    ) -> AccountRow:
        """Change these words of the row, with an event where a kind is named. Returns the row as it is then."""
        async with self._changing:
            row = msgspec.structs.replace(self.row, **words)
            await self._store(row, kind, facts or {}, who)
            return row

    async def _store(self, row: AccountRow, kind: str | None, facts: Mapping[str, object], who: str) -> None:
        async def work(tx: Transaction) -> None:
            await accounts.put(tx, row)
            if kind is not None:
                await self._events.note(kind, facts, who, account=row.name, tx=tx)

        await self._database.write(work)
        self.row = row
