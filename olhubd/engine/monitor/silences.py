"""Whether an account brings fewer orders than usual. What is usual, and what too few, `decide.order_rate` says."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from olhubd.decide import order_rate
from olhubd.decide.alarm_rules import AlarmFinding
from olhubd.engine.account import AccountUnit
from olhubd.engine.directory import Directory
from olhubd.engine.in_force import InForce
from olhubd.engine.monitor.alarms import OpenAlarms
from olhubd.engine.monitor.last_reads import LastReads
from olhubd.model import AlarmKind, Reason
from olhubd.store import Database, order_counts
from olhubd.store.accounts import AccountState

__all__ = ["Silences"]

_LISTEN = timedelta(minutes=10)
"""Between two looks at how quiet an account is."""


class _RateState(msgspec.Struct):
    """What is usual at one account, learned once a day, and how it looked last."""

    learned: order_rate.UsualRate | None = None
    learned_at: datetime | None = None
    looked_at: datetime | None = None
    found: AlarmFinding | None = None


class Silences:
    """Looks at each account every ten minutes, and hands what is usual to its feeds.

    `looks` counts how often one could be judged.
    """

    def __init__(
        self, directory: Directory, in_force: InForce, database: Database, reads: LastReads, alarms: OpenAlarms
    ) -> None:
        self._directory = directory
        self._in_force = in_force
        self._database = database
        self._reads = reads
        self._alarms = alarms
        self._rates: dict[str, _RateState] = {}
        self.looks = 0

    async def findings(self, now: datetime) -> list[AlarmFinding]:
        """The accounts that are silent."""
        configuration = self._in_force.configuration
        off, zone = AlarmKind.SILENCE in configuration.alarms.off, configuration.daemon.zone
        found = []
        for name, unit in list(self._directory.units.items()):
            if unit.feeds.orders is None or unit.row.state is not AccountState.ACTIVE:
                self._rates.pop(name, None)
                continue
            rate = self._rates.setdefault(name, _RateState())
            heard = self._reads.known(name)
            if heard is not None and (rate.looked_at is None or now - rate.looked_at >= _LISTEN):
                rate.looked_at = now
                rate.found = await self._listen(unit, rate, heard)
            if rate.learned is not None:
                unit.feeds.expect(rate.learned, zone, configuration.alarms.quiet_days)
            if rate.found is not None and not off:
                found.append(rate.found)
        self._rates = {name: rate for name, rate in self._rates.items() if name in self._directory.units}
        return found

    async def _listen(self, unit: AccountUnit, rate: _RateState, heard: datetime) -> AlarmFinding | None:
        """Whether the account brings too little. One that is not read is not silent but unread, which is
        reported too."""
        configuration, reader = self._in_force.configuration, self._database.reader
        alarms, zone, name = configuration.alarms, configuration.daemon.zone, unit.name
        if rate.learned_at is None or heard - rate.learned_at >= timedelta(days=1):
            since = heard - order_rate.HISTORY
            first = max(since, unit.feeds.orders.since if unit.feeds.orders is not None else since)
            counts = await order_counts.count(reader, name, since, heard)
            rate.learned = order_rate.learn(counts, first, heard, zone, alarms.quiet_days)
            rate.learned_at = heard
        if rate.learned is None or AlarmKind.SILENCE in alarms.off:
            return None
        self.looks += 1
        last = await order_counts.last(reader, name, heard)
        since = min(heard - timedelta(days=9), (last or heard) - timedelta(days=9))
        counts = await order_counts.count(reader, name, since, heard)
        raised = (AlarmKind.SILENCE, name) in self._alarms.open
        verdict = order_rate.judge(
            rate.learned, counts, last, heard, zone, alarms.silence_rarity, alarms.quiet_days, raised
        )
        if not verdict.silent:
            return None
        text = Reason(
            "alarm.silence", n=verdict.came, since=f"{verdict.since:%Y-%m-%d %H:%M}", usual=f"{verdict.due:.0f}"
        )
        return AlarmFinding(kind=AlarmKind.SILENCE, subject=name, detail=text)
