"""The catalogue of a Vendure shop: variants, their products and their prices, whole and by what was changed."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from olhubd.model import Kind, ListPrice, Money, PriceBasis, Product, ProductKind, ProductState, Tax
from olhubd.plugin import ContractBroken, Cursor, Gone, Page, Record, Unreadable
from olhubd_vendure import Vendure
from tests.orders import pln
from tests.plugins.vendure.listing import listed
from tests.plugins.vendure.test_stock import BEGUN, Warehouse, opened


class Catalogue(Warehouse):
    """Its variants in pairs of one product, by colour."""

    def __init__(self, count: int = 4) -> None:
        super().__init__(count)
        self.read: list[str] = []
        """The variants that were asked for whole."""
        self.short = 0
        """By how many rows the server counts more than it shows."""

    def variant(self, number: int, **fields: Any) -> dict[str, Any]:
        return super().variant(
            number,
            updatedAt=BEGUN.isoformat(),
            product={
                "id": str((number + 1) // 2),
                "name": "Mug",
                "enabled": True,
                "description": "<p>A mug.</p>",
                "updatedAt": BEGUN.isoformat(),
                "featuredAsset": {"source": "https://shop.example/mug.png"},
                "assets": [{"source": "https://shop.example/mug.png"}, {"source": "https://shop.example/box.png"}],
            },
            featuredAsset=None,
            assets=[],
            options=[{"name": "white" if number % 2 else "black", "group": {"name": "colour"}}],
            **fields,
        )

    def touch(self, number: str = "1", **fields: Any) -> None:
        """Something of a variant is another, and its time with it."""
        self.variants[number] |= {**fields, "updatedAt": (BEGUN + timedelta(days=len(self.asked))).isoformat()}

    def _ListChanges(self, options: dict[str, Any]) -> Any:  # noqa: N802
        names = ("id", "updatedAt", "prices", "taxRateApplied")
        rows = [
            {**{name: row[name] for name in names}, "product": {"updatedAt": row["product"]["updatedAt"]}}
            for row in sorted(self.variants.values(), key=lambda row: int(row["id"]))
        ]
        if self.disordered:
            rows.reverse()
        page = listed(rows, {**options, "sort": {}}, self.limit)
        return {"productVariants": {**page, "totalItems": page["totalItems"] + self.short}}

    def _ListProducts(self, options: dict[str, Any]) -> Any:  # noqa: N802
        page = listed(list(self.variants.values()), {**options, "sort": {}}, self.limit)
        self.read += [row["id"] for row in page["items"]]
        return {"productVariants": page}


async def go_on(shop: Vendure, cursor: Cursor, *, land: bool = True) -> tuple[list[Record], Page]:
    """All that the feed reports from a cursor to its end, and the last page."""
    found: list[Record] = []
    page = Page(records=(), cursor=cursor, more=True)
    while page.more:
        page = await shop.products.pull(page.cursor)
        found += page.records
        if land:
            await shop.products.landed(page.cursor)
    return found, page


async def whole(shop: Vendure) -> dict[tuple[Kind, str], Record]:
    records, page = await go_on(shop, await shop.products.start(None))
    assert page.complete
    kinds = {Product: Kind.PRODUCT, ListPrice: Kind.PRICE}
    return {(kinds[type(one)], one.external_id): one for one in records if type(one) in kinds}


async def test_a_variant_comes_with_its_product_its_options_and_its_prices() -> None:
    stand = Catalogue(2)
    stand.change(customFields={"ean": "5901234123457"})
    async with opened(stand) as shop:
        found = await whole(shop)
        variant = found[Kind.PRODUCT, "1"]
        assert isinstance(variant, Product)
        assert (variant.kind, variant.parent_id, variant.options) == (
            ProductKind.VARIANT,
            "product-1",
            {"colour": "white"},
        )
        assert (variant.sku, variant.ean, variant.tax) == ("KUB-1", "5901234123457", Tax(rate=Decimal(23)))
        assert variant.images == ("https://shop.example/mug.png", "https://shop.example/box.png")
        parent = found[Kind.PRODUCT, "product-1"]
        assert isinstance(parent, Product)
        assert (parent.kind, parent.name, parent.description) == (ProductKind.PARENT, "Mug", "<p>A mug.</p>")
        assert sorted(key for kind, key in found if kind is Kind.PRODUCT) == ["1", "2", "product-1"]


async def test_a_product_without_options_is_its_only_variant() -> None:
    stand = Catalogue(1)
    stand.change(options=[])
    async with opened(stand) as shop:
        found = await whole(shop)
        assert [key for kind, key in found if kind is Kind.PRODUCT] == ["1"]
        one = found[Kind.PRODUCT, "1"]
        assert isinstance(one, Product)
        assert (one.kind, one.parent_id, one.options) == (ProductKind.SIMPLE, None, {})


@pytest.mark.parametrize("gross", [True, False])
async def test_the_prices_of_a_channel_are_lists_by_currency(gross: bool) -> None:
    """Its own currency is the list `default`; one without a price in it has none, which is not zero."""
    stand = Catalogue(2)
    stand.gross = gross
    stand.variants["2"]["prices"] = [{"currencyCode": "EUR", "price": 199}]
    async with opened(stand) as shop:
        found = await whole(shop)
        prices = {key: one for (kind, key), one in found.items() if kind is Kind.PRICE}
        amounts = {key: one.price for key, one in prices.items() if isinstance(one, ListPrice)}
        assert amounts == {
            "1/default": pln("10.00"),
            "1/EUR": Money(Decimal("2.50"), "EUR"),
            "2/default": None,
            "2/EUR": Money(Decimal("1.99"), "EUR"),
        }
        basis = PriceBasis.GROSS if gross else PriceBasis.NET
        assert {one.basis for one in prices.values() if isinstance(one, ListPrice)} == {basis}


@pytest.mark.parametrize(("field", "word"), [("variant", "disabled"), ("product", "product disabled")])
async def test_what_is_disabled_is_not_sold_elsewhere(field: str, word: str) -> None:
    stand = Catalogue(1)
    (stand.variants["1"] if field == "variant" else stand.variants["1"]["product"])["enabled"] = False
    async with opened(stand) as shop:
        one = (await whole(shop))[Kind.PRODUCT, "1"]
        assert isinstance(one, Product)
        assert (one.on_sale, one.state, one.external_state) == (False, ProductState.PRIVATE, word)


async def test_a_price_in_another_currency_that_a_variant_loses_is_gone() -> None:
    """While it runs, and where it was lost while nobody looked; that of the channel itself is said as none."""
    stand = Catalogue(2)
    async with opened(stand) as shop:
        _, page = await go_on(shop, await shop.products.start(None))
        stand.variants["1"]["prices"] = [{"currencyCode": "PLN", "price": 1000}]
        records, _ = await go_on(shop, page.cursor)
        assert [one for one in records if isinstance(one, Gone)] == [Gone(external_id="1/EUR", kind=Kind.PRICE)]
        assert [one.external_id for one in records if isinstance(one, ListPrice)] == ["1/default"]
    async with opened(stand) as shop:
        records, _ = await go_on(shop, await shop.products.start(None))
        assert [one.external_id for one in records if isinstance(one, Gone)] == ["1/EUR"]


async def test_only_what_was_changed_is_read_whole_again() -> None:
    """By its own time, by that of its product, or by its price, which moves no time. Without news nothing comes."""
    stand = Catalogue(4)
    async with opened(stand) as shop:
        _, page = await go_on(shop, await shop.products.start(None))
        stand.read.clear()
        again, still = await go_on(shop, page.cursor)
        assert (again, still.cursor, stand.read) == ([], page.cursor, [])
        stand.touch("1", name="Another")
        records, _ = await go_on(shop, page.cursor)
        assert {one.external_id for one in records} == {"1", "1/default", "1/EUR", "product-1"}
        stand.variants["3"]["prices"] = [{"currencyCode": "PLN", "price": 999}]
        records, _ = await go_on(shop, page.cursor)
        assert pln("9.99") in [one.price for one in records if isinstance(one, ListPrice)]
        stand.variants["4"]["product"]["updatedAt"] = "2027-01-01T00:00:00+00:00"
        await go_on(shop, page.cursor)
        assert stand.read == ["1", "3", "4"]


async def test_what_did_not_land_comes_again() -> None:
    stand = Catalogue(2)
    async with opened(stand) as shop:
        _, page = await go_on(shop, await shop.products.start(None))
        stand.touch("1", name="Another")
        first, _ = await go_on(shop, page.cursor, land=False)
        second, _ = await go_on(shop, page.cursor)
        assert first == second != []
        assert (await go_on(shop, page.cursor))[0] == []


async def test_a_reading_of_all_brings_all_whatever_is_known() -> None:
    stand = Catalogue(4)
    async with opened(stand) as shop:
        first = await whole(shop)
        assert len(first) == 14
        assert await whole(shop) == first


@pytest.mark.parametrize("limit", [1000, 7])
async def test_every_variant_of_several_pages_comes_in_the_order_of_ids(limit: int) -> None:
    stand = Catalogue(40)
    stand.limit = limit
    async with opened(stand) as shop:
        records, page = await go_on(shop, await shop.products.start(None))
        numbers = [one.external_id for one in records if isinstance(one, Product) and one.parent_id]
        assert numbers == [str(number) for number in range(1, 41)]
        assert page.complete


async def test_an_end_before_the_servers_count_is_no_end() -> None:
    """Nothing that did not come may be taken for gone then."""
    stand = Catalogue(4)
    stand.short = 2
    async with opened(stand) as shop:
        _, page = await go_on(shop, await shop.products.start(None))
        assert not page.complete


async def test_a_catalogue_in_another_order_is_no_catalogue() -> None:
    stand = Catalogue(4)
    stand.disordered = True
    async with opened(stand) as shop:
        with pytest.raises(ContractBroken, match="order"):
            await go_on(shop, await shop.products.start(None))


async def test_a_variant_that_cannot_be_read_takes_no_other_along() -> None:
    stand = Catalogue(4)
    stand.variants["2"]["prices"] = "dear"
    async with opened(stand) as shop:
        records, _ = await go_on(shop, await shop.products.start(None))
        odd = {(one.kind, one.external_id) for one in records if isinstance(one, Unreadable)}
        assert odd == {("product", "2"), ("price", "2/default")}
        assert {"1", "3", "4"} <= {one.external_id for one in records if isinstance(one, Product)}


async def test_without_a_word_on_prices_no_price_is_gone() -> None:
    stand = Catalogue(2)
    stand._StockSettings = lambda: {"globalSettings": {"trackInventory": True, "outOfStockThreshold": 0}}  # type: ignore[method-assign]
    async with opened(stand) as shop:
        with pytest.raises(ContractBroken, match="prices"):
            await go_on(shop, await shop.products.start(None))
