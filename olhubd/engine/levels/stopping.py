"""The stop for emergencies: a layer over what is wanted, of which the lesser counts, which is zero.

What an offer would show without it goes on being computed beneath, with all that sellable numbers, orders and the
brake make of it. So lifting it restores exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from olhubd.decide.stock.level import OfferLevel
from olhubd.model import Reason
from olhubd.plugin import LevelCall, LevelWish
from olhubd.store import Reader, sales_stops

__all__ = ["beneath", "fastest_first", "in_order", "laid"]

_PAST = timedelta(days=30)
"""By the sales of so many days it is known what sells fastest."""


def beneath(row: OfferLevel) -> OfferLevel:
    """A row as it is without the stop."""
    if row.beneath is None:
        return row
    return msgspec.structs.replace(row, wanted=row.beneath, beneath=None)


def laid(row: OfferLevel, before: OfferLevel, *, stopped: bool, after: int, now: datetime) -> OfferLevel:
    """A row as it is with the stop, or without one. `before` is how it is stored, `after` the newest event.

    What nobody ever counted is not kept, and is not stopped either. What nobody counts any more is stopped as it
    was counted.
    """
    if not stopped and before.beneath is None:
        return row  # it says already since when it is wanted, and when it was shown
    if stopped and row.wanted is None and before.wanted is not None:
        row = beneath(before)
    if stopped and row.wanted is not None:
        why = Reason("level.stopped", wanted=row.wanted)
        if before.beneath is not None and before.wanted == 0:
            return msgspec.structs.replace(
                before,
                beneath=row.wanted,
                held=why,
                basis_after=row.basis_after,
                allocated=row.allocated,
                bound=row.bound,
            )
        row = msgspec.structs.replace(row, wanted=0, beneath=row.wanted, held=why)
    if row.wanted == before.wanted:
        return row
    due_at = row.due_at if row.command is not None else None
    return msgspec.structs.replace(row, wanted_after=after, wanted_at=now, tries=0, due_at=due_at, reason=None)


async def fastest_first(
    reader: Reader, account: str, wishes: Sequence[LevelWish], now: datetime
) -> Sequence[LevelWish]:
    """What sold most of late comes first, so that it is over first where calls are counted."""
    sold = await sales_stops.pieces_sold(reader, account, now - _PAST)
    return sorted(wishes, key=lambda wish: -sold.get(wish.offer, 0))


def in_order(calls: Sequence[LevelCall], wishes: Sequence[LevelWish]) -> Sequence[LevelCall]:
    """Calls in the order of the first wish of each."""
    rank = {wish.offer: number for number, wish in enumerate(wishes)}
    return sorted(calls, key=lambda call: min((rank.get(offer, len(rank)) for offer in call.offers), default=0))
