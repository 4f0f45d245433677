"""What a WooCommerce shop has in stock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from olhubd.model import Counting, Kind, StockBasis, StockLevel
from olhubd.plugin import Cursor, Page, Record, Unreadable
from olhubd_kit.simulators.woocommerce import WooCommerceSimulator
from olhubd_kit.virtual_clock import EPOCH
from olhubd_woocommerce.connector import WooCommerce


async def whole(shop: WooCommerce) -> tuple[dict[str, StockLevel], Cursor]:
    """All that the feed reports from its beginning, by SKU, and where it stands then."""
    found: dict[str, StockLevel] = {}
    page = Page(records=(), cursor=await shop.stock.start(None), more=True)
    while page.more:
        page = await shop.stock.pull(page.cursor)
        found.update({one.sku or one.external_id: one for one in page.records if isinstance(one, StockLevel)})
    return found, page.cursor


async def later(shop: WooCommerce, cursor: Cursor) -> dict[str, StockLevel]:
    page = await shop.stock.pull(cursor)
    return {one.sku or one.external_id: one for one in page.records if isinstance(one, StockLevel)}


async def test_every_product_and_variation_is_read_once(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    found, _ = await whole(shop)
    assert len(found) == len(simulator.catalogue.products)
    plate = found["TAL-27"]
    assert (plate.quantity, plate.counting, plate.basis) == (100, Counting.COUNTED, StockBasis.FREE)
    assert found["KUB-BIA"].quantity == 100  # a variation, which stands in no list of the whole shop
    assert found["KUB"].counting is Counting.UNTRACKED  # their parent


async def test_what_has_changed_comes_after(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    _, cursor = await whole(shop)
    row = simulator.catalogue.by_sku("TAL-27")
    assert row is not None
    simulator.catalogue.move(row["id"], -60, "2030-01-01T00:00:00")
    assert {sku: one.quantity for sku, one in (await later(shop, cursor)).items()}["TAL-27"] == 40


@pytest.mark.parametrize(
    ("fields", "counting", "quantity", "on_sale"),
    [
        ({"manage_stock": True, "stock_quantity": 0}, Counting.COUNTED, 0, True),
        ({"manage_stock": True, "stock_quantity": -2}, Counting.COUNTED, -2, True),
        ({"manage_stock": True, "stock_quantity": None}, Counting.UNKNOWN, None, True),
        ({"manage_stock": False, "stock_quantity": 0}, Counting.UNTRACKED, None, True),
        ({"manage_stock": False, "stock_status": "outofstock"}, Counting.UNTRACKED, None, False),
        ({"manage_stock": "parent", "stock_quantity": 4}, Counting.UNTRACKED, None, True),
        ({"manage_stock": True, "stock_quantity": 7, "status": "draft"}, Counting.COUNTED, 7, False),
        ({"manage_stock": True, "stock_quantity": 7, "status": "private"}, Counting.COUNTED, 7, False),
    ],
)
async def test_not_tracked_no_number_and_zero_are_three_things(
    shop: WooCommerce,
    simulator: WooCommerceSimulator,
    fields: dict[str, object],
    counting: Counting,
    quantity: int | None,
    on_sale: bool,
) -> None:
    """S12, S13."""
    row = simulator.catalogue.by_sku("TAL-27")
    assert row is not None
    row.update(fields)
    found, _ = await whole(shop)
    plate = found["TAL-27"]
    assert (plate.counting, plate.quantity, plate.on_sale) == (counting, quantity, on_sale)


@pytest.mark.parametrize("sku", ["TAL-27", "KUB-BIA"])
async def test_a_row_without_sense_takes_no_other_along(
    shop: WooCommerce, simulator: WooCommerceSimulator, sku: str
) -> None:
    """Half a piece is none that could be sold; its neighbours, and its parent's other variations, are read."""
    row = simulator.catalogue.by_sku(sku)
    assert row is not None
    row["stock_quantity"] = 2.5
    found: dict[str, Record] = {}
    page = Page(records=(), cursor=await shop.stock.start(None), more=True)
    while page.more:
        page = await shop.stock.pull(page.cursor)
        found.update({getattr(one, "external_id", ""): one for one in page.records})
    odd = found.pop(str(row["id"]))
    assert isinstance(odd, Unreadable)
    assert "stock_quantity" in odd.reason
    assert len(found) == len(simulator.catalogue.products) - 1
    assert all(isinstance(one, StockLevel) for one in found.values())


