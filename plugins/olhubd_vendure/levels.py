"""Quantities out, where the shop is a channel: what is on hand at a location is set, so that buyers see the value.

The shop keeps what is on hand and what orders have allocated apart. So a number is written as what is on hand, over
what was read a moment before, and a sale in between is not lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from olhubd.model import Offer, OfferState, Reason
from olhubd.plugin import (
    Accepted,
    ContractBroken,
    LevelCall,
    LevelSink,
    LevelWish,
    Rejected,
    RowOutcome,
    ShownLevel,
    Unreadable,
    decode,
    done_when_shown,
)
from olhubd_vendure import queries, wire_stock
from olhubd_vendure.client import GraphQL
from olhubd_vendure.offers import Offers, buyable
from olhubd_vendure.updates import grouped, update_variants
from olhubd_vendure.variants import NOT_SHOWN, CountingRules, Variants

__all__ = ["Levels"]

_SET = "set"


class Levels(LevelSink):
    """The quantities of one channel's offers."""

    level_settle = timedelta(seconds=5)

    def __init__(self, api: GraphQL, variants: Variants, offers: Offers, late: timedelta) -> None:
        self.level_late = late
        self._api = api
        self._variants = variants
        self._offers = offers

    def plan_levels(self, wishes: Sequence[LevelWish]) -> Sequence[LevelCall]:
        parts = grouped((wish.offer, wish.value, wish.refused) for wish in wishes)
        return [
            LevelCall(action=_SET, offers=offers, value=value)
            for value, offers in sorted(parts, key=lambda part: part[0])
        ]

    async def write_levels(self, command: str, call: LevelCall) -> Sequence[RowOutcome] | Accepted:
        counting = await self._variants.counting()
        if counting.first is None:
            raise Rejected(Reason("olhubd_vendure:no-location-at-all"), field="stock_locations")
        rows, unsure = await self._variants.named(call.offers)
        failed: dict[str, str] = {
            offer: NOT_SHOWN if offer in unsure else "the shop has no such variant"
            for offer in call.offers
            if offer not in rows
        }
        changes: dict[str, Mapping[str, Any]] = {}
        for offer, raw in rows.items():
            try:
                level = _level(decode(raw, wire_stock.StockVariant), counting, counting.first, call.value or 0)
            except ContractBroken as error:
                failed[offer] = str(error)
                continue
            if level is None:
                failed[offer] = "the shop does not count this variant (trackInventory)"
            else:
                changes[offer] = {"id": offer, "stockLevels": [level]}
        return [
            *await update_variants(self._api, self._variants, queries.SET_STOCK, changes),
            *(RowOutcome(offer=offer, done=False, error=why) for offer, why in failed.items()),
        ]

    async def report_levels(self, command: str, call: LevelCall) -> Sequence[RowOutcome] | Accepted | None:
        """A call has no number there: what became of one is seen of the variants."""
        shown = await self._offers.read(call.offers)
        showing = {offer for offer, one in shown.items() if isinstance(one, Offer) and one.quantity == call.value}
        return done_when_shown(call.offers, showing)

    async def read_levels(self, offers: Sequence[str]) -> Sequence[ShownLevel]:
        return [_shown(offer, found) for offer, found in (await self._offers.read(offers)).items()]


def _level(
    row: wire_stock.StockVariant, counting: CountingRules, location: str, value: int
) -> Mapping[str, Any] | None:
    """What must be on hand at a location so that buyers see the value; None where the shop counts no pieces.

    Where other locations hold more than that, it is below zero, and their pieces are sold from there.
    """
    there = buyable(row, counting)
    if not counting.tracks(row):
        return None
    before = sum(one.stock_on_hand for one in row.stock_levels if one.stock_location_id == location)
    missing = value - (there if there is not None else -counting.keeps_back(row))
    return {"stockLocationId": location, "stockOnHand": before + missing}


def _shown(offer: str, found: Offer | Unreadable) -> ShownLevel:
    """What buyers see. A row that makes no sense says that it is there, and no more."""
    if isinstance(found, Unreadable):
        return ShownLevel(offer=offer, quantity=None, active=True)
    active = found.state is OfferState.ACTIVE
    return ShownLevel(offer=offer, quantity=found.quantity if active else found.quantity or 0, active=active)
