"""What is to be done with the price of one offer. Pure.

A price is a level like a quantity: a row of what is wanted and what was read, in the currency's smallest coin, and
one unsettled write a row. Two things are otherwise. Only a newly brought price is sent: once an offer has shown it,
what somebody else makes of it stays until the list says something new. And neither direction is the safe one, so a
change that is larger than the rule allows waits for a person in both.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from olhubd.decide.stock.level import Move, NextMove, OfferLevel, Phase, put_off
from olhubd.model import Reason

__all__ = ["leaps", "next_price_step"]


def next_price_step(
    level: OfferLevel,
    now: datetime,
    *,
    step: Decimal | None,
    barred: Reason | None = None,
    automatic: bool = False,
) -> NextMove:
    """What is to be done with a row whose wanted and confirmed are amounts in the smallest coin.

    `step` is the largest part of itself by which the price changes unasked. `barred` says why it is not sent now,
    `automatic` whether a rule of the marketplace sets it.
    """
    if level.phase is not Phase.SETTLED or level.wanted is None:
        return NextMove(Move.NOTHING)
    if level.confirmed is None:
        return NextMove(Move.READ)
    if put_off(level, now):
        return NextMove(Move.NOTHING)
    if level.wanted == level.confirmed:
        return NextMove(Move.NOTHING)
    if barred is not None:
        return NextMove(Move.HELD, barred)
    if level.wanted <= 0:
        return NextMove(Move.HELD, Reason("pricing.never-zero"))
    if not level.active:
        return NextMove(Move.HELD, Reason("level.not-there"))
    if automatic:
        return NextMove(Move.HELD, Reason("pricing.automatic"))
    if level.wanted_at is None:
        return NextMove(Move.HELD, Reason("pricing.changed-elsewhere"))
    if leaps(level, step):
        return NextMove(Move.HELD, Reason("pricing.step"))
    return NextMove(Move.LOWER if level.wanted < level.confirmed else Move.RAISE)


def leaps(level: OfferLevel, step: Decimal | None) -> bool:
    """Whether the change is larger than the rule allows unasked, and nobody has approved this very price."""
    if step is None or level.wanted is None or level.confirmed is None or level.approved == level.wanted:
        return False
    if level.confirmed <= 0:
        return True
    return abs(level.wanted - level.confirmed) > step * level.confirmed
