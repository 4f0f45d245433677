"""Quantities out, where the shop is a channel: one value for up to a hundred products, or variations of a parent.

The shop does it at once, and its answer of 200 may hold rows that failed. A call has no number there. What became
of one whose answer was lost is asked of the products themselves: one that shows the value has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from olhubd.model import Offer, OfferState
from olhubd.plugin import (
    Accepted,
    ContractBroken,
    LevelCall,
    LevelSink,
    LevelWish,
    OutcomeUnknown,
    RowOutcome,
    ShownLevel,
    Unreadable,
)
from olhubd_woocommerce import wire
from olhubd_woocommerce.client import Shop
from olhubd_woocommerce.goods import PRODUCTS
from olhubd_woocommerce.offers import Offers, place

__all__ = ["Levels"]

_MOST = 100
"""Rows in one batch; a shop refuses more unless it is set to take them."""
_SET = "set"


class Levels(LevelSink):
    """The quantities of one shop's offers."""

    level_settle = timedelta(seconds=5)

    def __init__(self, shop: Shop, offers: Offers, late: timedelta) -> None:
        self.level_late = late
        self._shop = shop
        self._offers = offers

    def plan_levels(self, wishes: Sequence[LevelWish]) -> Sequence[LevelCall]:
        together: dict[tuple[int, int], list[str]] = {}
        for wish in wishes:
            found = place(wish.offer)
            if found is not None:
                together.setdefault((wish.value, found[0]), []).append(wish.offer)
        return [
            LevelCall(action=_SET, offers=tuple(some[at : at + _MOST]), value=value)
            for (value, _parent), some in sorted(together.items())
            for at in range(0, len(some), _MOST)
        ]

    async def write_levels(self, command: str, call: LevelCall) -> Sequence[RowOutcome] | Accepted:
        known = {found[1]: offer for offer in call.offers if (found := place(offer)) is not None}
        parent = call.offers[0].rpartition(":")[0]
        path = f"{PRODUCTS}/{parent}/variations/batch" if parent else f"{PRODUCTS}/batch"
        body: dict[str, Any] = {"update": [{"id": own, "stock_quantity": call.value} for own in known]}
        try:
            answer = await self._shop.write("POST", path, wire.Batch, body)
        except ContractBroken as error:
            # A page of the host or of a plugin instead of the answer: done or not.
            raise OutcomeUnknown(f"POST {path}: {error}") from error
        return [_outcome(known[row.id], row) for row in answer.update if row.id in known]

    async def report_levels(self, command: str, call: LevelCall) -> Sequence[RowOutcome] | Accepted | None:
        shown = await self._offers.read(call.offers)
        done = [
            RowOutcome(offer=offer, done=True)
            for offer in call.offers
            if isinstance(found := shown.get(offer), Offer) and found.quantity == call.value
        ]
        # What is not done yet may be done later: no other value is sent meanwhile.
        return done if len(done) == len(call.offers) else None

    async def read_levels(self, offers: Sequence[str]) -> Sequence[ShownLevel]:
        return [_shown(offer, found) for offer, found in (await self._offers.read(offers)).items()]


def _outcome(offer: str, row: wire.BatchRow) -> RowOutcome:
    if row.error is None:
        return RowOutcome(offer=offer, done=True)
    return RowOutcome(offer=offer, done=False, error=row.error.message or row.error.code or "no reason given")


def _shown(offer: str, found: Offer | Unreadable) -> ShownLevel:
    """What buyers see. A row that makes no sense, or whose state is no known word, says that it is there, and no
    more."""
    if isinstance(found, Unreadable) or found.state is OfferState.UNKNOWN:
        return ShownLevel(offer=offer, quantity=None, active=True)
    active = found.state is OfferState.ACTIVE
    return ShownLevel(offer=offer, quantity=found.quantity if active else found.quantity or 0, active=active)
