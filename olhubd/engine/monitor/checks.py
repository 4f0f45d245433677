"""The round that looks whether all is well, and has alarms raised and cleared.

It gathers the facts; what they mean is decided in `decide.watch` and `decide.silence`. Each check counts how often
it ran and what it found, since one that never runs finds nothing either.
"""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from olhubd.decide import alarm_rules, order_rate, plan
from olhubd.decide.alarm_rules import AlarmFacts, AlarmFinding, AlarmLimits, FailingFeed, SourceFacts, TargetFacts
from olhubd.decide.vocabulary import UnknownWord
from olhubd.engine.account import AccountUnit
from olhubd.engine.monitor.alarms import OpenAlarms
from olhubd.engine.monitor.vocabulary import told
from olhubd.model import AlarmKind, DeliveryState, Reason, Reconciliation, RunState
from olhubd.plugin import Log
from olhubd.runtime.supervisor import Heartbeat, Supervisor
from olhubd.store import FAILURES, credentials, deliveries, order_counts, quarantine, reconciliations
from olhubd.store.accounts import AccountState

if TYPE_CHECKING:
    from olhubd.engine.hub import Hub

__all__ = ["Checks"]

_ROUND, _FIRST = 60.0, 20.0
"""Seconds between two looks; after the first one sooner, since what never works shows at the start."""
_LISTEN = timedelta(minutes=10)
"""Between two looks at how quiet an account is."""
_SWEPT = timedelta(days=1)
_LOOKS = 2
"""A difference between source and hub counts when it was seen so often."""

_OF_SOURCES = (
    AlarmKind.FEED,
    AlarmKind.RETENTION,
    AlarmKind.MISSED,
    AlarmKind.QUARANTINE,
    AlarmKind.SIGN_IN,
    AlarmKind.PARKED,
    AlarmKind.UNCHECKED,
)
_OF_TARGETS = (AlarmKind.UNDELIVERED, AlarmKind.TARGET_DOWN, AlarmKind.HOLD, AlarmKind.DOUBLED, AlarmKind.STRANGER)


class _Ear(msgspec.Struct):
    """What is usual at one account, learned once a day, and how it looked last."""

    learned: order_rate.UsualRate | None = None
    learned_at: datetime | None = None
    looked_at: datetime | None = None
    found: AlarmFinding | None = None


