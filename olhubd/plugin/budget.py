"""How many calls may be made, as a connector declares it and as the host keeps it.

A budget is shared by everything with the same `key` (an application key, a shop), however many accounts that
is. Signing in goes first, then orders, stock, prices and offers.
"""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import Protocol

import msgspec

from olhubd.model import Kind

__all__ = ["Budget", "Gate", "Lane", "ValueBudget", "ValueGate", "calling_for", "calls_for", "spares", "sparing"]


class Lane(enum.IntEnum):
    """What a call is for; the lower goes first when calls are scarce.

    Only what renews a token is `ACCESS`. It is counted like any other and yet does not wait while the gate is shut:
    a renewal whose answer was lost must be sent again while the server still takes the old token, which may be less
    than a minute; and one call of that kind hurts nobody.
    """

    ACCESS = 0
    ORDERS = 1
    STOCK = 2
    PRICES = 3
    OFFERS = 4

    @classmethod
    def of(cls, kinds: Iterable[Kind]) -> Lane:
        """What a call is for that is about such things."""
        return min((_LANES.get(kind, cls.OFFERS) for kind in kinds), default=cls.OFFERS)


_LANES = {Kind.ORDER: Lane.ORDERS, Kind.STOCK: Lane.STOCK, Kind.PRICE: Lane.PRICES}
_CALLING_FOR = ContextVar("calling_for", default=Lane.ORDERS)


@contextlib.contextmanager
def calling_for(lane: Lane) -> Iterator[None]:
    """The host's word for what the calls in here are for; no plugin has to know."""
    before = _CALLING_FOR.set(lane)
    try:
        yield
    finally:
        _CALLING_FOR.reset(before)


def calls_for() -> Lane:
    """What a call made here is for."""
    return _CALLING_FOR.get()


_SPARING = ContextVar("sparing", default=False)


@contextlib.contextmanager
def sparing() -> Iterator[None]:
    """The host's word that calls in here may wait: they leave some of a budget of values to what may not."""
    before = _SPARING.set(True)
    try:
        yield
    finally:
        _SPARING.reset(before)


def spares() -> bool:
    """Whether a call made here leaves something to others."""
    return _SPARING.get()


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """At most `calls` in any `per` seconds for all that share `key`, at most `parallel` at one time.

    `pause` is for how long (seconds) to stop after a 429 that does not say.
    """

    key: str
    calls: int
    per: float
    parallel: int = 16
    pause: float = 60.0


class ValueBudget(msgspec.Struct, frozen=True, kw_only=True):
    """At most `values` changed in any `per` seconds by all that share `key`, where a system limits how many values
    its calls change and not only how many calls there are. What waits for it holds up no other call.

    `pause` is for how long (seconds) to change none after a 429 that does not say.
    """

    key: str
    values: int
    per: float
    pause: float = 60.0


class Gate(Protocol):
    """The host's side of a budget."""

    async def acquire(self, lane: Lane = Lane.ORDERS, cost: int = 1) -> None:
        """Wait until `cost` calls may be made."""

    def release(self) -> None:
        """The call that was acquired has ended."""

    def close(self, seconds: float | None) -> None:
        """The server said 429: stop everybody for so long, then let one probe through."""

    def opened(self) -> None:
        """A call went well: if it was the probe, let the others through."""

    def strained(self) -> None:
        """A call got its answer late, or not in time: let fewer go at one time."""


class ValueGate(Protocol):
    """The host's side of a budget of values."""

    def left(self, values: int) -> float:
        """Seconds until so many values may be changed; 0 where they may be now."""

    def take(self, values: int) -> None:
        """Count so many values. Raises ValuesSpent where they may not be changed yet."""

    def ended(self, values: int) -> None:
        """The call that took them has ended."""

    def close(self, seconds: float | None) -> None:
        """The server refused values for their number: change none for so long."""
