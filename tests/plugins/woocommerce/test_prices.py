"""The prices of a WooCommerce shop."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from olhubd.model import ListPrice, Money, PriceBasis, Product, Reduction, Tax
from olhubd.plugin import Page, Record, Unreadable
from olhubd_kit.simulators.woocommerce import WooCommerceSimulator
from olhubd_woocommerce.connector import WooCommerce
from tests.plugins.woocommerce.orders import pln


async def whole(shop: WooCommerce) -> dict[str, Record]:
    """All that the feed reports from its beginning, by the id of the record."""
    found: dict[str, Record] = {}
    page = Page(records=(), cursor=await shop.products.start(None), more=True)
    while page.more:
        page = await shop.products.pull(page.cursor)
        found |= {getattr(one, "external_id", ""): one for one in page.records}
    return found


async def price_of(shop: WooCommerce, simulator: WooCommerceSimulator, sku: str) -> ListPrice:
    row = simulator.catalogue.by_sku(sku)
    assert row is not None
    found = (await whole(shop))[ListPrice.key(str(row["id"]))]
    assert isinstance(found, ListPrice)
    return found


def put(simulator: WooCommerceSimulator, sku: str, **fields: Any) -> None:
    row = simulator.catalogue.by_sku(sku)
    assert row is not None
    row.update(fields)


async def test_every_product_and_variation_has_its_price_and_a_parent_none(
    shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    found = await whole(shop)
    sold = [str(number) for number, row in simulator.catalogue.products.items() if row["type"] != "variable"]
    assert {key for key, one in found.items() if isinstance(one, ListPrice)} == {
        ListPrice.key(number) for number in sold
    }
    plate = await price_of(shop, simulator, "TAL-27")
    row = simulator.catalogue.by_sku("TAL-27")
    assert row is not None
    assert plate.price == pln(row["regular_price"])
    assert (plate.basis, plate.tax) == (PriceBasis.GROSS, Tax(rate=Decimal("23.0000")))


@pytest.mark.parametrize(
    ("taxed", "gross", "basis", "rated"),
    [
        (True, True, PriceBasis.GROSS, True),
        (True, False, PriceBasis.NET, True),
        (False, False, PriceBasis.GROSS, False),
    ],
)
async def test_gross_or_net_is_a_setting_of_the_shop(
    shop: WooCommerce,
    simulator: WooCommerceSimulator,
    taxed: bool,
    gross: bool,
    basis: PriceBasis,
    rated: bool,
) -> None:
    """What a shop without taxes asks for is what a buyer pays."""
    simulator.scheme.calc_taxes, simulator.scheme.prices_include_tax = taxed, gross
    found = await price_of(shop, simulator, "TAL-27")
    assert (found.basis, found.tax is not None) == (basis, rated)


async def test_a_reading_of_all_asks_again_whether_prices_are_gross(
    shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    """No product is changed by that, so nothing else would find it."""
    assert (await price_of(shop, simulator, "TAL-27")).basis is PriceBasis.GROSS
    simulator.scheme.prices_include_tax = False
    page = await shop.products.pull(await shop.products.start(None))
    assert {one.basis for one in page.records if isinstance(one, ListPrice)} == {PriceBasis.NET}


async def test_a_reduction_holds_from_its_beginning_to_the_second_of_its_end(
    shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    put(
        simulator,
        "TAL-27",
        regular_price="100",
        sale_price="80.50",
        price="100",  # the shop's job has not run yet
        date_on_sale_from_gmt="2026-12-01T00:00:00",
        date_on_sale_to_gmt="2026-12-24T22:59:59",
    )
    found = await price_of(shop, simulator, "TAL-27")
    begin, end = datetime(2026, 12, 1, tzinfo=UTC), datetime(2026, 12, 24, 23, tzinfo=UTC)
    assert found.reduction == Reduction(price=pln("80.50"), valid_from=begin, valid_until=end)
    assert found.at(datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)) == pln("100")
    assert found.at(begin) == pln("80.50")
    assert found.at(datetime(2026, 12, 24, 22, 59, 59, tzinfo=UTC)) == pln("80.50")
    assert found.at(end) == pln("100")
    assert found.changes_after(datetime(2026, 11, 1, tzinfo=UTC)) == begin
    assert found.changes_after(begin) == end
    assert found.changes_after(end) is None


@pytest.mark.parametrize(
    ("fields", "price", "reduced"),
    [
        ({"regular_price": "10", "sale_price": "8"}, Decimal(10), Decimal(8)),
        ({"regular_price": "10", "sale_price": "10"}, Decimal(10), None),
        ({"regular_price": "10", "sale_price": "12"}, Decimal(10), None),
        ({"regular_price": "0", "sale_price": ""}, Decimal(0), None),
        ({"regular_price": "", "sale_price": ""}, None, None),
        ({"regular_price": None, "sale_price": None}, None, None),
        ({"regular_price": "10", "sale_price": "0"}, Decimal(10), Decimal(0)),
        ({"regular_price": 12.5}, Decimal("12.5"), None),
    ],
)
async def test_no_price_and_zero_are_two_things(
    shop: WooCommerce,
    simulator: WooCommerceSimulator,
    fields: dict[str, Any],
    price: Decimal | None,
    reduced: Decimal | None,
) -> None:
    put(simulator, "TAL-27", **fields)
    found = await price_of(shop, simulator, "TAL-27")
    assert found.price == (Money(price, "PLN") if price is not None else None)
    assert (found.reduction.price.amount if found.reduction is not None else None) == reduced


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"regular_price": "12,50"}, "regular_price"),
        ({"regular_price": []}, "regular_price"),
        ({"sale_price": "NaN"}, "sale_price"),
        ({"sale_price": "8", "regular_price": "10", "date_on_sale_to_gmt": "soon"}, "date_on_sale_to_gmt"),
    ],
)
async def test_a_price_without_sense_is_named_and_takes_no_other_along(
    shop: WooCommerce, simulator: WooCommerceSimulator, fields: dict[str, Any], field: str
) -> None:
    put(simulator, "TAL-27", **fields)
    found = await whole(shop)
    row = simulator.catalogue.by_sku("TAL-27")
    assert row is not None
    odd = found.pop(ListPrice.key(str(row["id"])))
    assert isinstance(odd, Unreadable)
    assert (odd.kind, field in odd.reason) == ("price", True)
    assert not any(isinstance(one, Unreadable) for one in found.values())
    priced = sum(row["type"] != "variable" for row in simulator.catalogue.products.values())
    assert sum(isinstance(one, ListPrice) for one in found.values()) == priced - 1
    assert isinstance(found[str(row["id"])], Product)  # what it is can be read all the same


@pytest.mark.parametrize(
    ("fields", "tax"),
    [
        ({"tax_class": "reduced-rate"}, Tax(rate=Decimal("8.0000"))),
        ({"tax_status": "none"}, Tax(exemption="none")),
        ({"tax_class": "zero-rate"}, Tax(rate=Decimal("0.0000"))),
        ({"tax_class": "gone"}, None),
    ],
)
async def test_the_tax_is_that_of_the_shops_own_place(
    shop: WooCommerce, simulator: WooCommerceSimulator, fields: dict[str, Any], tax: Tax | None
) -> None:
    put(simulator, "TAL-27", **fields)
    assert (await price_of(shop, simulator, "TAL-27")).tax == tax


async def test_a_variation_is_taxed_as_its_parent(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    put(simulator, "KUB", tax_class="super-reduced-rate")
    put(simulator, "KUB-BIA", tax_class="parent")
    assert (await price_of(shop, simulator, "KUB-BIA")).tax == Tax(rate=Decimal("5.0000"))


async def test_a_changed_price_comes_after(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    page = Page(records=(), cursor=await shop.products.start(None), more=True)
    while page.more:
        page = await shop.products.pull(page.cursor)
    put(simulator, "TAL-27", regular_price="199.99", date_modified_gmt="2030-01-01T00:00:00")
    later = await shop.products.pull(page.cursor)
    assert pln("199.99") in [one.price for one in later.records if isinstance(one, ListPrice)]
