"""When somebody else writes the same offer again and again. Pure.

Two programs that both know better would write for ever, and each of them looks like a fault of the marketplace. So
a level that was changed away from what it showed three times in an hour is in dispute: it is raised no more, and
lowered only when less may be sold than when the dispute began. A person ends it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from olhubd.decide.stock.level import Drift, OfferLevel

__all__ = ["DRIFTS", "WITHIN", "changes", "contest", "settle"]

DRIFTS = 3
WITHIN = timedelta(hours=1)


def contest(level: OfferLevel, now: datetime) -> OfferLevel:
    """The level as it is to be written now: with one drift more, where somebody else changed it.

    It is not written where that puts it in dispute. While a person has stopped all selling it is always written,
    and nothing is a dispute over what the stop wants.
    """
    if level.beneath is not None:
        return level
    if level.disputed_over is not None and level.wanted is not None:
        return msgspec.structs.replace(level, disputed_over=min(level.disputed_over, level.wanted))
    if not _changed_away(level):
        return level
    drift = Drift(at=now, shown=level.confirmed or 0, wanted=level.wanted or 0, after=level.confirmed_after)
    recent = [one for one in level.drifts if now - one.at < WITHIN][-(DRIFTS - 1) :]
    drifts = (*recent, drift)
    if len(drifts) < DRIFTS:
        return msgspec.structs.replace(level, drifts=drifts)
    return msgspec.structs.replace(level, drifts=drifts, disputed_at=now, disputed_over=level.wanted)


def settle(level: OfferLevel) -> OfferLevel:
    """The level when a person has said that it is the hub's to write again."""
    return msgspec.structs.replace(
        level, drifts=(), disputed_at=None, disputed_over=None, tries=0, due_at=None, reason=None
    )


def changes(drifts: Sequence[Drift]) -> str:
    """When somebody else set what, as people read it."""
    return ", ".join(f"{one.at:%H:%M:%S} {one.shown}" for one in drifts)


def _changed_away(level: OfferLevel) -> bool:
    """Whether it showed what is wanted now, and does not any more. A sale that landed makes something else wanted;
    what was refused, and what was counted already, is no new change."""
    return (
        level.confirmed_at is not None
        and level.wanted_at is None
        and level.tries == 0
        and all(one.after != level.confirmed_after for one in level.drifts)
    )
