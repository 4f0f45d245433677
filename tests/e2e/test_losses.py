"""A shop that says "made" and lost a part of it, or died half way, against the whole hub."""

from __future__ import annotations

import msgspec

from olhubd.model import Action, Delivery, DeliveryState
from olhubd.store import events
from tests.e2e.test_hub import Seller, seller  # noqa: F401  (a fixture)


async def _push(seller: Seller, state: DeliveryState) -> Delivery:  # noqa: F811
    """The one order that is owed, once it is in this state."""

    async def there() -> bool:
        return any(d.action is Action.PUSH_ORDER and d.state is state for d in await seller.deliveries())

    await seller.until(there)
    (push,) = [d for d in await seller.deliveries() if d.action is Action.PUSH_ORDER]
    return push


async def test_a_paid_order_that_was_left_pending_is_brought_on(seller: Seller) -> None:  # noqa: F811
    """PHP died before the status: found by its mark, and moved to where it was sent, with the stock taken."""
    seller.shop.die("totals")
    stock = seller.shop.catalogue.products[101]["stock_quantity"]
    seller.first.ledger.buy(payment="ONLINE", sku="KUB-BIA", quantity=2, warehouse=False)

    async def packed() -> bool:
        return [(e.status, e.paid) for e in seller.shop.books()] == [("processing", True)]

    await seller.until(packed)
    assert (await _push(seller, DeliveryState.CONFIRMED)).external_id == "501"
    assert seller.shop.catalogue.products[101]["stock_quantity"] == stock - 2
    assert seller.shop.calls["POST /wc/v3/orders"] == 1


async def test_an_order_without_its_lines_waits_for_a_person(seller: Seller) -> None:  # noqa: F811
    """PHP died before the lines: one order, held in words, and not made again."""
    seller.shop.die("lines")
    seller.first.ledger.buy(payment="ONLINE")
    push = await _push(seller, DeliveryState.HOLD)
    assert push.reason is not None
    assert len(seller.shop.books()) == 1


async def test_a_line_that_an_old_table_lost_is_named(seller: Seller) -> None:  # noqa: F811
    """The name of what was bought bears an emoji; the shop's total is right all the same."""
    seller.shop.old_tables(["items"])
    (order,) = seller.first.ledger.buy(payment="ONLINE", ready=False, lines=2)
    seller.first.ledger.purchases[order].form["lineItems"][0]["offer"]["name"] = "Obroża \N{DOG FACE}"
    for _ in range(2):
        seller.first.ledger.advance(order)
    push = await _push(seller, DeliveryState.HOLD)
    assert push.reason is not None
    assert push.reason is not None
    assert "lines[" in push.reason


async def test_no_buyer_hears_of_it(seller: Seller) -> None:  # noqa: F811
    """From the purchase to the parcel: the shop writes to its owner alone."""
    bought = [*seller.first.ledger.buy(5), *seller.second.ledger.buy(5)]
    await seller.settled()
    assert len(seller.shop.books()) == len(bought)
    for entry in seller.shop.books():
        seller.shop.add_tracking(entry.external_id, f"5200{entry.external_id}", "INPOST")
        seller.shop.set_status(entry.external_id, "completed")
    await seller.settled()
    assert seller.shop.ledger.mails.to_buyers == []
    assert len(seller.shop.mails()) == len(bought)


async def test_why_a_line_has_no_product_stands_in_the_orders_history(seller: Seller) -> None:  # noqa: F811
    """The product that bears its code cannot be sold: the event says which one, and what it is."""
    seller.shop.catalogue.products[119]["type"] = "grouped"
    seller.first.ledger.buy(payment="ONLINE", sku="KOC-WEL")
    await _push(seller, DeliveryState.CONFIRMED)
    told = await events.latest(seller.database.reader, limit=1000)
    (facts,) = [msgspec.json.decode(event.data) for event in told if event.kind == "delivery.confirmed"]
    assert facts["unlinked"] == ["KOC-WEL (product 119 is a group of products)"]
