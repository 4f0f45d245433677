"""How many calls may be made, as a connector declares it and as the host keeps it.

A budget is shared by everything with the same `key` (an application key, a shop), however many accounts that
is. Signing in goes first, then orders, stock, prices and offers.
"""

from __future__ import annotations

import enum
from typing import Protocol

import msgspec

__all__ = ["Budget", "Gate", "Lane"]


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


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """At most `calls` in any `per` seconds for all that share `key`, at most `parallel` at one time.

    `pause` is for how long (seconds) to stop after a 429 that does not say.
    """

    key: str
    calls: int
    per: float
    parallel: int = 16
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