class Checks:
    """Looks at the hub once a minute, and when somebody has signed in."""

    def __init__(self, hub: Hub, alarms: OpenAlarms, log: Log) -> None:
        self._hub = hub
        self._alarms = alarms
        self._log = log
        self._heard: dict[str, datetime | None] = {}
        self._down: dict[str, datetime] = {}
        self._failing: dict[str, datetime] = {}
        self._ears: dict[str, _Ear] = {}
        self._began = hub.clock.now()
        self._looking = asyncio.Lock()
        self._rounds = 0
        self.ran: Counter[AlarmKind] = Counter()
        self.found: Counter[AlarmKind] = Counter()

    def start(self, supervisor: Supervisor) -> None:
        supervisor.every("alarms", self._pause, self.round)

    def _pause(self) -> float:
        """The second look comes soon, for accounts that never worked."""
        return _FIRST if self._rounds < 2 else _ROUND

    async def round(self, _pulse: Heartbeat | None = None) -> None:
        """Look once; two at a time would raise the same twice."""
        self._rounds += 1
        async with self._looking:
            await self._look()

    async def _look(self) -> None:
        off = self._hub.configuration.alarms.off
        try:
            await self._hub.strangers.ask()
            facts = await self._facts()
            found = [*alarm_rules.findings(facts, self._limits()), *await self._silences(facts.now), *self._words()]
        except FAILURES:
            # Nothing can be said about accounts without the database; what was on stays on.
            kept = [
                AlarmFinding(kind=alarm.kind, subject=alarm.subject, detail=alarm.detail)
                for (kind, _), alarm in self._alarms.open.items()
                if kind not in (AlarmKind.DATABASE, AlarmKind.LOOP, AlarmKind.DISK)
            ]
            blind = self._daemon(self._hub.clock.now(), database=False)
            found = [*kept, *alarm_rules.findings(blind, self._limits())]
        self.found.update(finding.kind for finding in found)
        await self._alarms.settle(finding for finding in found if finding.kind not in off)

    def _limits(self) -> AlarmLimits:
        alarms = self._hub.configuration.alarms
        return AlarmLimits(
            feed=alarms.not_fetched,
            retention=alarms.retention_share,
            undelivered=alarms.undelivered,
            target_down=alarms.target_down,
            sign_in=alarms.sign_in_ahead,
            disk=alarms.disk_free * 2**20,
        )

    async def _facts(self) -> AlarmFacts:
        hub, now = self._hub, self._hub.clock.now()
        reader = hub.database.reader
        daemon = self._daemon(now, database=await hub.database.answers())
        if not daemon.database:
            raise FAILURES[0](Reason("database.no-answer"))
        signed = await credentials.every(reader)
        missed = await order_counts.missed(reader, now, _SWEPT)
        refused = await quarantine.tally(reader)
        differing: dict[str, list[Reconciliation]] = {}
        for found in await reconciliations.different(reader, now - hub.reconciler.horizon):
            if found.looks >= _LOOKS:
                differing.setdefault(found.account, []).append(found)
        sources = []
        for name, unit in list(hub.units.items()):
            heard = await self._hear(unit)
            keeper = unit.keeper
            sources.append(
                SourceFacts(
                    name=name,
                    active=unit.row.state is AccountState.ACTIVE,
                    parked=(unit.row.reason or "") if unit.row.state is AccountState.PARKED else None,
                    fetches=unit.orders is not None,
                    began=max(self._began, unit.row.changed_at),
                    heard=heard,
                    checked=await hub.reconciler.checked(name),
                    interval=unit.config.interval,
                    retention=unit.config.connector.defaults.retention,
                    signed_in=name in signed if unit.sign_in_flows else None,
                    sign_in_ends=keeper.refresh_expires_at if keeper is not None else None,
                    missed=missed.get(name, 0),
                    quarantined=refused.get(name, 0),
                    differences=differing.get(name, ()),
                    trouble=unit.trouble.reason if unit.trouble is not None else None,
                    refused_since=unit.refused_since,
                    comparable=unit.comparable,
                    failing=_failing(unit),
                )
            )
        targets = await self._targets(now)
        for kind in _OF_SOURCES:
            self.ran[kind] += len(sources)
        for kind in _OF_TARGETS:
            self.ran[kind] += len(targets)
        self.ran[AlarmKind.RECONCILIATION] = hub.reconciler.looks
        return msgspec.structs.replace(daemon, sources=sources, targets=targets, stalled=dict(hub.stalled))

    async def _hear(self, unit: AccountUnit) -> datetime | None:
        """Up to when all orders of the account are known."""
        run = self._hub.runs.latest.get((unit.name, "orders"))
        if run is not None and run.state is RunState.DONE:
            self._heard[unit.name] = run.ended_at
        elif unit.name not in self._heard and unit.orders is not None:
            self._heard[unit.name] = await order_counts.read_at(self._hub.database.reader, unit.name, "orders")
        return self._heard.get(unit.name)

    async def _targets(self, now: datetime) -> list[TargetFacts]:
        hub = self._hub
        reader = hub.database.reader
        owed = await deliveries.tally(reader)
        since = await deliveries.waiting_since(reader)
        doubled = await deliveries.open_by_key(reader, *plan.DOUBLED)
        strange = await hub.strangers.waiting()
        holds: dict[str, float] = {}
        for route in hub.routes:
            holds[route.target] = max(route.hold_seconds, holds.get(route.target, 0.0))
        found = []
        for name, unit in list(hub.units.items()):
            down = unit.dispatcher is not None and unit.dispatcher.down
            if not down:
                self._down.pop(name, None)
            waits = since.get(name)
            found.append(
                TargetFacts(
                    name=name,
                    active=unit.row.state is AccountState.ACTIVE,
                    down_since=self._down.setdefault(name, now) if down else None,
                    owed_since=waits + timedelta(seconds=holds.get(name, 0.0)) if waits else None,
                    held=owed.get((name, DeliveryState.HOLD), 0),
                    dead=owed.get((name, DeliveryState.DEAD), 0),
                    unmet=unit.trouble.reason if unit.poller is None and unit.trouble is not None else None,
                    doubled=doubled.get(name, 0),
                    strangers=strange.get(name, ()),
                )
            )
        return found

    def _daemon(self, now: datetime, *, database: bool) -> AlarmFacts:
        supervisor = self._hub.supervisor
        failing = supervisor.failing
        self._failing = {name: self._failing.get(name, now) for name in failing}
        for kind in (AlarmKind.LOOP, AlarmKind.DISK, AlarmKind.DATABASE):
            self.ran[kind] += 1
        return AlarmFacts(
            now=now,
            sources=(),
            targets=(),
            late=supervisor.overdue(),
            left=sorted({*supervisor.left, *(stray.name for stray in self._hub.strays.alive)}),
            failing_since=self._failing,
            free=self._free(),
            database=database,
        )

    def _words(self) -> list[AlarmFinding]:
        """One alarm an account, with the first of its words."""
        hub, by_account = self._hub, dict[str, list[UnknownWord]]()
        for one in hub.vocabulary.unknown:
            if not one.sent:
                continue  # it harms no order; the doctor tells it
            by_account.setdefault(one.account, []).append(one)
        self.ran[AlarmKind.WORDS] += len(hub.units)
        return [
            AlarmFinding(
                kind=AlarmKind.WORDS,
                subject=name,
                detail=_first(told(ones[0], hub.configuration), len(ones)),
            )
            for name, ones in by_account.items()
        ]

    def _free(self) -> int | None:
        try:
            return shutil.disk_usage(self._hub.configuration.daemon.data).free
        except OSError:
            return None

    async def _silences(self, now: datetime) -> list[AlarmFinding]:
        if AlarmKind.SILENCE in self._hub.configuration.alarms.off:
            return []
        found = []
        for name, unit in list(self._hub.units.items()):
            if unit.orders is None or unit.row.state is not AccountState.ACTIVE:
                self._ears.pop(name, None)
                continue
            ear = self._ears.setdefault(name, _Ear())
            heard = self._heard.get(name)
            if heard is not None and (ear.looked_at is None or now - ear.looked_at >= _LISTEN):
                ear.looked_at = now
                ear.found = await self._listen(unit, ear, heard)
            if ear.found is not None:
                found.append(ear.found)
        self._ears = {name: ear for name, ear in self._ears.items() if name in self._hub.units}
        return found

    async def _listen(self, unit: AccountUnit, ear: _Ear, heard: datetime) -> AlarmFinding | None:
        """Whether the account brings too little. One that is not read is not silent but deaf, which is told too."""
        alarms, reader = self._hub.configuration.alarms, self._hub.database.reader
        zone, name = self._hub.configuration.daemon.zone, unit.name
        if ear.learned_at is None or heard - ear.learned_at >= timedelta(days=1):
            since = heard - order_rate.HISTORY
            first = max(since, unit.orders.since if unit.orders is not None else since)
            counts = await order_counts.count(reader, name, since, heard)
            ear.learned = order_rate.learn(counts, first, heard, zone, alarms.quiet_days)
            ear.learned_at = heard
        if ear.learned is None:
            return None
        self.ran[AlarmKind.SILENCE] += 1
        last = await order_counts.last(reader, name, heard)
        since = min(heard - timedelta(days=9), (last or heard) - timedelta(days=9))
        counts = await order_counts.count(reader, name, since, heard)
        raised = (AlarmKind.SILENCE, name) in self._alarms.open
        verdict = order_rate.judge(
            ear.learned, counts, last, heard, zone, alarms.silence_rarity, alarms.quiet_days, raised
        )
        if not verdict.silent:
            return None
        text = Reason(
            "alarm.silence", n=verdict.came, since=f"{verdict.since:%Y-%m-%d %H:%M}", usual=f"{verdict.due:.0f}"
        )
        return AlarmFinding(kind=AlarmKind.SILENCE, subject=name, detail=text)


def _failing(unit: AccountUnit) -> list[FailingFeed]:
    """The feeds beside that of orders that cannot be read."""
    readers = unit.poller.readers if unit.poller is not None else ()
    return [
        FailingFeed(name=reader.name, since=reader.trouble.since, reason=reader.trouble.reason)
        for reader in readers
        if reader is not unit.orders and reader.trouble is not None
    ]


def _first(detail: str, of: int) -> str:
    """The first of several, with how many more there are."""
    return detail if of == 1 else Reason("alarm.no-word-more", first=detail, n=of - 1)
