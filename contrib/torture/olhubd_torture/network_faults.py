"""What goes wrong on the way to another system, and when.

A spell lies over some calls of one system for a time. It is known whether the other side acted, since that is all
the difference between an order that is lost, one that is doubled, and one that is there.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import random
import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from multidict import CIMultiDict, CIMultiDictProxy

from olhubd.plugin import OutcomeUnknown, RateLimited, Unavailable
from olhubd.plugin.response import ErrorTable, Response
from olhubd_torture.crash_points import CrashPoints
from olhubd_torture.patience import Patience

__all__ = ["LATEST", "FaultPeriod", "FaultyNetwork", "NetworkFault"]

T = TypeVar("T")

LATEST = 40.0
"""Seconds after a lost answer within which the other side acts, if it does at all; a shop settles within 60."""


class NetworkFault(enum.StrEnum):
    DOWN = "down"
    """Answered at once: 503."""
    REFUSED = "refused"
    """Nobody listens there."""
    NAMELESS = "nameless"
    """No server of names knows the host."""
    THROTTLE = "throttle"
    """429; with Retry-After when the spell has `seconds`."""
    CUT = "cut"
    """The connection drops before anything is done."""
    LOSE = "lose"
    """Done, but the answer is lost."""
    LATE = "late"
    """The connection drops, and it is done some seconds later."""
    HANG = "hang"
    """No answer for `seconds`, then the connection drops; it is done some seconds after that."""
    SLOW = "slow"
    """Done and answered after `seconds`."""
    PAGE = "page"
    """A stranger on the way answers in the system's place: a page or nothing, with any status; nothing is done."""
    PAGE_AFTER = "page-after"
    """The same, and it is done."""


_STATUSES = (200, 401, 403, 404, 409, 413, 429, 451, 502)
_BODIES = (b"<html><head><title>Attention Required!</title></head></html>", b"")
TABLE = ErrorTable(is_refusal=lambda answer: b'"errors"' in answer.body)
"""Of all systems here. How a stranger's answer is taken is the business of the real table."""
_WHY = {
    NetworkFault.DOWN: "503",
    NetworkFault.REFUSED: "connection refused",
    NetworkFault.NAMELESS: "the host's name is not known",
}
"""What never reached the other side, so that it did nothing."""


class FaultPeriod(msgspec.Struct, kw_only=True):
    """Strikes calls "system.name" that match the regular expression, until a time of the loop, with a chance."""

    ill: NetworkFault
    match: str
    until: float
    chance: float = 1.0
    times: int | None = None
    seconds: float | None = None


class FaultyNetwork:
    """Carries calls. Of those that write, a lost answer is an unknown outcome."""

    def __init__(self, dice: random.Random, frontier: CrashPoints) -> None:
        self._dice = dice
        self._frontier = frontier
        self._spells: list[FaultPeriod] = []
        self.struck = 0
        self.processes = 1
        """How many daemons have made calls here, one after another."""
        self.patience = Patience()
        self.answered: Callable[[str], None] = _unheard
        """Called with the system that answered, as clients get the Date of each answer."""

    def add(self, spell: FaultPeriod) -> None:
        self._spells.append(spell)

    @property
    def bad(self) -> bool:
        """Whether anything may still go wrong."""
        now = asyncio.get_running_loop().time()
        return any(spell.until > now and spell.times != 0 for spell in self._spells)

    def clear(self) -> None:
        self._spells.clear()

    def _pick(self, what: str) -> FaultPeriod | None:
        now = asyncio.get_running_loop().time()
        self._spells = [spell for spell in self._spells if spell.until > now and spell.times != 0]
        for spell in self._spells:
            if re.search(spell.match, what) and self._dice.random() < spell.chance:
                if spell.times is not None:
                    spell.times -= 1
                self.struck += 1
                return spell
        return None

    async def call(
        self,
        what: str,
        act: Callable[[], T],
        *,
        writes: bool = False,
        late: bool = True,
        about: str = "",
        within: float = LATEST,
    ) -> T:
        """Carry one call to where it is answered by `act`, through what lies on the way.

        Not `late`: it is done while somebody waits for it, or never; else `within` so many seconds after the answer
        was lost. `about` is what is delivered by it, if anything.
        """
        await self._frontier.cross(what)
        self.patience.called(what, about, self.processes)
        spell = self._pick(what)
        # All is drawn beforehand, so that how a call ends changes nothing for those after it.
        took, later, reached = self._dice.uniform(0.02, 0.8), self._dice.uniform(0.5, LATEST), self._dice.random()
        later *= within / LATEST
        try:
            await asyncio.sleep(took if spell is None else self._delay(spell, took))
        except asyncio.CancelledError:
            # Given up while it was under way: by a time limit, or because the caller died. It may still arrive.
            if writes and late and reached < 0.5:
                _at(later, act)
            raise
        lost: Exception = OutcomeUnknown("the answer was lost") if writes else Unavailable("the connection dropped")
        match spell.ill if spell else None:
            case NetworkFault.DOWN | NetworkFault.REFUSED | NetworkFault.NAMELESS:
                raise Unavailable(_WHY[spell.ill] if spell else "")
            case NetworkFault.THROTTLE:
                if spell and spell.seconds:
                    self.patience.asked(what, about, spell.seconds, self.processes)
                raise RateLimited("429", retry_after=spell.seconds if spell else None)
            case NetworkFault.CUT:
                raise lost
            case NetworkFault.LATE | NetworkFault.HANG:
                if writes and late:
                    _at(later, act)
                raise lost
            case NetworkFault.PAGE | NetworkFault.PAGE_AFTER:
                if spell and spell.ill is NetworkFault.PAGE_AFTER:
                    _quietly(act)
                    await self._frontier.cross(f"{what}: done, a stranger answers")
                status = _STATUSES[int(reached * 1000) % len(_STATUSES)]
                body = _BODIES[int(reached * 10000) % len(_BODIES)]
                headers = CIMultiDictProxy(CIMultiDict({"Content-Type": "text/html"}))
                raise TABLE.error(Response(status, headers, body), what, repeatable=not writes)
            case NetworkFault.LOSE:
                _quietly(act)
                await self._frontier.cross(f"{what}: done, answer lost")
                raise lost
        result = act()
        self.patience.answered(what, about)
        self.answered(what.partition(".")[0])
        if writes:
            await self._frontier.cross(f"{what}: done, not yet answered")
        return result

    def _delay(self, spell: FaultPeriod, took: float) -> float:
        slow = spell.ill in (NetworkFault.HANG, NetworkFault.SLOW)
        return spell.seconds if slow and spell.seconds is not None else took


def _unheard(_system: str) -> None:
    pass


def _at(seconds: float, act: Callable[[], Any]) -> None:
    asyncio.get_running_loop().call_later(seconds, _quietly, act)


def _quietly(act: Callable[[], Any]) -> None:
    """What the other side answers reaches nobody, not even a refusal."""
    with contextlib.suppress(Exception):
        act()
