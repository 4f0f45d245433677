"""Another order's answer, as a cache in the shop gives it, is never taken for the one that was asked for."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

import pytest

from olhubd.model import Shipment
from olhubd.plugin import Unavailable
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.simulators.woocommerce import WooCommerceSimulator
from olhubd_woocommerce.connector import WooCommerce
from tests.plugins.woocommerce.orders import push_of

Act = Callable[[WooCommerce, str], Awaitable[object]]

ACTS: dict[str, Act] = {
    "cancel": lambda shop, order: shop.cancel_order(order, "cancelled at the marketplace"),
    "status": lambda shop, order: shop.set_status(order, "completed"),
    "parcel": lambda shop, order: shop.parcels.add_shipment(
        order, Shipment(waybill="520000012345", carrier="INPOST")
    ),
    "look-up": lambda shop, order: shop.find_order("allegro:A1", None),
}


async def pair(shop: WooCommerce) -> tuple[str, str]:
    """Two orders of ours that are there."""
    first = await shop.push_order(push_of("A1"))
    second = await shop.push_order(push_of("A2"))
    return first.external_id, second.external_id


def confuse(simulator: WooCommerceSimulator, method: str, order: str, with_: str) -> None:
    """The next such call about `order` is answered with another order, and does nothing."""
    simulator.faults.add(
        Fault(
            kind=FaultKind.ERROR,
            match=f"{method} .*/orders/{order}$",
            status=200,
            body=json.dumps(simulator.ledger.sheets[int(with_)].told),
            content_type="application/json",
        )
    )


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
async def test_nothing_is_done_by_another_orders_answer(
    shop: WooCommerce, simulator: WooCommerceSimulator, act: Act
) -> None:
    order, other = await pair(shop)
    before = json.dumps(simulator.ledger.sheets[int(other)].told)
    confuse(simulator, "GET", order, other)
    with pytest.raises(Unavailable, match=f"the answer is order {other}"):
        await act(shop, order)
    assert json.dumps(simulator.ledger.sheets[int(other)].told) == before
    await act(shop, order)


async def test_a_change_is_not_believed_for_another_orders_answer(
    shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    order, other = await pair(shop)
    simulator.set_status(other, "cancelled")
    confuse(simulator, "PUT", order, other)
    with pytest.raises(Unavailable, match=f"the answer is order {other}"):
        await shop.cancel_order(order, "cancelled at the marketplace")
    await shop.cancel_order(order, "cancelled at the marketplace")
    assert simulator.ledger.sheets[int(order)].doc["status"] == "cancelled"


async def test_a_strange_answer_to_a_change_is_asked_again(
    shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    """Some gateway's own JSON: it may be done or not, and twice is once, so no person has to see to it."""
    order, _ = await pair(shop)
    simulator.faults.add(
        Fault(
            kind=FaultKind.ERROR,
            match=f"PUT .*/orders/{order}$",
            status=200,
            body='{"status": "ok"}',
            content_type="application/json",
        )
    )
    with pytest.raises(Unavailable):
        await shop.cancel_order(order, "cancelled at the marketplace")
    await shop.cancel_order(order, "cancelled at the marketplace")
    assert simulator.ledger.sheets[int(order)].doc["status"] == "cancelled"
