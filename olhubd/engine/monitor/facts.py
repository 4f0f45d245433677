"""The facts that alarms go by, of each source, each target, and the daemon itself.

Facts are gathered here; what they mean is decided in `decide.alarm_rules`.
"""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from typing import Any

import msgspec

from olhubd.config.kept import missing_settings
from olhubd.decide import plan
from olhubd.decide.alarm_rules import AlarmFacts, FailingFeed, LinkedOffers, SourceFacts, TargetFacts
from olhubd.decide.window import patience
from olhubd.engine.account import AccountUnit
from olhubd.engine.calls import OverdueCalls
from olhubd.engine.directory import Directory
from olhubd.engine.flow.strangers import Strangers
from olhubd.engine.in_force import InForce
from olhubd.engine.monitor.last_reads import LastReads
from olhubd.engine.monitor.reconcile import Reconciler
from olhubd.model import DeliveryState, Reason, Reconciliation
from olhubd.plugin import Clock
from olhubd.runtime.supervisor import Supervisor
from olhubd.store import (
    FAILURES,
    Database,
    accounts,
    credentials,
    deliveries,
    offers,
    order_counts,
    quarantine,
    reconciliations,
)
from olhubd.store.accounts import AccountState

__all__ = ["FactGatherer"]

_SWEPT = timedelta(days=1)
_NONE = timedelta(0)
_NAMED = 10
_LOOKS = 2
"""A difference between source and hub counts when it was seen so often."""


