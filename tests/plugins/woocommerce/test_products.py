"""Products that cannot be sold, that share a code, that lend their tax class: told, never guessed."""

from __future__ import annotations

from typing import Any

import pytest

from olhubd.plugin import UNLINKED, Rejected
from olhubd_kit.simulators.woocommerce import WooCommerceSimulator
from tests.plugins.woocommerce.orders import line, open_shop, pln, push_of


@pytest.fixture
def simulator() -> WooCommerceSimulator:
    return WooCommerceSimulator(verify_signatures=False)


def rows(simulator: WooCommerceSimulator) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = simulator.ledger.sheets[501].doc["line_items"]
    return found


@pytest.mark.parametrize(
    ("kind", "words"),
    [("variable", "parent of its variations"), ("grouped", "group"), ("external", "another shop")],
)
@pytest.mark.parametrize("code", ["sku", "ean"])
async def test_what_cannot_be_sold_is_not_bound(
    kind: str, words: str, code: str, simulator: WooCommerceSimulator
) -> None:
    """No stock would be taken and no variant known; a route that wants products holds with the reason."""
    number = simulator.add_product("V-1", {"type": kind, "global_unique_id": "5901234123457"})
    asked: dict[str, Any] = {"sku": "V-1"} if code == "sku" else {"ean": "5901234123457"}
    lines = (line("A1-1", "10.00", **asked), line("A1-2", "5.00", sku="KOC-WEL"))
    async with open_shop(simulator) as shop:
        receipt = await shop.push_order(push_of(lines=lines))
        (free,) = receipt.unlinked
        assert free.line_id == "A1-1"
        assert free.reason is not None
        assert words in free.reason
        assert str(number) in free.reason
        assert [row["product_id"] for row in rows(simulator)] == [0, 119]
        with pytest.raises(Rejected, match=words) as held:
            await shop.push_order(push_of("A2", lines=lines, push={"free_lines": False}))
        assert held.value.code == UNLINKED


async def test_a_line_that_nobody_knows_has_no_reason(simulator: WooCommerceSimulator) -> None:
    async with open_shop(simulator) as shop:
        receipt = await shop.push_order(push_of(lines=(line("A1-1", "10.00", sku="NOWHERE"),)))
        assert [row.reason for row in receipt.unlinked] == [None]


@pytest.mark.parametrize("status", ["draft", "private", "pending"])
async def test_what_is_not_on_sale_is_bound_with_a_word(status: str, simulator: WooCommerceSimulator) -> None:
    """Its stock is the stock of the thing that was sold, so a line of its own would sell it twice."""
    number = simulator.add_product("P-1", {"status": status})
    async with open_shop(simulator) as shop:
        receipt = await shop.push_order(push_of(lines=(line("A1-1", "10.00", sku="P-1"),)))
        assert rows(simulator)[0]["product_id"] == number
    (told,) = receipt.differences
    assert (told.field, told.cut) == ("lines[A1-1].product", True)
    assert f"not on sale in the shop ({status})" in told.what


@pytest.mark.parametrize("order", ["twin first", "twin last"])
async def test_of_two_products_of_one_sku_the_oldest_is_bound_with_a_word(
    order: str, simulator: WooCommerceSimulator
) -> None:
    simulator.add_product("KOC-WEL", {"name": "Woollen blanket"})
    find = simulator.catalogue.find
    if order == "twin last":
        simulator.catalogue.find = lambda params: find(params)[::-1]  # type: ignore[method-assign]
    async with open_shop(simulator) as shop:
        receipt = await shop.push_order(push_of(lines=(line("A1-1", "333.33", sku="KOC-WEL"),)))
        assert rows(simulator)[0]["product_id"] == 119
    assert [(one.field, one.what, one.cut) for one in receipt.differences] == [
        ("lines[A1-1].product", "2 products of the shop bear this SKU; product 119 was taken", True)
    ]


async def test_of_two_products_the_one_on_sale_is_bound(simulator: WooCommerceSimulator) -> None:
    simulator.catalogue.products[119]["status"] = "draft"
    twin = simulator.add_product("KOC-WEL", {"status": "publish"})
    async with open_shop(simulator) as shop:
        await shop.push_order(push_of(lines=(line("A1-1", "333.33", sku="KOC-WEL"),)))
        assert rows(simulator)[0]["product_id"] == twin


