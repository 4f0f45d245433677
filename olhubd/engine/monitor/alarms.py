"""The alarms that are on: each raised once and cleared once, in the log of events, the journal and the store.

What is on is held in memory and stored as soon as it can be, since an alarm about a database that cannot be written
must still be sent. Which alarms there should be is decided elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import timedelta

import msgspec

from olhubd.decide.alarm_rules import AlarmFinding
from olhubd.engine.outbox.recorder import Recorder
from olhubd.model import Alarm, AlarmId, AlarmKind, Cause
from olhubd.plugin import Clock, Log
from olhubd.store import FAILURES, Database, Transaction, alarms

__all__ = ["OpenAlarms"]

_RECENT = timedelta(days=1)
"""For how long after its end an alarm may still be sent."""


class OpenAlarms:
    """`load` once, then `settle` with all that is wrong, again and again."""

    def __init__(self, database: Database, clock: Clock, log: Log) -> None:
        self._database = database
        self._clock = clock
        self._log = log
        self._kept: dict[AlarmId, Alarm] = {}
        self._unwritten: dict[AlarmId, tuple[Alarm, list[str]]] = {}
        self.changed = asyncio.Event()
        """Set when there may be something to send."""

    async def load(self) -> None:
        """Go on with what was on when the process ended."""
        for alarm in await alarms.recent(self._database.reader, self._clock.now() - _RECENT):
            if alarm.open or alarm.told:
                self._kept[alarm.id] = alarm
        self.changed.set()

    @property
    def open(self) -> Mapping[tuple[AlarmKind, str], Alarm]:
        """What is on, by kind and subject."""
        return {(alarm.kind, alarm.subject): alarm for alarm in self._kept.values() if alarm.open}

    async def settle(self, found: Iterable[AlarmFinding]) -> None:
        """Raise what is new among `found`, clear what is not there any more."""
        wrong = {finding.key: finding for finding in found}
        open_ = self.open
        now = self._clock.now()
        again: set[tuple[AlarmKind, str]] = set()
        for key, alarm in open_.items():
            since = wrong[key].since if key in wrong else None
            if since is not None and alarm.raised_at < since:
                again.add(key)
                self._keep(msgspec.structs.replace(alarm, cleared_at=now), "alarm.cleared")
            elif key not in wrong:
                self._log.info("alarm is over", kind=alarm.kind.value, subject=alarm.subject)
                self._keep(msgspec.structs.replace(alarm, cleared_at=now), "alarm.cleared")
            elif wrong[key].detail != alarm.detail:
                self._keep(msgspec.structs.replace(alarm, detail=wrong[key].detail))
        for key, finding in wrong.items():
            if key not in open_ or key in again:
                self._log.warning("alarm", kind=finding.kind.value, subject=finding.subject, detail=finding.detail)
                alarm = Alarm(
                    id=AlarmId(await self._database.next_id("alarms")),
                    kind=finding.kind,
                    subject=finding.subject,
                    detail=finding.detail,
                    raised_at=now,
                )
                self._keep(alarm, "alarm.raised")
        await self.write()

    def untold(self, channel: str) -> list[Alarm]:
        """What the channel has not sent yet, the oldest first."""
        return [alarm for alarm in self._kept.values() if alarm.told.get(channel) != alarm.state]

    async def told(self, channel: str, told: Iterable[Alarm]) -> None:
        """The channel has sent these as they were then."""
        now = self._clock.now()
        for alarm in told:
            current = self._kept[alarm.id]
            said = {**current.told, channel: alarm.state}
            self._keep(msgspec.structs.replace(current, told=said, told_at=now))
        await self.write()

    def forget(self, channels: Iterable[str]) -> None:
        """Let go of what is over and was sent by all of these channels."""
        wanted = tuple(channels)
        horizon = self._clock.now() - _RECENT
        for alarm in list(self._kept.values()):
            if alarm.cleared_at is None or alarm.id in self._unwritten:
                continue
            if alarm.cleared_at < horizon or all(alarm.told.get(channel) == "cleared" for channel in wanted):
                del self._kept[alarm.id]

    async def write(self) -> None:
        """Store what is not stored yet; what cannot be stays for the next time."""
        waiting = dict(self._unwritten)
        if not waiting:
            return
        now = self._clock.now()

        async def work(tx: Transaction) -> None:
            await alarms.put(tx, [alarm for alarm, _ in waiting.values()])
            for alarm, kinds in waiting.values():
                recorder = Recorder(tx, now, Cause("rule", alarm.kind.value))
                account = "" if alarm.kind in _DAEMON else alarm.subject
                for kind in kinds:
                    facts = {"alarm": alarm.id, "kind": alarm.kind.value, "subject": alarm.subject}
                    await recorder.event(kind, account, None, {**facts, "detail": alarm.detail})
                await recorder.write(tx)

        try:
            await self._database.write(work)
        except FAILURES as error:
            self._log.debug("alarms cannot be stored", reason=str(error))
            return
        for id_, written in waiting.items():
            if self._unwritten.get(id_) is written:
                del self._unwritten[id_]

    def _keep(self, alarm: Alarm, event: str | None = None) -> None:
        self._kept[alarm.id] = alarm
        _, before = self._unwritten.get(alarm.id, (alarm, []))
        self._unwritten[alarm.id] = (alarm, [*before, event] if event else before)
        self.changed.set()


_DAEMON = frozenset({AlarmKind.LOOP, AlarmKind.DISK, AlarmKind.DATABASE})
"""Alarms about the daemon itself, which belong to no account."""
