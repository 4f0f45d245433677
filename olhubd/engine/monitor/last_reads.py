"""Up to when all orders of an account are known: the end of the last run of its feed that went well."""

from __future__ import annotations

from datetime import datetime

from olhubd.engine.account import AccountUnit
from olhubd.engine.feed.run_log import RunLog
from olhubd.model import RunState
from olhubd.store import Database, order_counts

__all__ = ["LastReads"]


class LastReads:
    """Remembers it for each account, also over runs that fail; what was before this process is asked for once."""

    def __init__(self, database: Database, runs: RunLog) -> None:
        self._database = database
        self._runs = runs
        self._known: dict[str, datetime | None] = {}

    async def of(self, unit: AccountUnit) -> datetime | None:
        """That of this account; None where its orders were never read to the end."""
        run = self._runs.latest.get((unit.name, "orders"))
        if run is not None and run.state is RunState.DONE:
            self._known[unit.name] = run.ended_at
        elif unit.name not in self._known and unit.feeds.orders is not None:
            self._known[unit.name] = await order_counts.read_at(self._database.reader, unit.name, "orders")
        return self.known(unit.name)

    def known(self, account: str) -> datetime | None:
        """The same as it was when it was last asked for."""
        return self._known.get(account)