async def test_a_variation_without_a_mark_of_its_own_has_none(
    shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    """S27: it reports its parent's, which an offer would be linked to by mistake."""
    row = simulator.catalogue.by_sku("KUB-BIA")
    assert row is not None
    row["sku"] = "KUB"
    found, _ = await whole(shop)
    assert found[str(row["id"])].sku is None
    assert found[str(row["id"])].quantity == 100


async def test_a_sale_that_moves_no_date_is_found_by_the_sweep(
    shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    _, cursor = await whole(shop)
    row = simulator.catalogue.by_sku("TAL-27")
    assert row is not None
    row.update({"stock_quantity": 40, "date_modified_gmt": "2020-01-01T00:00:00"})
    assert "TAL-27" not in await later(shop, cursor)
    page = await shop.stock.sweep(simulator.now(), None)
    found = {one.sku: one.quantity for one in page.records if isinstance(one, StockLevel)}
    while page.more:
        page = await shop.stock.sweep(simulator.now(), page.cursor)
        found |= {one.sku: one.quantity for one in page.records if isinstance(one, StockLevel)}
    assert found["TAL-27"] == 40


async def test_only_a_product_that_has_variations_is_asked_for_them(
    shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    """Each such call is one a product; of ten thousand products few have any."""
    await whole(shop)
    with_variations = [row for row in simulator.catalogue.products.values() if row["variations"]]
    asked = sum(number for path, number in simulator.calls.items() if path.endswith("/variations"))
    assert 0 < asked == len(with_variations) < len(simulator.catalogue.products)


@pytest.mark.parametrize("read", ["pull", "sweep"])
async def test_a_product_of_whose_variations_not_all_are_shown_holds_up_no_other(
    shop: WooCommerce, simulator: WooCommerceSimulator, monkeypatch: pytest.MonkeyPatch, read: str
) -> None:
    """It is kept aside, so that a person hears of it; what is shown of it counts."""
    row = simulator.catalogue.by_sku("KUB-BIA")
    parent = simulator.catalogue.by_sku("KUB")
    assert row is not None
    assert parent is not None
    paged = simulator.pager.page

    def page(found: list[Any], params: Mapping[str, str]) -> tuple[list[Any], dict[str, str]]:
        rows, headers = paged(found, params)
        return [one for one in rows if not isinstance(one, dict) or one["id"] != row["id"]], headers

    monkeypatch.setattr(simulator.pager, "page", page)
    records: list[Record] = []
    cursor = await shop.stock.start(None) if read == "pull" else None
    pages = [Page(records=(), cursor=cursor or Cursor(""), more=True)]
    while pages[-1].more:
        at = pages[-1].cursor or None
        pages.append(
            await shop.stock.pull(pages[-1].cursor) if read == "pull" else await shop.stock.sweep(EPOCH, at)
        )
        records += pages[-1].records
    levels = {one.sku or one.external_id for one in records if isinstance(one, StockLevel)}
    expected = {one["sku"] for one in simulator.catalogue.products.values()} - {"KUB-BIA", "KUB"}
    assert levels == expected
    (aside,) = [one for one in records if isinstance(one, Unreadable)]
    assert (aside.external_id, aside.kind) == (str(parent["id"]), Kind.STOCK)
    assert "shows 1 variations, and the shop counts more" in aside.reason
    assert [one.complete for one in pages].count(False) == 1
