"""Asks the systems of routes for their words, and knows which of the configuration's they have not.

At the start, after a reload, four times a day, and when something new is on hold: a typo in a route should be
reported before it is found order by order. What a system does not answer now is asked again, ever later.
"""

from __future__ import annotations

import asyncio
import contextlib
import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from olhubd.config import Configuration
from olhubd.decide.own_status import OwnStatuses
from olhubd.decide.vocabulary import UnknownWord, Vocabulary, unknown, unknown_statuses, unlisted
from olhubd.engine.account import AccountUnit
from olhubd.engine.directory import Directory
from olhubd.engine.in_force import InForce
from olhubd.model import AlarmKind, DeliveryState, Reason
from olhubd.plugin import Clock, DeliveryMethodList, Log, Method, PaymentMethodList, PluginError, Status, StatusList
from olhubd.runtime.backoff import Backoff
from olhubd.runtime.supervisor import Heartbeat, Supervisor
from olhubd.store import FAILURES, Database, deliveries, list_prices
from olhubd.store.accounts import AccountState

__all__ = ["VocabularyCheck", "told"]

_LOOK = 60.0
"""Seconds between two looks whether there is reason to ask."""
_AGAIN = 6 * 3600.0
_FIRST, _LAST = 60.0, 3600.0
"""Seconds until a system that answered nothing is asked again."""
_PATIENCE = 30.0
_SHOWN = 12
_WHAT = {
    "status": "word.status",
    "delivery method": "word.delivery",
    "payment method": "word.payment",
    "price list": "word.price-list",
    "own status": "word.own-status",
}
_KINDS = {"StatusList": "statuses", "DeliveryMethodList": "deliveries", "PaymentMethodList": "payments"}


class VocabularyCheck:
    """`look` asks at once; `main` does so whenever there is reason."""

    def __init__(self, directory: Directory, in_force: InForce, database: Database, clock: Clock, log: Log) -> None:
        self._directory = directory
        self._in_force = in_force
        self._database = database
        self._clock = clock
        self._log = log
        self._asked: Configuration | None = None
        self._own: OwnStatuses | None = None
        """The seller's own statuses at the last look."""
        self._due = 0.0
        self._backoff = Backoff(_FIRST, _LAST)
        self._held = 0
        self._said: set[tuple[Any, ...]] = set()
        self._words: tuple[UnknownWord, ...] = ()
        self._lists: tuple[UnknownWord, ...] = ()
        self.silent: Mapping[str, str] = {}
        """The accounts that gave no words at the last look, with the reason."""

    @property
    def unknown(self) -> tuple[UnknownWord, ...]:
        """What the last look found."""
        return (*self._words, *self._lists)

    def start(self, supervisor: Supervisor) -> None:
        supervisor.every("words", _LOOK, self.round)

    async def round(self, pulse: Heartbeat) -> None:
        """Look when it is due, the configuration is new, or a delivery was held."""
        pulse.beat(_LOOK * 4 + _PATIENCE * 3 * (1 + len(self._directory.units)))
        try:
            held = sum(
                count
                for (_, state), count in (await deliveries.tally(self._database.reader)).items()
                if state is DeliveryState.HOLD
            )
            await self._look_at_lists()
        except FAILURES:
            held = self._held
        if (
            self._asked is not self._in_force.configuration
            or self._own != self._in_force.statuses()
            or self._clock.monotonic() >= self._due
            or held > self._held
        ):
            await self.look()
        self._held = held

    async def look(self) -> None:
        """Ask all systems that a route leads to or from, and say once what is new."""
        configuration = self._in_force.configuration
        if self._asked is not configuration:
            self._backoff.reset()
        self._asked = configuration
        names = {name for route in configuration.routes for name in (route.target, *route.sources)}
        own = self._in_force.statuses()
        names |= {name for status in own.items for name in (*status.sends, *status.follows)}
        self._own = own
        units = [unit for name, unit in self._directory.units.items() if name in names]
        answers = await asyncio.gather(*map(_vocabulary, units))
        vocabularies = {unit.name: words for unit, (words, _) in zip(units, answers, strict=True)}
        self.silent = {unit.name: why for unit, (_, why) in zip(units, answers, strict=True) if why is not None}
        words = unknown(configuration.routes, dict(_settings(units)), vocabularies)
        self._words = (*words, *unknown_statuses(own, vocabularies))
        with contextlib.suppress(*FAILURES):
            await self._look_at_lists()
        if self.silent:
            self._due = self._clock.monotonic() + self._backoff.next()
        else:
            self._due = self._clock.monotonic() + _AGAIN
        self._say()

    async def _look_at_lists(self) -> None:
        """Compare the price lists that rules name with those that were read. Nothing is asked where none does."""
        rules = self._in_force.prices()
        lists: dict[str, list[str]] = {}
        if rules:
            for one in await list_prices.lists(self._database.reader, {rule.master for rule in rules}):
                lists.setdefault(one.account, []).append(one.name)
        before, self._lists = self._lists, tuple(unlisted(rules, lists))
        if self._lists != before:
            self._say()

    def _say(self) -> None:
        """Log what is new."""
        configuration = self._in_force.configuration
        said = {(one.account, one.path, one.word) for one in self.unknown}
        for one in self.unknown:
            if AlarmKind.WORDS in configuration.alarms.off or (one.account, one.path, one.word) in self._said:
                continue
            self._log.warning(
                "the configuration has a word that the system has not", reason=told(one, configuration)
            )
        self._said = said


