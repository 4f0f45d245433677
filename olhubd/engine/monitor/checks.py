"""The round that looks whether all is well, and has alarms raised and cleared.

What it goes by is gathered in `facts` and `silences`; what that means is decided in `decide`. Each check counts how
often it ran and what it found, since one that never runs finds nothing either.
"""

from __future__ import annotations

import asyncio
from collections import Counter

from olhubd.decide import alarm_rules
from olhubd.decide.alarm_rules import AlarmFacts, AlarmFinding, AlarmLimits
from olhubd.decide.vocabulary import UnknownWord
from olhubd.engine.flow.strangers import Strangers
from olhubd.engine.in_force import InForce
from olhubd.engine.monitor.alarms import OpenAlarms
from olhubd.engine.monitor.facts import FactGatherer
from olhubd.engine.monitor.offers import OfferChecks
from olhubd.engine.monitor.reconcile import Reconciler
from olhubd.engine.monitor.silences import Silences
from olhubd.engine.monitor.vocabulary import VocabularyCheck, told
from olhubd.model import AlarmKind, Reason
from olhubd.plugin import Clock
from olhubd.runtime.supervisor import Heartbeat, Supervisor
from olhubd.store import FAILURES

__all__ = ["Checks"]

_ROUND, _FIRST = 60.0, 20.0
"""Seconds between two looks; after the first one sooner, since what never works shows at the start."""

_OF_SOURCES = (
    AlarmKind.FEED,
    AlarmKind.RETENTION,
    AlarmKind.MISSED,
    AlarmKind.QUARANTINE,
    AlarmKind.SIGN_IN,
    AlarmKind.PARKED,
    AlarmKind.FORBIDDEN,
    AlarmKind.SETTING,
    AlarmKind.UNCHECKED,
    AlarmKind.IMPORT_DUE,
)
_OF_TARGETS = (AlarmKind.UNDELIVERED, AlarmKind.TARGET_DOWN, AlarmKind.HOLD, AlarmKind.DOUBLED, AlarmKind.STRANGER)
_OF_OFFERS = (
    AlarmKind.DISPUTE,
    AlarmKind.UNLOWERED,
    AlarmKind.OVERSOLD,
    AlarmKind.UNRESTORED,
    AlarmKind.BRAKE,
    AlarmKind.UNKNOWN_OFFER,
    AlarmKind.PRICE,
)
_OF_DAEMON = (AlarmKind.LOOP, AlarmKind.DISK, AlarmKind.DATABASE)


class Checks:
    """Looks once a minute, and when somebody has signed in."""

    def __init__(
        self,
        facts: FactGatherer,
        silences: Silences,
        vocabulary: VocabularyCheck,
        reconciler: Reconciler,
        strangers: Strangers,
        alarms: OpenAlarms,
        in_force: InForce,
        clock: Clock,
        offers: OfferChecks,
    ) -> None:
        self._offers = offers
        self._facts = facts
        self._silences = silences
        self._vocabulary = vocabulary
        self._reconciler = reconciler
        self._strangers = strangers
        self._alarms = alarms
        self._in_force = in_force
        self._clock = clock
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
        off = self._in_force.configuration.alarms.off
        try:
            await self._strangers.ask()
            facts = await self._facts.gather()
            silences = await self._silences.findings(facts.now)
            offers = await self._offers.findings(facts.now)
            found = [*alarm_rules.findings(facts, self._limits()), *silences, *self._words(), *offers]
        except FAILURES:
            # Nothing can be said about accounts without the database; what was on stays on.
            kept = [
                AlarmFinding(kind=alarm.kind, subject=alarm.subject, detail=alarm.detail)
                for (kind, _), alarm in self._alarms.open.items()
                if kind not in _OF_DAEMON
            ]
            facts = self._facts.daemon(self._clock.now(), database=False)
            found = [*kept, *alarm_rules.findings(facts, self._limits())]
        self._count(facts)
        self.found.update(finding.kind for finding in found)
        await self._alarms.settle(finding for finding in found if finding.kind not in off)

    def _count(self, facts: AlarmFacts) -> None:
        """Each check ran once for each thing that it is about."""
        for kinds, times in (
            (_OF_SOURCES, len(facts.sources)),
            (_OF_TARGETS, len(facts.targets)),
            (_OF_DAEMON, 1),
            ((AlarmKind.WORDS, AlarmKind.LINKS), len(facts.sources)),
        ):
            for kind in kinds:
                self.ran[kind] += times
        self.ran[AlarmKind.RECONCILIATION] = self._reconciler.looks
        self.ran[AlarmKind.SILENCE] = self._silences.looks
        for kind in _OF_OFFERS:
            self.ran[kind] = self._offers.looks

    def _limits(self) -> AlarmLimits:
        alarms = self._in_force.configuration.alarms
        return AlarmLimits(
            feed=alarms.not_fetched,
            retention=alarms.retention_share,
            undelivered=alarms.undelivered,
            target_down=alarms.target_down,
            sign_in=alarms.sign_in_ahead,
            disk=alarms.disk_free * 2**20,
        )

    def _words(self) -> list[AlarmFinding]:
        """One alarm an account, with the first of its words."""
        by_account: dict[str, list[UnknownWord]] = {}
        for one in self._vocabulary.unknown:
            if one.sent:  # else it harms no order; the doctor reports it
                by_account.setdefault(one.account, []).append(one)
        return [
            AlarmFinding(
                kind=AlarmKind.WORDS,
                subject=name,
                detail=_first(told(ones[0], self._in_force.configuration), len(ones)),
            )
            for name, ones in by_account.items()
        ]


def _first(detail: str, of: int) -> str:
    """The first of several, with how many more there are."""
    return detail if of == 1 else Reason("alarm.no-word-more", first=detail, n=of - 1)
