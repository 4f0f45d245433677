"""What the shop sells and at what price: every product once, then what was changed, with all as a sweep."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from olhubd.model import Kind, ListPrice
from olhubd.plugin import Cursor, Page, ProductFeed, Sweep
from olhubd_woocommerce.client import Shop
from olhubd_woocommerce.goods import ProductWalk, Reads
from olhubd_woocommerce.prices import list_price
from olhubd_woocommerce.taxes import TaxRulesReader

__all__ = ["Products"]

_FIELDS = (
    "id,type,name,status,sku,regular_price,sale_price,date_on_sale_from_gmt,date_on_sale_to_gmt,tax_status,tax_class,"
    "date_modified_gmt"
)


class Products(ProductFeed, Sweep):
    """The products of one shop with their prices. Whether these are gross is a setting of the shop, and so is their
    currency: both are asked for again when a sweep begins."""

    def __init__(self, shop: Shop, taxes: TaxRulesReader, overlap: timedelta) -> None:
        self._walk = ProductWalk(shop, overlap, _FIELDS)
        self._taxes = taxes

    async def start(self, since: datetime | None) -> Cursor:
        return await self._walk.start()

    async def pull(self, cursor: Cursor) -> Page:
        return await self._walk.pull(cursor, await self._reads())

    async def sweep(self, since: datetime, cursor: Cursor | None) -> Page:
        return await self._walk.sweep(cursor, await self._reads(fresh=cursor is None))

    async def _reads(self, *, fresh: bool = False) -> Sequence[Reads]:
        rules = await self._taxes.book(fresh)
        return (Reads(Kind.PRICE, partial(list_price, rules=rules), ListPrice.key),)
