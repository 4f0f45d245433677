"""When so many offers are to change at once that a person must look first. Pure.

A stock master that is ill says zero of everything, or a thousand. Each of these numbers alone is right as far as is
known; what shows the fault is how many there are. So changes that are dangerous are counted, by account
and stock master, over a sliding hour and as long as a run of the master's feed takes. Where they are too many, all
that the master's numbers bring about waits as one plan. A lowering that orders explain is never one of them.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import timedelta

import msgspec

__all__ = ["WINDOW", "Brake", "Danger", "PlanState", "by_orders", "danger", "ordered"]

WINDOW = timedelta(hours=1)


class Danger(enum.StrEnum):
    """What is dangerous when it happens to many offers. Its word is stored."""

    ZERO = "zero"
    """What was for sale is sold no more."""
    RAISE = "raise"
    """It shows many times what it did."""


class PlanState(enum.StrEnum):
    """What became of a plan. Its word is stored."""

    STOPPED = "stopped"
    """It waits for a person."""
    APPROVED = "approved"
    REJECTED = "rejected"
    """Its offers stay as they are until the master says another number."""
    WITHDRAWN = "withdrawn"
    """Nothing dangerous is left of it: the master's numbers came back, or the brake was switched off."""


class Brake(msgspec.Struct, frozen=True, kw_only=True):
    """From when on a person is asked. `share` is in per cent of the offers that show something."""

    share: int = 20
    least: int = 5
    """Fewer offers than this are never stopped."""
    factor: int = 10
    """A raise is dangerous from more than so many times what was shown."""

    def stops(self, count: int, of: int) -> bool:
        """Whether so many dangerous changes are too many for so many offers."""
        return count >= self.least and count * 100 > of * self.share

    def enough(self, count: int) -> int:
        """How many offers must show something so that so many changes are not too many."""
        return -(-count * 100 // self.share)


def danger(brake: Brake, before: int | None, wanted: int | None, explained: int | None) -> Danger | None:
    """Why it is dangerous to change an offer from `before`; `explained` is what orders alone make of it."""
    if before is None or wanted is None:
        return None
    if wanted == 0 and before > 0 and explained != 0:
        return Danger.ZERO
    return Danger.RAISE if wanted > max(before, 1) * brake.factor else None


def ordered(units: Mapping[int, int], sold: Mapping[int, int]) -> int:
    """How many times fewer an offer can be sold that needs so many `units` of each item, of which orders took so
    many pieces since."""
    return max((-(-max(0, sold.get(item, 0)) // each) for item, each in units.items()), default=0)


def by_orders(before: int, wanted: int, fewer: int) -> int:
    """What an offer may show when only orders count, which make it so many `fewer`: never more than before, and not
    less than the orders explain."""
    explained = max(0, before - fewer)
    return min(before, max(wanted, explained)) if wanted <= before else explained