def told(one: UnknownWord, configuration: Configuration) -> str:
    """In words for a person: the word, the line of the file, what was probably meant, and what there is."""
    near = difflib.get_close_matches(one.word, [*one.known, *one.known.values()], n=1, cutoff=0.6)
    listed = [code if code == name else f"{code} ({name})" for code, name in one.known.items()]
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    place, there = _place(one, configuration), ", ".join(listed[:_SHOWN]) + more
    at, what, of = _written(one.path), Reason(_WHAT[one.what]), one.account
    if near:
        return Reason(
            "alarm.no-word-near",
            place=place,
            at=at,
            word=one.word,
            kind=what,
            account=of,
            near=near[0],
            words=there,
        )
    return Reason("alarm.no-word", place=place, at=at, word=one.word, kind=what, account=of, words=there)


def _place(one: UnknownWord, configuration: Configuration) -> str:
    """Where the word is written: a list that people keep while the daemon runs is in the database."""
    if one.path[0] == "statuses" and not configuration.statuses:
        return "database"
    return str(configuration.origin(".".join(map(str, one.path))))


def _written(path: Sequence[str | int]) -> str:
    """The key as people write it in a route, a rule or an account."""
    if len(path) < 4:
        return str(path[-1])
    return f'{path[2]}."{path[3]}"' if " " in str(path[3]) else f"{path[2]}.{path[3]}"


def _settings(units: Sequence[AccountUnit]) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    for unit in units:
        found = [
            (key, unit.config.connector.word(word), _KINDS[capability])
            for key, capability in unit.config.connector.words_in_settings.items()
            for word in getattr(unit.config.settings, key)
        ]
        if found:
            yield unit.name, found


async def _vocabulary(unit: AccountUnit) -> tuple[Vocabulary, str | None]:
    """Its words, and why some could not be asked."""
    connector, calls = unit.connector, unit.calls
    statuses = deliveries = payments = None
    if unit.row.state is not AccountState.ACTIVE:
        return Vocabulary(), "it is not at work"
    if (
        unit.connection.sign_in_flows
        and unit.connection.keeper is not None
        and unit.connection.keeper.token is None
    ):
        return Vocabulary(), "nobody has signed in"
    try:
        if (known := connector.capability(StatusList)) is not None:
            statuses = _words(await calls.read("statuses", known.statuses, Sequence, limit=_PATIENCE))
        if (ways := connector.capability(DeliveryMethodList)) is not None:
            deliveries = _words(
                await calls.read("delivery_methods", ways.delivery_methods, Sequence, limit=_PATIENCE)
            )
        if (means := connector.capability(PaymentMethodList)) is not None:
            payments = _words(await calls.read("payment_methods", means.payment_methods, Sequence, limit=_PATIENCE))
    except PluginError as error:
        return Vocabulary(statuses=statuses, deliveries=deliveries, payments=payments), str(error)
    return Vocabulary(statuses=statuses, deliveries=deliveries, payments=payments), None


def _words(listed: Sequence[Any]) -> dict[str, str]:
    return {one.code: one.name for one in listed if isinstance(one, Status | Method)}
