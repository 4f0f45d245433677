"""The most that an allocated offer may still sell: one number that is kept by what happens to it. Pure.

It counts what the offer shows and what was bought of it by orders that have not landed: the `bound`. A sale changes
nothing of it. An order that lands lowers it, by what it bought. A command that raises counts from the moment it is
kept, whether it was done or not; one that lowers only when its report says that it was done and a reading shows it.
So no lost answer and no reading that raced with a sale makes it less than what is truly for sale, and all bounds of
an item together are never more than what may be sold of it.

A fall that nothing explains is a sale that nobody has reported yet, or somebody else's doing. It is believed when
the offer was read and then all orders of the account were, by a second pass that trusts no journal.
"""

from __future__ import annotations

import msgspec

from olhubd.decide.stock.level import OfferLevel, Phase
from olhubd.model import LevelStep

__all__ = ["charged", "explained", "forgotten", "refunded", "takes"]


def charged(level: OfferLevel, after: int) -> OfferLevel:
    """The level when its command is kept: what it may add is for sale from now on, as far as is known."""
    if level.bound is None:
        return level
    return msgspec.structs.replace(level, bound=level.bound + _gain(level), bound_after=after)


def refunded(level: OfferLevel) -> OfferLevel:
    """The level of which the command is known to have done nothing."""
    if level.bound is None:
        return level
    return msgspec.structs.replace(level, bound=max(0, level.bound - _gain(level)))


def explained(level: OfferLevel, swept_through: int) -> OfferLevel | None:
    """The level as all orders explain it: they were read by a second pass that began when `swept_through` was the
    newest event. None where that changes nothing."""
    if not level.allocated or level.phase is not Phase.SETTLED or level.confirmed is None:
        return None
    if level.inside is None:
        return None
    # What it showed, and not what is left of it since: an order that landed meanwhile may have been in it.
    shown = level.inside if level.active else 0
    if level.bound is not None and level.bound <= shown:
        return None
    # Equal is not later: the pass may have begun before the answer was there.
    if swept_through <= level.confirmed_after:
        return None
    return msgspec.structs.replace(level, bound=shown)


def forgotten(level: OfferLevel) -> OfferLevel:
    """The level as a process finds it that cannot know whether another one has written the offer since."""
    return msgspec.structs.replace(level, bound=None, inside=None)


def takes(level: OfferLevel, *, resume: bool, doubted: bool = False) -> bool:
    """Whether the offer can be raised at present. `resume`: offers that have ended come back by themselves.
    `doubted`: a person must look at what it sells."""
    back = level.active or level.resume_by is not None or (resume and level.resumes)
    return back and not doubted and level.disputed_over is None


def _gain(level: OfferLevel) -> int:
    """By how much the command under way can raise what the offer may sell."""
    if level.step is LevelStep.ACTIVATE:
        return level.sent or 0
    return max(0, level.change or 0)
