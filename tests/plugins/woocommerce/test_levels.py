"""Quantities into a WooCommerce shop, and what its buyers see of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from olhubd.model import LevelStep, Offer, OfferState, Order
from olhubd.plugin import Cursor, LevelCall, LevelWish, OutcomeUnknown, Page, Unreadable
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.simulators.woocommerce import WooCommerceSimulator
from olhubd_woocommerce.connector import WooCommerce

WHITE, BLACK = "100:101", "100:102"


def wish(offer: str, value: int) -> LevelWish:
    return LevelWish(offer=offer, value=value, shown=5, step=LevelStep.SHOW)


def row(simulator: WooCommerceSimulator, sku: str) -> dict[str, Any]:
    found = simulator.catalogue.by_sku(sku)
    assert found is not None
    return found


async def listed(shop: WooCommerce) -> dict[str, Offer]:
    found: dict[str, Offer] = {}
    page = Page(records=(), cursor=await shop.offers.start(None), more=True)
    while page.more:
        page = await shop.offers.pull(Cursor(page.cursor))
        found.update({one.external_id: one for one in page.records if isinstance(one, Offer)})
    return found


def test_a_call_holds_one_value_of_one_list(shop: WooCommerce) -> None:
    """Products go together, a hundred at most; variations below their own parent; sold out first."""
    products = [wish(str(number), 3) for number in range(200, 350)]
    calls = shop.levels.plan_levels([*products, wish(WHITE, 3), wish(BLACK, 0), wish("9:10", 3), wish("7", 0)])
    assert [(call.value, len(call.offers)) for call in calls] == [
        (0, 1),
        (0, 1),
        (3, 100),
        (3, 50),
        (3, 1),
        (3, 1),
    ]
    assert [call.offers for call in calls if len(call.offers) == 1] == [("7",), (BLACK,), ("9:10",), (WHITE,)]
    assert shop.levels.plan_levels([wish("no number", 3), wish("1:2:3", 3)]) == []


async def test_a_variation_is_written_below_its_parent(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    call = LevelCall(action="set", offers=(WHITE, BLACK), value=2)
    rows = await shop.levels.write_levels("1", call)
    assert isinstance(rows, list)
    assert [(one.offer, one.done) for one in rows] == [(WHITE, True), (BLACK, True)]
    assert simulator.offers.buyable()[WHITE] == 2
    assert [(one.offer, one.quantity) for one in await shop.levels.read_levels([WHITE, "103"])] == [
        (WHITE, 2),
        ("103", 100),
    ]
    assert row(simulator, "TAL-27")["stock_quantity"] == 100


async def test_an_answer_of_200_holds_failed_rows(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    """One whose parent is another's, one that a plugin refuses, and one that is not there: each by itself."""
    simulator.offers.fail_tasks(["103"])
    rows = await shop.levels.write_levels("1", LevelCall(action="set", offers=("103", "104", "999"), value=1))
    assert isinstance(rows, list)
    assert {one.offer: one.error for one in rows} == {
        "103": "A plugin refuses to save this product.",
        "104": None,
        "999": "Invalid ID.",
    }
    (wrong,) = await shop.levels.write_levels("2", LevelCall(action="set", offers=("103:101",), value=1))  # type: ignore[misc]
    assert (wrong.offer, wrong.done, wrong.error) == ("103:101", False, "Invalid ID.")


