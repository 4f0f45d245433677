"""The products of a WooCommerce shop, as its catalogue describes them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import olhubd_woocommerce
from olhubd.model import Category, ListPrice, Product, ProductKind, ProductState, SetPart, StockLevel, Tax
from olhubd.plugin import Cursor, Page, Record, Unreadable
from olhubd_kit.simulators.woocommerce import WooCommerceSimulator
from olhubd_woocommerce.connector import WooCommerce
from tests.plugins.woocommerce.orders import open_shop

MANUAL = Path(olhubd_woocommerce.__file__).parent / "README.md"


async def whole(shop: WooCommerce) -> list[Record]:
    """All that the feed reports from its beginning."""
    found: list[Record] = []
    page = Page(records=(), cursor=await shop.products.start(None), more=True)
    while page.more:
        page = await shop.products.pull(page.cursor)
        found += page.records
    return found


def row_of(simulator: WooCommerceSimulator, sku: str) -> dict[str, Any]:
    row = simulator.catalogue.by_sku(sku)
    assert row is not None
    return row


async def product_of(shop: WooCommerce, simulator: WooCommerceSimulator, sku: str) -> Product:
    number = str(row_of(simulator, sku)["id"])
    (found,) = [one for one in await whole(shop) if isinstance(one, Product) and one.external_id == number]
    return found


@pytest.mark.parametrize(("wrong", "most"), [(0, 12), (-16, 22)])
async def test_a_page_of_variable_products_makes_a_dozen_calls_at_most(
    shop: WooCommerce, simulator: WooCommerceSimulator, wrong: int, most: int
) -> None:
    """Each asks for its variations, and orders wait for the page. None is passed over, nor read twice, also where
    the shop counts as many as are on the first page, which makes it ask for each list twice."""
    at = "2026-01-01T00:00:00"
    for number in range(25):
        parent = simulator.catalogue.put(f"W{number}", at, type="variable")
        simulator.catalogue.put(f"W{number}-1", at, type="variation", parent_id=parent["id"])
    page = Page(records=(), cursor=await shop.products.start(None), more=True)
    simulator.pager.count_wrong(wrong)
    read: list[str] = []
    while page.more:
        before = sum(simulator.calls.values())
        page = await shop.products.pull(page.cursor)
        assert sum(simulator.calls.values()) - before <= most
        read += [one.external_id for one in page.records if isinstance(one, Product)]
    assert sorted(map(int, read)) == sorted(simulator.catalogue.products)


async def test_a_list_that_ends_before_the_shops_own_count_is_not_complete(
    shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    """Where a plugin takes rows out of it, what is not shown is not gone."""
    row_of(simulator, "KUB")["type"] = "simple"
    cursor = await shop.products.start(None)
    assert await ends_complete(shop, cursor)
    simulator.pager.count_wrong(2)
    assert not await ends_complete(shop, cursor)


async def ends_complete(shop: WooCommerce, cursor: Cursor) -> bool:
    page = await shop.products.pull(cursor)
    while page.more:
        page = await shop.products.pull(page.cursor)
    return page.complete


async def test_what_is_taken_of_a_product(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    """PRD-03, PRD-14: each of the data that the manual of the plugin lists, and the price with it."""
    row_of(simulator, "TAL-27").update(
        description="<p>Porcelana</p>",
        weight="450",
        images=[{"src": "https://shop.example/a.jpg"}, {"src": "https://shop.example/b.jpg"}],
        categories=[{"id": 9, "name": "Talerze", "slug": "talerze"}],
        brands=[{"id": 3, "name": "Ćmielów", "slug": "cmielow"}],
    )
    simulator.catalogue.weight_unit = "g"
    found = await product_of(shop, simulator, "TAL-27")
    number = str(row_of(simulator, "TAL-27")["id"])
    assert found == Product(
        external_id=number,
        name="Talerz obiadowy 27 cm",
        state=ProductState.LISTED,
        external_state="publish",
        sku="TAL-27",
        ean="5900001234648",
        description="<p>Porcelana</p>",
        manufacturer="Ćmielów",
        categories=(Category(external_id="9", name="Talerze"),),
        images=("https://shop.example/a.jpg", "https://shop.example/b.jpg"),
        weight=Decimal("0.450"),
        tax=Tax(rate=Decimal("23.0000")),
    )
    assert any(isinstance(one, ListPrice) and one.item == number for one in await whole(shop))
    manual = MANUAL.read_text(encoding="utf-8")
    taken = (
        *(
            "name",
            "description",
            "SKU",
            "EAN",
            "type",
            "state",
            "tax rate",
            "pictures",
            "categories",
            "manufacturer",
        ),
        *("weight", "Prices", "feed of stock", "whether an order is paid"),
    )
    assert [word for word in taken if word not in manual.partition("## What is taken of a product")[2]] == []


async def test_a_variant_names_its_parent_and_has_its_own_mark(
    shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    row_of(simulator, "KUB-BIA").update(
        attributes=[{"id": 1, "name": "Kolor", "option": "biały"}], image={"src": "https://shop.example/w.jpg"}
    )
    row_of(simulator, "KUB-CZA")["sku"] = "KUB"  # a plugin gives it its parent's
    mug = await product_of(shop, simulator, "KUB-BIA")
    parent = next(row for row in simulator.catalogue.products.values() if row["type"] == "variable")
    assert (mug.kind, mug.parent_id) == (ProductKind.VARIANT, str(parent["id"]))
    assert (mug.options, mug.images) == ({"Kolor": "biały"}, ("https://shop.example/w.jpg",))
    found = [one for one in await whole(shop) if isinstance(one, Product)]
    assert {one.sku for one in found if one.kind is ProductKind.VARIANT} == {"KUB-BIA", None}
    assert [one.external_id for one in found if one.kind is ProductKind.PARENT] == [str(parent["id"])]


async def test_a_bundle_is_a_set_with_its_parts(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    plate, mug = (row_of(simulator, sku)["id"] for sku in ("TAL-27", "LAM-BIU"))
    row_of(simulator, "KOC-WEL").update(
        type="bundle", bundled_items=[{"product_id": plate, "quantity_min": 6}, {"product_id": mug}]
    )
    found = await product_of(shop, simulator, "KOC-WEL")
    assert found.kind is ProductKind.SET
    assert found.parts == (SetPart(item=str(plate), pieces=6), SetPart(item=str(mug)))


@pytest.mark.parametrize(
    ("status", "state", "sold"),
    [
        ("publish", ProductState.LISTED, True),
        ("draft", ProductState.DRAFT, False),
        ("pending", ProductState.DRAFT, False),
        ("private", ProductState.PRIVATE, False),
        ("trash", ProductState.BIN, False),
        ("retired", ProductState.UNKNOWN, False),
    ],
)
async def test_only_what_is_published_is_sold_unless_the_settings_say_so(
    simulator: WooCommerceSimulator, status: str, state: ProductState, sold: bool
) -> None:
    """What is counted of it and what it is say the same; a variation is sold where its parent is, too."""
    for row in ("TAL-27", "KUB"):
        row_of(simulator, row)["status"] = status
    numbers = {str(row_of(simulator, sku)["id"]) for sku in ("TAL-27", "KUB-BIA")}
    for named, expected in ((("publish",), sold), (("publish", "private"), sold or status == "private")):
        async with open_shop(simulator, sold_states=named) as shop:
            found = {one.external_id: one for one in await whole(shop) if isinstance(one, Product)}
            assert {found[number].state for number in numbers} == {state}
            assert {found[number].on_sale for number in numbers} == {expected}
            page = await shop.stock.pull(await shop.stock.start(None))
            counted = {one.external_id: one for one in page.records if isinstance(one, StockLevel)}
            assert {counted[number].on_sale for number in numbers} == {expected}


async def test_only_what_bears_the_tag_is_shared(simulator: WooCommerceSimulator) -> None:
    """Part of PRD-12: which products are shared. A variation is shared with its parent."""
    for sku in ("TAL-27", "KUB"):
        row_of(simulator, sku)["tags"] = [{"id": 1, "name": "Allegro", "slug": "allegro"}]
    async with open_shop(simulator, shared_tag="allegro") as shop:
        shared = {one.sku for one in await whole(shop) if isinstance(one, Product) and one.shared}
    assert shared == {"TAL-27", "KUB", "KUB-BIA", "KUB-CZA"}
    async with open_shop(simulator) as shop:
        assert all(one.shared for one in await whole(shop) if isinstance(one, Product))


@pytest.mark.parametrize("weight", ["", "heavy", "1,5", None, []])
async def test_a_weight_that_is_none_is_not_known(
    shop: WooCommerce, simulator: WooCommerceSimulator, weight: Any
) -> None:
    row_of(simulator, "TAL-27")["weight"] = weight
    assert (await product_of(shop, simulator, "TAL-27")).weight is None


async def test_what_cannot_be_read_of_a_product_does_not_take_its_price_along(
    shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    row = row_of(simulator, "TAL-27")
    row["bundled_items"] = [{"product_id": "?"}]
    found = await whole(shop)
    (odd,) = [one for one in found if isinstance(one, Unreadable)]
    assert (odd.kind, odd.external_id) == ("product", str(row["id"]))
    assert "bundled_items" in odd.reason
    assert any(isinstance(one, ListPrice) and one.item == odd.external_id for one in found)
