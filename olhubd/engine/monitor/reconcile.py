"""The daily reconciliation: the orders of each account's day, as the source counts them and as the hub holds them.

A day is counted some hours after it is over. Where a connector cannot count, or the counts differ, the orders are
listed by the sweep and compared one by one; what is missing is read again at once. A difference is looked at again,
and only what a second look still finds is raised as an alarm.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from olhubd.engine.account import AccountUnit
from olhubd.engine.directory import Directory
from olhubd.engine.errors import NotPossible
from olhubd.engine.event_log import EventLog
from olhubd.engine.in_force import InForce
from olhubd.model import Kind, Order, Reason, Reconciliation
from olhubd.plugin import (
    Clock,
    ContractBroken,
    Cursor,
    Log,
    OrderCount,
    OrderLookup,
    PluginError,
    Temporary,
    sweep_of,
)
from olhubd.runtime.supervisor import Heartbeat, Supervisor
from olhubd.store import FAILURES, Database, Transaction, order_counts, reconciliations, reread_queue
from olhubd.store.accounts import AccountState

__all__ = ["Reconciler"]

_ROUND = 600.0
_BACK = 7
"""Days that are made up for when the daemon did not run."""
_HORIZON = 30
"""Days for which a difference is looked at again and reported."""
_AGAIN = timedelta(hours=1)
_LIMIT = 300.0
"""Seconds for one look at one day."""
_NAMES = 20
_PAGES = 10_000


class Reconciler:
    """Compares by itself once a day, and by `reconcile` when a person asks."""

    def __init__(
        self,
        directory: Directory,
        in_force: InForce,
        database: Database,
        clock: Clock,
        events: EventLog,
        log: Log,
    ) -> None:
        self._directory = directory
        self._in_force = in_force
        self._database = database
        self._clock = clock
        self._events = events
        self._log = log
        self._checked: dict[str, datetime | None] = {}
        self._failing: set[str] = set()
        self._busy = asyncio.Lock()
        self.looks = 0
        self.last: dict[str, Reconciliation] = {}
        """The newest day that was compared, by account."""

    @property
    def horizon(self) -> timedelta:
        """How old a day may be whose difference still counts."""
        return timedelta(days=_HORIZON)

    def start(self, supervisor: Supervisor) -> None:
        supervisor.every("reconciliation", _ROUND, self.round)

    async def round(self, pulse: Heartbeat) -> None:
        """Compare what is due."""
        for unit in list(self._directory.units.values()):
            pulse.beat(_ROUND * 2 + _LIMIT * 2)
            await self._account(unit, pulse)

    async def checked(self, account: str) -> datetime | None:
        """When the account was last compared."""
        if account not in self._checked:
            newest = await reconciliations.listing(self._database.reader, account=account, limit=_HORIZON)
            self._checked[account] = max((found.looked_at for found in newest), default=None)
        return self._checked[account]

    async def reconcile(self, account: str, day: date | None, who: str) -> Reconciliation:
        """Compare one day now; the last whole one unless another is named. Raises NotPossible with the reason."""
        unit = self._directory.unit(account)
        if unit.feeds.orders is None:
            raise NotPossible(Reason("reconcile.nothing", account=account))
        if not unit.feeds.comparable:
            raise NotPossible(Reason("reconcile.no-count", account=account))
        if unit.row.state is not AccountState.ACTIVE:
            raise NotPossible(unit.row.why_off)
        today = self._clock.now().astimezone(self._zone).date()
        day = day or today - timedelta(days=1)
        if day >= today:
            raise NotPossible(Reason("reconcile.not-over", day=day))
        if day < unit.feeds.orders.since.astimezone(self._zone).date():
            raise NotPossible(
                Reason("reconcile.before", account=account, since=f"{unit.feeds.orders.since:%Y-%m-%d %H:%M}")
            )
        await self._events.note("account.reconciled", {}, who, account=account)
        known = await reconciliations.since(self._database.reader, account, day)
        return await self._look(unit, day, known.get(day))

    @property
    def _zone(self) -> ZoneInfo:
        return self._in_force.configuration.daemon.zone

    async def _account(self, unit: AccountUnit, pulse: Heartbeat) -> None:
        if unit.feeds.orders is None or not unit.feeds.comparable or unit.row.state is not AccountState.ACTIVE:
            return
        now = self._clock.now()
        today = now.astimezone(self._zone).date()
        known = await reconciliations.since(self._database.reader, unit.name, today - timedelta(days=_HORIZON))
        for day in self._due(unit, today, now, known):
            pulse.beat(_ROUND * 2 + _LIMIT * 2)
            try:
                await self._look(unit, day, known.get(day))
            except PluginError as error:
                # The reader of the feed reports the same trouble; here only that nothing was compared.
                report = self._log.debug if unit.name in self._failing else self._log.warning
                report("cannot be reconciled", account=unit.name, day=day.isoformat(), reason=str(error))
                self._failing.add(unit.name)
                return
            except FAILURES:
                raise
            except Exception:
                # A fault in one connector is ours to mend, and keeps no other account from being compared.
                if unit.name not in self._failing:
                    self._log.error("connector failed", account=unit.name, day=day.isoformat(), exc_info=True)
                self._failing.add(unit.name)
                return
            self._failing.discard(unit.name)

    def _due(
        self, unit: AccountUnit, today: date, now: datetime, known: dict[date, Reconciliation]
    ) -> Iterator[date]:
        after = self._in_force.configuration.alarms.reconcile_after
        for back in range(_HORIZON, 0, -1):
            day = today - timedelta(days=back)
            found = known.get(day)
            since, until = self._bounds(day, unit)
            if since >= until or now < until + after:
                continue
            if found is None:
                if back <= _BACK:
                    yield day
            elif found.different:
                # Often at first; what stays wrong for a day is wrong for good until somebody mends it.
                pause = _AGAIN if found.looks < 24 else timedelta(days=1)
                if now - found.looked_at >= pause:
                    yield day

    def _bounds(self, day: date, unit: AccountUnit) -> tuple[datetime, datetime]:
        """The day's beginning and end, or what of it comes after the account's own beginning."""
        since = _midnight(day, self._zone)
        if unit.feeds.orders is not None:
            since = max(since, unit.feeds.orders.since)
        return since, _midnight(day + timedelta(days=1), self._zone)

    async def _look(self, unit: AccountUnit, day: date, before: Reconciliation | None) -> Reconciliation:
        async with self._busy:
            try:
                async with asyncio.timeout(_LIMIT):
                    found = await self._compare(unit, day, before)
            except TimeoutError:
                raise Temporary(Reason("reconcile.time-out", day=day, seconds=f"{_LIMIT:g}")) from None
        self.looks += 1
        self._checked[unit.name] = found.looked_at
        newest = self.last.get(unit.name)
        if newest is None or newest.day <= found.day:
            self.last[unit.name] = found
        return found

    async def _compare(self, unit: AccountUnit, day: date, before: Reconciliation | None) -> Reconciliation:
        since, until = self._bounds(day, unit)
        reader = self._database.reader
        held = await order_counts.live(reader, unit.name, since, until)
        missing: list[str] = []
        surplus: list[str] = []
        counted = None
        counter = unit.connector.capability(OrderCount)
        if counter is not None and (before is None or not before.different):
            count = partial(counter.count_orders, since, until)
            counted = await unit.calls.read("count_orders", count, int, limit=_LIMIT)
        if counted is None or counted != len(held):
            listed = await self._listed(unit, since, until)
            known = await order_counts.known(reader, unit.name, listed)
            missing = [id_ for id_ in listed if id_ not in known]
            there = set(listed)
            surplus = [id_ for id_, due in held.items() if due and id_ not in there]
            counted = len(listed)
        found = Reconciliation(
            id=before.id if before is not None else await self._database.next_id("reconciliations"),
            account=unit.name,
            day=day,
            since=since,
            until=until,
            source=counted,
            hub=len(held),
            missing=len(missing),
            surplus=len(surplus),
            names=tuple([*missing, *surplus][:_NAMES]),
            looks=(before.looks if before is not None else 0) + 1,
            looked_at=self._clock.now(),
        )
        await self._store(unit, found, missing)
        return found

    async def _listed(self, unit: AccountUnit, since: datetime, until: datetime) -> list[str]:
        """The orders placed in that time, by the source's own list."""
        sweep, cursor, ids = sweep_of(unit.connector.feed(Kind.ORDER)), None, dict[str, None]()
        if sweep is None:
            raise ContractBroken(Reason("reconcile.no-list"))
        for _ in range(_PAGES):
            page = await unit.calls.page("sweep", partial(sweep.sweep, since, cursor), cursor, limit=_LIMIT)
            if page.failure is not None:
                raise page.failure
            ids.update(
                dict.fromkeys(
                    record.external_id
                    for record in page.records
                    if isinstance(record, Order) and since <= record.placed_at < until
                )
            )
            if not page.more:
                return list(ids)
            cursor = Cursor(page.cursor)
        raise ContractBroken(f"the sweep goes on after {_PAGES} pages")

    async def _store(self, unit: AccountUnit, found: Reconciliation, missing: list[str]) -> None:
        wishes = []
        if unit.connector.can(OrderLookup):
            reason = f"missing on {found.day}"
            wishes = [
                reread_queue.RereadRequest(kind=Kind.ORDER, external_id=id_, due_at=found.looked_at, reason=reason)
                for id_ in missing[:500]
            ]

        async def work(tx: Transaction) -> None:
            await reconciliations.put(tx, found)
            if wishes:
                await reread_queue.put(tx, unit.name, wishes)

        await self._database.write(work)
        if wishes and unit.feeds.poller is not None:
            unit.feeds.poller.look_up()


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """When the day begins there, as UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)
