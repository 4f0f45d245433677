"""What the shop has in stock: what is on hand at the locations that count, less what open orders have allocated."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from olhubd.model import Counting, Kind, StockBasis, StockLevel
from olhubd.plugin import Account, Cursor, Page, StockFeed, Sweep, decode
from olhubd_vendure import mapping, variants, wire_stock
from olhubd_vendure.settings import VendureSettings
from olhubd_vendure.variants import Variants, VariantWalk

__all__ = ["Stock"]


class Stock(StockFeed, Sweep):
    """The stock of one channel's variants."""

    lowered_by: ClassVar[frozenset[str]] = frozenset(mapping.ALLOCATED)

    def __init__(self, account: Account[VendureSettings], found: Variants) -> None:
        self._walk = VariantWalk(account, found, Kind.STOCK, _level)

    async def start(self, since: datetime | None) -> Cursor:
        return await self._walk.start()

    async def pull(self, cursor: Cursor) -> Page:
        return await self._walk.pull(cursor)

    async def landed(self, cursor: Cursor) -> None:
        self._walk.landed(cursor)

    async def sweep(self, since: datetime, cursor: Cursor | None) -> Page:
        return await self._walk.sweep(cursor)


def _level(raw: bytes, counting: variants.CountingRules, ean_field: str | None) -> StockLevel:
    """The count of a variant. One without a level at any place that counts has no number, which is not zero."""
    row = decode(raw, wire_stock.StockVariant)
    levels = [one for one in row.stock_levels if one.stock_location_id in counting.named]
    known = Counting.COUNTED if levels else Counting.UNKNOWN
    if not counting.tracks(row):
        known = Counting.UNTRACKED
    number = known is Counting.COUNTED
    return StockLevel(
        external_id=row.id,
        name=row.title,
        counting=known,
        basis=StockBasis.ON_HAND,
        quantity=sum(one.stock_on_hand for one in levels) - counting.keeps_back(row) if number else None,
        allocated=sum(one.stock_allocated for one in levels) if number else None,
        on_sale=row.on_sale,
        external_state=row.state,
        sku=row.sku or None,
        ean=row.ean(ean_field),
    )
