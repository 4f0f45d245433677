"""Quantities out, where the shop is a channel: one value for up to a hundred products, or variations of a parent.

What became of a call whose answer was lost is asked of the products themselves: one that shows the value has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from olhubd.model import Offer, OfferState
from olhubd.plugin import (
    Accepted,
    LevelCall,
    LevelSink,
    LevelWish,
    RowOutcome,
    ShownLevel,
    Unreadable,
    done_when_shown,
)
from olhubd_woocommerce.batches import grouped, write_batch
from olhubd_woocommerce.client import Shop
from olhubd_woocommerce.offers import Offers

__all__ = ["Levels"]

_SET = "set"


class Levels(LevelSink):
    """The quantities of one shop's offers."""

    level_settle = timedelta(seconds=5)

    def __init__(self, shop: Shop, offers: Offers, late: timedelta) -> None:
        self.level_late = late
        self._shop = shop
        self._offers = offers

    def plan_levels(self, wishes: Sequence[LevelWish]) -> Sequence[LevelCall]:
        together = grouped((wish.offer, wish.value, wish.refused) for wish in wishes)
        return [
            LevelCall(action=_SET, offers=tuple(some), value=value)
            for (value, _parent), parts in sorted(together.items())
            for some in parts
        ]

    async def write_levels(self, command: str, call: LevelCall) -> Sequence[RowOutcome] | Accepted:
        return await write_batch(self._shop, {offer: {"stock_quantity": call.value} for offer in call.offers})

    async def report_levels(self, command: str, call: LevelCall) -> Sequence[RowOutcome] | Accepted | None:
        shown = await self._offers.read(call.offers)
        showing = {offer for offer, one in shown.items() if isinstance(one, Offer) and one.quantity == call.value}
        return done_when_shown(call.offers, showing)

    async def read_levels(self, offers: Sequence[str]) -> Sequence[ShownLevel]:
        return [_shown(offer, found) for offer, found in (await self._offers.read(offers)).items()]


def _shown(offer: str, found: Offer | Unreadable) -> ShownLevel:
    """What buyers see. A row that makes no sense, or whose state is no known word, says that it is there, and no
    more."""
    if isinstance(found, Unreadable) or found.state is OfferState.UNKNOWN:
        return ShownLevel(offer=offer, quantity=None, active=True)
    active = found.state is OfferState.ACTIVE
    return ShownLevel(offer=offer, quantity=found.quantity if active else found.quantity or 0, active=active)