class FactGatherer:
    """Gathers them, and remembers since when something is as it is."""

    def __init__(
        self,
        directory: Directory,
        in_force: InForce,
        database: Database,
        clock: Clock,
        supervisor: Supervisor,
        strays: OverdueCalls,
        reads: LastReads,
        reconciler: Reconciler,
        strangers: Strangers,
    ) -> None:
        self._directory = directory
        self._in_force = in_force
        self._database = database
        self._clock = clock
        self._supervisor = supervisor
        self._strays = strays
        self._reads = reads
        self._reconciler = reconciler
        self._strangers = strangers
        self._began = clock.now()
        self._down: dict[str, datetime] = {}
        self._failing: dict[str, datetime] = {}

    async def gather(self) -> AlarmFacts:
        """All of them. Raises one of FAILURES where the database does not answer."""
        now = self._clock.now()
        daemon = self.daemon(now, database=await self._database.answers())
        if not daemon.database:
            raise FAILURES[0](Reason("database.no-answer"))
        return msgspec.structs.replace(
            daemon,
            sources=await self._sources(now),
            targets=await self._targets(now),
            stalled=dict(self._directory.stalled),
            **await self._links(),
        )

    async def _links(self) -> dict[str, Any]:
        """What a person must know of links. Nothing is asked about them where stock is not sold and no account is
        gone."""
        reader = self._database.reader
        rows = await accounts.every(reader)
        configured = self._in_force.configuration.accounts
        gone = [name for name, row in rows.items() if name not in configured and row.removed_at is None]
        linked = await offers.linked_accounts(reader, gone) if gone else {}
        return {
            "doubted": await offers.doubted(reader) if self._in_force.stock() else {},
            "gone": {
                name: LinkedOffers(count=count, names=await offers.linked_names(reader, name, _NAMED))
                for name, count in linked.items()
            },
        }

    def daemon(self, now: datetime, *, database: bool) -> AlarmFacts:
        """Those about the daemon alone, which need no database."""
        supervisor = self._supervisor
        self._failing = {name: self._failing.get(name, now) for name in supervisor.failing}
        return AlarmFacts(
            now=now,
            sources=(),
            targets=(),
            late=supervisor.overdue(),
            left=sorted({*supervisor.left, *(stray.name for stray in self._strays.alive)}),
            failing_since=self._failing,
            free=self._free(),
            database=database,
        )

    def _free(self) -> int | None:
        try:
            return shutil.disk_usage(self._in_force.configuration.daemon.data).free
        except OSError:
            return None

    async def _sources(self, now: datetime) -> list[SourceFacts]:
        reader = self._database.reader
        signed = await credentials.every(reader)
        missed = await order_counts.missed(reader, now, _SWEPT)
        refused = await quarantine.tally(reader)
        differing: dict[str, list[Reconciliation]] = {}
        for found in await reconciliations.different(reader, now - self._reconciler.horizon):
            if found.looks >= _LOOKS:
                differing.setdefault(found.account, []).append(found)
        sources = []
        configured = self._in_force.configuration.accounts
        for name, unit in list(self._directory.units.items()):
            heard = await self._reads.of(unit)
            keeper = unit.connection.keeper
            sources.append(
                SourceFacts(
                    name=name,
                    active=unit.row.state is AccountState.ACTIVE,
                    parked=(unit.row.reason or "") if unit.row.state is AccountState.PARKED else None,
                    fetches=unit.feeds.orders is not None,
                    began=max(self._began, unit.row.changed_at),
                    heard=heard,
                    checked=await self._reconciler.checked(name),
                    interval=unit.config.interval,
                    retention=unit.config.connector.defaults.retention,
                    signed_in=name in signed if unit.connection.sign_in_flows else None,
                    sign_in_ends=keeper.refresh_expires_at if keeper is not None else None,
                    missed=missed.get(name, 0),
                    quarantined=refused.get(name, 0),
                    differences=differing.get(name, ()),
                    trouble=unit.trouble.reason if unit.trouble is not None else None,
                    refused_since=unit.refused_since,
                    comparable=unit.feeds.comparable,
                    failing=_failing(unit),
                    import_due=await self._import_due(unit),
                    missing=[one.key for one in missing_settings(configured.get(name, unit.config))],
                    forbidden=[one.reason for one in unit.calls.forbidden],
                )
            )
        return sources

    async def _import_due(self, unit: AccountUnit) -> datetime | None:
        """Nothing is asked where nobody is to be reminded."""
        reader = unit.feeds.poller.products if unit.feeds.poller is not None else None
        if reader is None or not unit.config.products.remind:
            return None
        since = (await reader.standing()).remind_since
        return since.astimezone(self._in_force.configuration.daemon.zone) if since is not None else None

    async def _targets(self, now: datetime) -> list[TargetFacts]:
        reader = self._database.reader
        owed = await deliveries.tally(reader)
        since = await deliveries.waiting_since(reader)
        doubled = await deliveries.open_by_key(reader, *plan.DOUBLED)
        strange = await self._strangers.waiting()
        pending: dict[str, datetime] = {}
        for (target, action), at in since.items():
            from_then = at + max(
                (
                    patience(route, action)
                    for route in (one for one in self._in_force.routes() if one.target == target)
                ),
                default=_NONE,
            )
            pending[target] = min(from_then, pending.get(target, from_then))
        found = []
        for name, unit in list(self._directory.units.items()):
            down = unit.outbox.down
            if not down:
                self._down.pop(name, None)
            found.append(
                TargetFacts(
                    name=name,
                    active=unit.row.state is AccountState.ACTIVE,
                    down_since=self._down.setdefault(name, now) if down else None,
                    owed_since=pending.get(name),
                    held=owed.get((name, DeliveryState.HOLD), 0),
                    dead=owed.get((name, DeliveryState.DEAD), 0),
                    unmet=unit.trouble.reason if unit.feeds.poller is None and unit.trouble is not None else None,
                    doubled=doubled.get(name, 0),
                    strangers=strange.get(name, ()),
                )
            )
        return found


def _failing(unit: AccountUnit) -> list[FailingFeed]:
    """The feeds beside that of orders that cannot be read."""
    readers = unit.feeds.poller.readers if unit.feeds.poller is not None else ()
    return [
        FailingFeed(name=reader.name, since=reader.trouble.since, reason=reader.trouble.reason)
        for reader in readers
        if reader is not unit.feeds.orders and reader.trouble is not None
    ]
