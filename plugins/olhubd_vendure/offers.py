"""What the shop sells, where it is a channel: each of its variants, as buyers see it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from olhubd.model import Kind, Offer, OfferState
from olhubd.plugin import Account, Cursor, OfferFeed, Page, Sweep, Unreadable, decode, guarded
from olhubd_vendure import wire_stock
from olhubd_vendure.pricing import price_rule, seller_price
from olhubd_vendure.settings import VendureSettings
from olhubd_vendure.variants import NOT_SHOWN, CountingRules, Variants, VariantWalk

__all__ = ["Offers", "buyable"]


class Offers(OfferFeed, Sweep):
    """The offers of one channel."""

    def __init__(self, account: Account[VendureSettings], found: Variants) -> None:
        self._variants = found
        self._walk = VariantWalk(account, found, Kind.OFFER, _offer, priced=True)

    async def start(self, since: datetime | None) -> Cursor:
        return await self._walk.start()

    async def pull(self, cursor: Cursor) -> Page:
        return await self._walk.pull(cursor)

    async def landed(self, cursor: Cursor) -> None:
        self._walk.landed(cursor)

    async def sweep(self, since: datetime, cursor: Cursor | None) -> Page:
        return await self._walk.sweep(cursor)

    async def read(self, offers: Sequence[str]) -> dict[str, Offer | Unreadable]:
        """These offers as they stand now. One that is not there is not among them. One that did not come in a list
        that is not complete is unreadable: it may be there."""
        counting, ean_field = await self._variants.counting(), await self._variants.ean_field()
        rows, unsure = await self._variants.named(offers, priced=True)
        found: dict[str, Offer | Unreadable] = {
            id_: Unreadable(external_id=id_, reason=NOT_SHOWN, raw=b"", kind=Kind.OFFER) for id_ in unsure
        }
        for id_ in offers:
            if id_ in rows:
                found[id_] = guarded(rows[id_], id_, lambda raw: _offer(raw, counting, ean_field), kind=Kind.OFFER)
        return found


def buyable(row: wire_stock.StockVariant, counting: CountingRules) -> int | None:
    """How many pieces buyers can buy, from all locations of the channel; below zero where more were sold. None
    where the shop does not count them, or has no number. Raises ContractBroken."""
    levels = [one for one in row.stock_levels if one.stock_location_id in counting.all]
    if not counting.tracks(row) or not levels:
        return None
    return sum(one.stock_on_hand - one.stock_allocated for one in levels) - counting.keeps_back(row)


def _offer(raw: bytes, counting: CountingRules, ean_field: str | None) -> Offer:
    row = decode(raw, wire_stock.StockVariant)
    pieces = buyable(row, counting)
    return Offer(
        external_id=row.id,
        name=row.title,
        state=OfferState.ACTIVE if row.on_sale else OfferState.INACTIVE,
        external_state=row.state,
        sku=row.sku or None,
        ean=row.ean(ean_field),
        price=seller_price(row, counting.pricing),
        price_rule=price_rule(row, counting.pricing),
        listed_at=row.created_at,
        quantity=None if pieces is None else max(0, pieces),
        image=row.picture,
    )
