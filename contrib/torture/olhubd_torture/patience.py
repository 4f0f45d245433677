"""Whether a system that asked for time was given it: its reader, the delivery that it refused, and all after three.

What is counted is one process's own waiting. It says nothing where the machine's clock was moved, or where what
waits may be pending again, as after a cancellation that was taken back.
"""

from __future__ import annotations

import asyncio
from collections import Counter

__all__ = ["Patience"]

_READING = "journal"
"""Lists and single orders are asked for by others as well, whom the budgets of real clients make wait."""
_DELIVERED = frozenset({"payment", "status", "parcel", "cancel"})
"""Deliveries about an order by its number there; one that goes well shows that the system takes them."""
_DOWN = 3
"""So many refusals in a row and a system counts as down, so that nothing at all is delivered to it."""
_SLACK = 0.01
_UNDER_WAY = 10.0
"""Seconds within which a second call for an order belongs to the same try."""


class Patience:
    """Called with calls, with Retry-After and of answers. `lost` is who called too early."""

    def __init__(self) -> None:
        self.lost: list[str] = []
        self._until: dict[str, tuple[float, int]] = {}
        self._refusals: Counter[str] = Counter()
        self._process = 0
        self._seen: dict[str, float] = {}
        """When each order was last asked for or sent."""

    def called(self, what: str, about: str, process: int) -> None:
        now = asyncio.get_running_loop().time()
        if process != self._process:
            self._process = process
            self._refusals.clear()
            self._seen.clear()
        under_way = now - self._seen.get(about, -_UNDER_WAY) < _UNDER_WAY
        if about:
            self._seen[about] = now
        for whose in self._waiting(what, about):
            until, who = self._until.get(whose, (0.0, 0))
            if under_way and whose != about:
                continue
            if who == process and now < until - _SLACK:
                self.lost.append(
                    f"impatient: {what} {about} came {until - now:.1f} s before {whose} wanted to hear of it"
                )

    def asked(self, what: str, about: str, seconds: float, process: int) -> None:
        """It answered 429 with so many seconds."""
        system = what.partition(".")[0]
        until = asyncio.get_running_loop().time() + seconds
        self._refusals[system] += bool(about)
        for whose in self._waiting(what, about):
            if whose != system or self._refusals[system] >= _DOWN:
                self._until[whose] = until, process

    def answered(self, what: str, about: str) -> None:
        system, _, name = what.partition(".")
        if about or name in _DELIVERED:
            self._refusals[system] = 0
            self._until.pop(system, None)

    def _waiting(self, what: str, about: str) -> list[str]:
        system, _, name = what.partition(".")
        if about:
            return [about, system]
        return [what] if name == _READING else []