async def test_the_one_that_was_bound_before_stays_bound(simulator: WooCommerceSimulator) -> None:
    """An older twin that comes on sale again does not take over what is sold under the code."""
    simulator.catalogue.products[119]["status"] = "draft"
    twin = simulator.add_product("KOC-WEL", {"status": "publish"})
    async with open_shop(simulator) as shop:
        await shop.push_order(push_of("A1", lines=(line("A1", "3.00", sku="KOC-WEL"),)))
        simulator.catalogue.products[119]["status"] = "publish"
        shelf = shop._placing._shelf._by["sku"]
        shelf.fresh = lambda code, sure: False  # type: ignore[method-assign]
        await shop.push_order(push_of("A2", lines=(line("A2", "3.00", sku="KOC-WEL"),)))
        bound = [sheet.doc["line_items"][0]["product_id"] for sheet in simulator.ledger.sheets.values()]
        assert bound == [twin, twin]


async def test_a_variation_beside_its_parent_of_the_same_code_is_bound(simulator: WooCommerceSimulator) -> None:
    """The parent cannot be sold, so there is nothing to choose and nothing to tell."""
    simulator.catalogue.products[100]["sku"] = "KUB-BIA"
    async with open_shop(simulator) as shop:
        receipt = await shop.push_order(push_of(lines=(line("A1-1", "10.00", sku="KUB-BIA"),)))
        assert receipt.unlinked == ()
        assert (rows(simulator)[0]["product_id"], rows(simulator)[0]["variation_id"]) == (100, 101)


@pytest.mark.parametrize(
    ("told", "there"),
    [
        ("590-1234-123457", "5901234123457"),
        ("5901234123457 ", "5901234123457"),
        ("9788324631766", "978-83-246-3176-6"),
        ("978-83-246-3176-6", "9788324631766"),
    ],
)
async def test_dashes_in_an_ean_do_not_matter(told: str, there: str, simulator: WooCommerceSimulator) -> None:
    """As far as they can be guessed: a book's are fixed."""
    number = simulator.add_product("X-1", {"global_unique_id": there})
    async with open_shop(simulator) as shop:
        await shop.push_order(push_of(lines=(line("A1-1", "10.00", ean=told),)))
        assert rows(simulator)[0]["product_id"] == number


@pytest.mark.parametrize("status", ["shipping", "none", "taxable"])
async def test_the_tax_status_of_goods_decides_about_the_delivery_too(
    status: str, simulator: WooCommerceSimulator
) -> None:
    """Goods of "shipping only" bear no tax and lend their class to the delivery: the total is right at once."""
    simulator.add_product("S-1", {"tax_status": status})
    push = push_of(lines=(line("A1-1", "10.00", sku="S-1"),))
    async with open_shop(simulator) as shop:
        receipt = await shop.push_order(push)
    assert receipt.total == push.order.total == pln("19.99")
    assert "PUT /wc/v3/orders/{id}" not in simulator.calls


async def test_taxes_that_the_settings_do_not_tell_are_taken_from_the_answer(
    simulator: WooCommerceSimulator,
) -> None:
    """A plugin taxes what was thought to bear nothing: the rows are set anew by what the shop did."""
    simulator.add_product("S-1", {"tax_status": "none"})
    find = simulator.catalogue.find
    simulator.catalogue.find = lambda params: [dict(p, tax_status="none") for p in find(params)]  # type: ignore[method-assign]
    push = push_of(lines=(line("A1-1", "24.90", 2, sku="KUB-BIA"), line("A1-2", "333.33", sku="KOC-WEL")))
    async with open_shop(simulator) as shop:
        receipt = await shop.push_order(push)
    assert receipt.total == push.order.total
    assert receipt.differences == ()
    assert simulator.calls["PUT /wc/v3/orders/{id}"] == 1


async def test_products_are_read_to_the_end_of_their_list(simulator: WooCommerceSimulator) -> None:
    """Fifty codes with three translations each are more than a page."""
    lines = []
    for number in range(50):
        for _ in range(3):
            simulator.add_product(f"T-{number}", {"name": "T"})
        lines.append(line(f"A1-{number}", "1.00", sku=f"T-{number}"))
    async with open_shop(simulator) as shop:
        assert (await shop.push_order(push_of(lines=tuple(lines)))).unlinked == ()
