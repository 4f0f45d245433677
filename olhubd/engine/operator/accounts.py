"""The accounts as a person keeps them: what they are called, and when one may go.

Which accounts there are is the configuration's to say. One that it names no more keeps its orders and history; to
remove it means to forget its sign-in and the positions of its feeds, which is refused while anything of it is open.
"""

from __future__ import annotations

import msgspec

from olhubd.engine.directory import Directory
from olhubd.engine.errors import NotPossible
from olhubd.engine.event_log import EventLog
from olhubd.engine.in_force import InForce
from olhubd.model import Reason, chained
from olhubd.plugin import Clock
from olhubd.store import (
    Database,
    Reader,
    Transaction,
    account_settings,
    accounts,
    credentials,
    deliveries,
    feeds,
    offers,
    quarantine,
    reread_queue,
    sales_stops,
    sign_ins,
    stock_plans,
)
from olhubd.store.accounts import AccountRow

__all__ = ["AccountActions"]

_NAMED = 20
"""Linked offers of an account that are named when it cannot be removed."""


class AccountActions:
    """Accounts are renamed and removed by it."""

    def __init__(
        self, directory: Directory, in_force: InForce, database: Database, clock: Clock, events: EventLog
    ) -> None:
        self._directory = directory
        self._in_force = in_force
        self._database = database
        self._clock = clock
        self._events = events

    async def rename(self, name: str, title: str | None, who: str) -> None:
        """Call an account otherwise. Its key, its orders and their marks stay as they are."""
        row = await self._row(name)
        config = self._in_force.configuration.accounts.get(name)
        usual = config.title if config is not None else name
        facts = {"old": row.title or usual, "title": title or usual}
        unit = self._directory.units.get(name)
        if unit is not None:
            await unit.record.change("account.renamed", facts, who, title=title)
            return

        async def work(tx: Transaction) -> None:
            await accounts.put(tx, msgspec.structs.replace(row, title=title))
            await self._events.note("account.renamed", facts, who, account=name, tx=tx)

        await self._database.write(work)

    async def gone(self) -> list[AccountRow]:
        """Those that the configuration names no more."""
        known = self._in_force.configuration.accounts
        rows = await accounts.every(self._database.reader)
        return [row for name, row in sorted(rows.items()) if name not in known and row.removed_at is None]

    async def ties(self, reader: Reader, name: str) -> tuple[str, ...]:
        """What of an account is still pending or waits, each in words."""
        to, of = await deliveries.ties(reader, name)
        waiting = (await quarantine.tally(reader)).get(name, 0)
        told = ((to, "remove.owed"), (of, "remove.owed-elsewhere"), (waiting, "remove.quarantine"))
        ties = [Reason(code, n=count, target=name) for count, code in told if count]
        if linked := (await offers.linked_accounts(reader, [name])).get(name):
            names = [*await offers.linked_names(reader, name, _NAMED), *["…"] * (linked > _NAMED)]
            ties.append(Reason("remove.linked", n=linked, target=name, offers=", ".join(names)))
        return tuple(ties)

    async def remove(self, name: str, who: str) -> None:
        """Forget an account's sign-in and the positions of its feeds. Its orders and their history are kept."""
        if name in self._in_force.configuration.accounts:
            raise NotPossible(Reason("remove.configured", account=name, section=name))
        row = await self._row(name)

        async def work(tx: Transaction) -> None:
            if ties := await self.ties(tx, name):
                raise NotPossible(Reason("remove.not-yet", account=name, ties=chained(ties)))
            await credentials.delete(tx, name)
            await sign_ins.delete(tx, name)
            await feeds.forget(tx, name)
            await reread_queue.forget_all(tx, name)
            await account_settings.forget(tx, name)
            await sales_stops.forget_account(tx, name)
            await stock_plans.forget_account(tx, name, self._clock.now())
            await accounts.put(tx, msgspec.structs.replace(row, removed_at=self._clock.now()))
            await self._events.note("account.removed", {}, who, account=name, tx=tx)

        await self._database.write(work)

    async def _row(self, name: str) -> AccountRow:
        row = await accounts.get(self._database.reader, name)
        if row is None or row.removed_at is not None:
            raise NotPossible(Reason("none.account", account=name))
        return row