async def test_the_answer_to_a_write_is_no_evidence(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    """S18: it repeats what was sent; what buyers see is read for itself."""
    simulator.offers.ignore_commands(1)
    await shop.levels.write_levels("1", LevelCall(action="set", offers=("103",), value=78))
    (shown,) = await shop.levels.read_levels(["103"])
    assert shown.quantity == 100


async def test_zero_leaves_the_offer_where_it_is(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    """It is sold out and not withdrawn, so that it can be raised again without anybody's leave."""
    await shop.levels.write_levels("1", LevelCall(action="set", offers=("103",), value=0))
    assert simulator.catalogue.products[103]["stock_status"] == "outofstock"
    (shown,) = await shop.levels.read_levels(["103"])
    assert (shown.quantity, shown.active) == (0, True)
    await shop.levels.write_levels("2", LevelCall(action="set", offers=("103",), value=4))
    assert simulator.offers.buyable()["103"] == 4


@pytest.mark.parametrize("kind", [FaultKind.LOSE, FaultKind.HALF, FaultKind.ERROR_AFTER])
async def test_a_lost_batch_is_looked_for_among_the_products(
    shop: WooCommerce, simulator: WooCommerceSimulator, kind: FaultKind
) -> None:
    call = LevelCall(action="set", offers=("103", "104"), value=3)
    simulator.faults.add(Fault(kind=kind, match="products/batch"))
    with pytest.raises(OutcomeUnknown):
        await shop.levels.write_levels("1", call)
    rows = await shop.levels.report_levels("1", call)
    assert isinstance(rows, list)
    assert [(one.offer, one.done) for one in rows] == [("103", True), ("104", True)]
    simulator.offers.set_quantity("104", 2)
    assert await shop.levels.report_levels("1", call) is None, "the other one may still be written"
    assert shop.levels.level_late == shop.settings.settle, "PHP works on for so long"


@pytest.mark.parametrize(
    ("fields", "quantity", "state"),
    [
        ({"stock_quantity": 7}, 7, OfferState.ACTIVE),
        ({"stock_quantity": -2}, 0, OfferState.ACTIVE),
        ({"stock_quantity": 2.5}, None, OfferState.ACTIVE),
        ({"manage_stock": False, "stock_quantity": 7}, None, OfferState.ACTIVE),
        ({"manage_stock": False, "stock_status": "outofstock"}, 0, OfferState.ACTIVE),
        ({"manage_stock": "parent", "stock_quantity": 7}, None, OfferState.ACTIVE),
        ({"stock_quantity": 7, "status": "draft"}, 7, OfferState.INACTIVE),
        ({"stock_quantity": 7, "status": "private"}, 7, OfferState.INACTIVE),
    ],
)
async def test_what_is_not_counted_has_no_number(
    shop: WooCommerce,
    simulator: WooCommerceSimulator,
    fields: dict[str, object],
    quantity: int | None,
    state: OfferState,
) -> None:
    row(simulator, "TAL-27").update(fields)
    offer = (await listed(shop))["103"]
    assert (offer.quantity, offer.state) == (quantity, state)
    (shown,) = await shop.levels.read_levels(["103"])
    active = state is OfferState.ACTIVE
    assert (shown.quantity, shown.active) == (quantity, active)


async def test_nothing_is_written_to_what_the_shop_does_not_count(
    shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    """Counting is the seller's to switch on."""
    row(simulator, "TAL-27").update({"manage_stock": False, "stock_quantity": None})
    await shop.levels.write_levels("1", LevelCall(action="set", offers=("103",), value=4))
    found = row(simulator, "TAL-27")
    assert (found["manage_stock"], found["stock_quantity"]) == (False, None)


async def test_an_offer_is_what_a_buyer_can_put_into_the_cart(
    shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    """Its number is the product's, or of a variation its parent's and its own; an unpublished parent takes its
    variations along, and what is sold elsewhere is no offer."""
    row(simulator, "TAL-27")["type"] = "external"
    row(simulator, "KUB")["status"] = "draft"
    found = await listed(shop)
    assert "100" not in found
    assert "103" not in found
    assert [one.offer for one in await shop.levels.read_levels(["100", "103", WHITE])] == [WHITE]
    assert (found[WHITE].sku, found[WHITE].state) == ("KUB-BIA", OfferState.INACTIVE)


async def test_an_order_names_the_offers_that_were_bought(
    shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    """By these its pieces are reserved on all other channels."""
    id_ = simulator.place_order([{"sku": "KUB-BIA", "quantity": 2}, {"sku": "TAL-27", "quantity": 1}])
    order = await shop.orders.read_order(id_)
    assert isinstance(order, Order)
    assert [line.offer_id for line in order.lines] == [WHITE, "103"]
    assert set(await listed(shop)) >= {WHITE, "103"}


async def test_a_bent_status_is_no_zero(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    row(simulator, "KUB-BIA")["status"] = []
    page = await shop.offers.sweep(simulator.now(), None)
    (odd,) = [one for one in page.records if isinstance(one, Unreadable)]
    assert (odd.external_id, odd.kind) == (WHITE, "offer")
    (shown,) = await shop.levels.read_levels([WHITE])
    assert (shown.quantity, shown.active) == (None, True)


async def test_a_row_that_the_shop_does_not_show_keeps_no_other_from_being_read(
    shop: WooCommerce, simulator: WooCommerceSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plugin of the shop hides a variation that its count still has: it is not gone, and the others are read."""
    hidden, paged = row(simulator, "KUB-BIA")["id"], simulator.pager.page

    def page(found: list[Any], params: Mapping[str, str]) -> tuple[list[Any], dict[str, str]]:
        rows, headers = paged(found, params)
        return [one for one in rows if not isinstance(one, dict) or one["id"] != hidden], headers

    monkeypatch.setattr(simulator.pager, "page", page)
    shown = {one.offer: (one.quantity, one.active) for one in await shop.levels.read_levels([WHITE, BLACK, "103"])}
    assert shown[WHITE] == (None, True)
    assert shown[BLACK][0] is not None
    assert shown["103"] == (100, True)
    call = LevelCall(action="set", offers=(WHITE, BLACK), value=2)
    assert await shop.levels.report_levels("1", call) is None
