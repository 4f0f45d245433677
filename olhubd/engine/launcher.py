"""Beginning and ending accounts: under which row one begins, and what becomes of one that cannot begin or end.

No account keeps another from beginning or ending, whatever its plugin does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from olhubd.config import AccountConfig
from olhubd.engine.account import AccountUnit
from olhubd.engine.calls import PluginFault
from olhubd.engine.directory import Directory
from olhubd.engine.prices.account_prices import switch_off_unnamed
from olhubd.engine.services import Services
from olhubd.engine.takeover import take_over
from olhubd.model import Reason
from olhubd.plugin import Log
from olhubd.plugin.errors import LONGEST_PAUSE
from olhubd.store import (
    FAILURES,
    TROUBLE,
    Transaction,
    account_settings,
    accounts,
    credentials,
    deliveries,
    feeds,
    reread_queue,
    sign_ins,
)
from olhubd.store.accounts import AccountRow, AccountState

__all__ = ["Launcher", "log_failure"]


class Launcher:
    """Puts accounts into the directory and takes them out of it. After `close` none begins any more."""

    def __init__(self, services: Services, directory: Directory) -> None:
        self._services = services
        self._directory = directory
        self._log = services.log
        self._closed = False

    def close(self) -> bool:
        """Let no account begin any more. True the first time."""
        first, self._closed = not self._closed, True
        return first

    # Beginning

    async def begin_all(self, now: datetime) -> None:
        """Begin all accounts of the configuration, after the process that had them before. Raises what ails the
        database."""
        database, configured = self._services.database, self._services.in_force.configuration.accounts
        known = await accounts.every(database.reader)
        # Where nobody else can be at work, what was left of accounts that are not configured any more is ended too.
        await self._take_over({*configured, *(known if database.alone else ())}, now, first=True)
        await self.switch_off_prices()
        for config in configured.values():
            try:
                await self._begin(config, known.get(config.name))
            except FAILURES:
                raise
            except Exception as error:
                self._stall(config.name, error)  # one account's plugin is no reason for the others to stay away

    async def switch_off_prices(self) -> None:
        """Remember to which accounts no rule sends prices any more, when those that kept them have ended."""
        await switch_off_unnamed(self._services.database, self._services.in_force)

    async def attempt(self, name: str) -> Exception | None:
        """Begin an account, or have it `stalled` and give the reason."""
        services = self._services
        try:
            config = services.in_force.configuration.accounts[name]
            await self._begin(config, await accounts.get(services.database.reader, name))
        except Exception as error:
            self._stall(name, error)
            return error
        if self._directory.stalled.pop(name, None) is not None:
            self._log.info("has begun after all", account=name)
        return None

    async def _begin(self, config: AccountConfig, row: AccountRow | None) -> None:
        if not config.enabled or self._closed:
            return
        if config.name not in self._services.database.held or config.name in self._directory.displaced:
            await self._take_over([config.name], self._services.clock.now())
            self._directory.displaced.discard(config.name)
        unit = AccountUnit(config, await self._own_row(config, row), self._services)
        self._directory.units[config.name] = unit
        unit.start()

    async def _own_row(self, config: AccountConfig, row: AccountRow | None) -> AccountRow:
        """The row as it is stored, or a new one for an account that is new, is back, or has another connector."""
        if row is not None and row.connector == config.connector.name and row.removed_at is None:
            return row
        now = self._services.clock.now()
        another = row is not None and row.connector != config.connector.name
        same = row if not another else None
        fresh = AccountRow(
            name=config.name,
            connector=config.connector.name,
            state=AccountState.ACTIVE,
            changed_at=now,
            started_at=now,
            # Removed and back again: what it was called, and above all whose it is, still holds.
            owner=same.owner if same else None,
            login=same.login if same else None,
            title=same.title if same else None,
            fingerprint=same.fingerprint if same else None,
        )

        async def work(tx: Transaction) -> None:
            await accounts.put(tx, fresh)
            if another:  # cursors and tokens of another system mean nothing to this one
                await feeds.forget(tx, fresh.name)
                await reread_queue.forget_all(tx, fresh.name)
                await account_settings.forget(tx, fresh.name)
                await credentials.delete(tx, fresh.name)
                await sign_ins.delete(tx, fresh.name)

        await self._services.database.write(work)
        if another:
            self._log.warning("has another connector and begins anew", account=config.name)
        return fresh

    async def _take_over(self, names: Collection[str], now: datetime, *, first: bool = False) -> None:
        in_force = self._services.in_force
        # Due later than a hold, a backoff or a server's Retry-After can ask for, it was stored under a wrong clock.
        routes = in_force.routes()
        holds = [route.hold_seconds for route in routes]
        windows = [max(route.status_window, route.payment_window).total_seconds() for route in routes]
        longest = max(*holds, *windows, in_force.policy.backoff_max, LONGEST_PAUSE)
        latest = now + timedelta(seconds=longest)
        await take_over(self._services.database, names, now, latest, first=first)

    def _stall(self, name: str, error: Exception) -> None:
        if name not in self._directory.stalled:
            self._log.error("cannot begin", account=name, exc_info=error)
        why = error.kind if isinstance(error, PluginFault) else type(error).__name__
        self._directory.stalled[name] = Reason("account.stalled", why=why)

    async def wake_owed(self) -> None:
        """Wake every target with open deliveries, if a wake-up was lost."""
        tally = await deliveries.tally(self._services.database.reader)
        self._directory.wake({target for target, _ in tally})

    # Ending

    async def end(self, names: Iterable[str], grace: float) -> None:
        """End these, each within `grace` seconds."""
        await asyncio.gather(*(self._end(name, grace) for name in names))

    async def _end(self, name: str, grace: float) -> None:
        try:
            await self._directory.units.pop(name).stop(grace)
        except Exception as error:
            # What it did has ended; that something of it could not be closed is no reason to leave it at rest.
            log_failure(self._log, "did not end well", error, account=name)

    async def end_all(self, grace: float) -> None:
        """End all that are at work, each within `grace` seconds."""
        # Out of reach first, or one that ends late would wake one that has ended.
        units = list(self._directory.units.values())
        self._directory.units.clear()
        ended = await asyncio.gather(*(unit.stop(grace) for unit in units), return_exceptions=True)
        for unit, error in zip(units, ended, strict=True):
            if error is not None:
                log_failure(self._log, "did not end well", error, account=unit.name)


def log_failure(log: Log, what: str, error: BaseException, **where: str) -> None:
    """Log it: the database's trouble in words, a mistake with where it was made."""
    told: Mapping[str, Any] = {"reason": str(error)} if isinstance(error, TROUBLE) else {"exc_info": error}
    log.error(what, **where, **told)
