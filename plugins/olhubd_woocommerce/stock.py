"""What the shop has in stock: every product once, then those that were changed, with all of them as a sweep.

The shop's own number is without the pieces of orders that are on hold, processing or completed. A sale need not
move the date by which changes are found, so the sweep is not for rare losses here.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import ClassVar

from olhubd.model import Counting, Kind, StockBasis, StockLevel
from olhubd.plugin import Cursor, Page, StockFeed, Sweep, decode
from olhubd_woocommerce import wire
from olhubd_woocommerce.client import Shop
from olhubd_woocommerce.described import is_sold
from olhubd_woocommerce.goods import ON_SALE, ProductWalk, Reads

__all__ = ["Stock"]

_FIELDS = "id,type,name,status,sku,global_unique_id,manage_stock,stock_quantity,stock_status,date_modified_gmt"


class Stock(StockFeed, Sweep):
    """The stock of one shop."""

    lowered_by: ClassVar[frozenset[str]] = frozenset({"on-hold", "processing", "completed"})

    def __init__(self, shop: Shop, overlap: timedelta, sold_states: frozenset[str]) -> None:
        self._walk = ProductWalk(shop, overlap, _FIELDS)
        self._reads = (Reads(Kind.STOCK, partial(_level, sold=sold_states)),)

    async def start(self, since: datetime | None) -> Cursor:
        return await self._walk.start()

    async def pull(self, cursor: Cursor) -> Page:
        return await self._walk.pull(cursor, self._reads)

    async def sweep(self, since: datetime, cursor: Cursor | None) -> Page:
        return await self._walk.sweep(cursor, self._reads)


def _level(raw: bytes, parent: wire.ProductHead, sold: frozenset[str]) -> StockLevel:
    """The count of a row. A variation that has its parent's count has none of its own, so it has no number."""
    row = decode(raw, wire.StockRow)
    pieces = row.pieces
    counted = row.manage_stock is True and row.type != "variable"
    counting = Counting.UNTRACKED
    if counted:
        counting = Counting.COUNTED if pieces is not None else Counting.UNKNOWN
    published = is_sold((row.status, parent.status), sold)
    # What is not counted can be sold out all the same, by the shop's own word.
    out = row.manage_stock is False and row.type != "variable" and row.stock_status == "outofstock"
    return StockLevel(
        external_id=str(row.id),
        name=row.name or parent.name,
        counting=counting,
        basis=StockBasis.FREE,
        quantity=pieces if counted else None,
        on_sale=published and not out,
        external_state=row.status if row.status != ON_SALE else parent.status,
        sku=wire.own_sku(row, parent),
        ean=row.global_unique_id or None,
    )
