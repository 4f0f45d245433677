"""The catalogue of a real Vendure, as its stock master's: read whole, and by what its owner has changed since."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

import pytest

from olhubd.model import ListPrice, Money, PriceBasis, Product, ProductKind, ProductState, Tax
from olhubd.plugin import Cursor, Page, Record
from olhubd_kit.test_host import account
from olhubd_vendure import Vendure
from tests.e2e.shop import Shop, add_product
from tests.orders import pln

pytestmark = [pytest.mark.xdist_group("vendure"), pytest.mark.proves("vendure", "real-server")]

_numbers = itertools.count(1)


def made(vendure: Shop, **variant: Any) -> tuple[str, str]:
    """A product of one variant at 10.00 with tax; its SKU and the id of the variant."""
    sku = f"WARE-{next(_numbers)}"
    add_product(vendure.clerk, f"Ware {sku}", sku, {"price": 1000, "trackInventory": "FALSE", **variant})
    asked = "query($s:String!){productVariants(options:{filter:{sku:{eq:$s}}}){items{id}}}"
    return sku, vendure.clerk.ask(asked, {"s": sku})["productVariants"]["items"][0]["id"]


async def go_on(shop: Vendure, cursor: Cursor) -> tuple[dict[str, Record], Page]:
    found: dict[str, Record] = {}
    page = Page(records=(), cursor=cursor, more=True)
    while page.more:
        page = await shop.products.pull(page.cursor)
        await shop.products.landed(page.cursor)
        found |= {one.external_id: one for one in page.records}
    return found, page


def change(vendure: Shop, **fields: Any) -> None:
    write = "mutation($i:[UpdateProductVariantInput!]!){updateProductVariants(input:$i){id}}"
    vendure.clerk.ask(write, {"i": [fields]})


async def test_the_catalogue_is_read_whole_and_then_by_what_was_changed(vendure: Shop) -> None:
    """A price that the owner changes is found although no time of the server moves by it."""
    (sku, one), (_, off) = made(vendure), made(vendure, enabled=False)
    async with account(Vendure, vendure.settings()) as shop:
        shop._shop.most = 5
        found, page = await go_on(shop, await shop.products.start(None))
        count = vendure.clerk.ask("{productVariants{totalItems}}")["productVariants"]["totalItems"]
        sold = [row for row in found.values() if isinstance(row, Product) and row.kind is not ProductKind.PARENT]
        assert (len(sold), page.complete) == (count, True)
        ware, disabled = found[one], found[off]
        assert isinstance(ware, Product)
        assert isinstance(disabled, Product)
        assert (ware.sku, ware.kind, ware.on_sale) == (sku, ProductKind.SIMPLE, True)
        assert (disabled.on_sale, disabled.state) == (False, ProductState.PRIVATE)
        price = found[ListPrice.key(one)]
        assert isinstance(price, ListPrice)
        assert (price.price, price.basis, price.tax) == (pln("10.00"), PriceBasis.GROSS, Tax(rate=Decimal(23)))
        assert (await go_on(shop, page.cursor))[0] == {}
        change(vendure, id=one, prices=[{"currencyCode": "PLN", "price": 1234}])
        news, _ = await go_on(shop, page.cursor)
        assert set(news) == {one, ListPrice.key(one)}
        changed = news[ListPrice.key(one)]
        assert isinstance(changed, ListPrice)
        assert changed.price == Money(Decimal("12.34"), "PLN")
        change(vendure, id=off, enabled=True)
        news, _ = await go_on(shop, page.cursor)
        again = news[off]
        assert isinstance(again, Product)
        assert again.on_sale


async def test_a_deleted_variant_is_in_no_reading_of_all(vendure: Shop) -> None:
    _, gone = made(vendure)
    vendure.clerk.ask("mutation($i:ID!){deleteProductVariant(id:$i){result}}", {"i": gone})
    async with account(Vendure, vendure.settings()) as shop:
        found, page = await go_on(shop, await shop.products.start(None))
        assert (gone in found, page.complete) == (False, True)
