"""What the shop sells and at what price: every product once, then what was changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from olhubd.model import Kind, ListPrice
from olhubd.plugin import Account, Cursor, Page, ProductFeed
from olhubd_woocommerce import described, wire
from olhubd_woocommerce.client import Shop
from olhubd_woocommerce.described import CatalogueRules
from olhubd_woocommerce.goods import ProductWalk, Reads
from olhubd_woocommerce.prices import list_price
from olhubd_woocommerce.settings import WooCommerceSettings
from olhubd_woocommerce.taxes import TaxRulesReader

__all__ = ["Products"]

_FIELDS = f"{described.FIELDS},regular_price,sale_price,date_on_sale_from_gmt,date_on_sale_to_gmt"
_HOUR = timedelta(hours=1)


class Products(ProductFeed):
    """The products of one shop with their prices. Whether these are gross is a setting of the shop, as are their
    currency and the unit of weights: all are asked for again when the feed begins again."""

    def __init__(self, account: Account[WooCommerceSettings], shop: Shop, taxes: TaxRulesReader) -> None:
        self._account = account
        self._shop = shop
        self._taxes = taxes
        self._walk = ProductWalk(shop, account.settings.overlap, _FIELDS)

    async def start(self, since: datetime | None) -> Cursor:
        await self._rules(fresh=True)
        return await self._walk.start()

    async def pull(self, cursor: Cursor) -> Page:
        rules = await self._rules()
        return await self._walk.pull(cursor, _reads(rules))

    async def _rules(self, *, fresh: bool = False) -> CatalogueRules:
        settings = self._account.settings
        return CatalogueRules(
            taxes=await self._taxes.book(fresh),
            weight_unit=await self._account.remember("weight unit", _HOUR, self._weight_unit, fresh=fresh),
            sold_states=frozenset(settings.sold_states),
            shared_tag=settings.shared_tag,
        )

    async def _weight_unit(self) -> str:
        query = {"_fields": "id,value"}
        rows = await self._shop.get("/wc/v3/settings/products", list[wire.Option], query)
        found = {row.id: row.value for row in rows if isinstance(row.value, str)}
        return found.get("woocommerce_weight_unit", "")


def _reads(rules: CatalogueRules) -> Sequence[Reads]:
    return (
        Reads(Kind.PRODUCT, partial(described.product, rules=rules)),
        Reads(Kind.PRICE, partial(list_price, rules=rules.taxes), ListPrice.key),
    )
