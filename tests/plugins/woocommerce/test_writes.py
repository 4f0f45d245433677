"""A write is done when what comes back shows it: a 200 alone is no evidence."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from olhubd.model import Payment, PaymentType, Shipment
from olhubd.plugin import NotFound, Rejected, Unavailable
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.simulators.woocommerce import WooCommerceSimulator
from olhubd_kit.simulators.woocommerce.ledger import ShopOrder
from olhubd_woocommerce.connector import WooCommerce
from tests.plugins.woocommerce.orders import open_shop, push_of

PARCEL = Shipment(waybill="520000012345", carrier="INPOST", carrier_name="InPost")
LATE = Payment(type=PaymentType.ONLINE, external_id="pay-9")


class Stubborn(WooCommerceSimulator):
    """A plugin of the shop undoes in each change of an order what `undo` undoes; the shop answers 200."""

    undo: Callable[[ShopOrder], object] = staticmethod(lambda sheet: None)

    def _route(self, method: str, parts: list[str], params: Any, body: Any) -> Any:
        result = super()._route(method, parts, params, body)
        if method != "GET" and len(parts) > 3 and parts[2] == "orders":
            self.undo(self.ledger.get(parts[3]))
            if len(parts) == 4:
                return result[0], self.ledger.get(parts[3]).doc
        return result


@pytest.fixture
def stubborn() -> Stubborn:
    return Stubborn(verify_signatures=False)


@pytest.fixture
async def shop(stubborn: Stubborn) -> AsyncIterator[WooCommerce]:
    async with open_shop(stubborn) as connector:
        yield connector


def keeps(status: str) -> Callable[[ShopOrder], object]:
    return lambda sheet: sheet.doc.update(status=status)


def forgets(*keys: str) -> Callable[[ShopOrder], object]:
    def forget(sheet: ShopOrder) -> None:
        sheet.doc["meta_data"] = [row for row in sheet.doc["meta_data"] if row["key"] not in keys]

    return forget


@pytest.mark.parametrize("kept", ["processing", "wc-sent", "pending"])
async def test_a_status_that_the_shop_did_not_keep(kept: str, shop: WooCommerce, stubborn: Stubborn) -> None:
    order = (await shop.push_order(push_of())).external_id
    stubborn.undo = keeps(kept)
    with pytest.raises(Rejected, match=f"keeps the order {kept}") as refused:
        await shop.set_status(order, "completed")
    assert refused.value.field == "status"


async def test_a_status_that_moved_on_further_is_done(shop: WooCommerce, stubborn: Stubborn) -> None:
    """A plugin completes what is processing, of goods that need no parcel, say."""
    order = (await shop.push_order(push_of(cod=True, push={"status": "on-hold"}))).external_id
    stubborn.undo = keeps("completed")
    await shop.set_status(order, "processing")
    assert stubborn.books()[0].status == "completed"


@pytest.mark.parametrize("kept", ["processing", "completed"])
async def test_a_cancellation_that_the_shop_did_not_keep(kept: str, shop: WooCommerce, stubborn: Stubborn) -> None:
    """It would be sent although the buyer does not want it."""
    order = (await shop.push_order(push_of())).external_id
    stubborn.undo = keeps(kept)
    with pytest.raises(Rejected, match="cancelled and keeps"):
        await shop.cancel_order(order, "the buyer withdrew")
    assert stubborn.ledger.sheets[501].notes == []


async def test_a_payment_whose_status_the_shop_did_not_keep(shop: WooCommerce, stubborn: Stubborn) -> None:
    push = push_of(paid=False)
    order = (await shop.push_order(push)).external_id
    stubborn.undo = keeps("pending")
    with pytest.raises(Rejected, match="keeps the order pending"):
        await shop.set_payment(order, LATE, push.order.total)


async def test_a_payment_that_the_shop_did_not_note(shop: WooCommerce, stubborn: Stubborn) -> None:
    push = push_of(paid=False)
    order = (await shop.push_order(push)).external_id
    stubborn.undo = forgets("_olhubd_paid")
    with pytest.raises(Rejected, match="payment and did not keep it"):
        await shop.set_payment(order, LATE, push.order.total)


@pytest.mark.parametrize("place", ["meta", "fulfillments", "tracking_plugin"])
async def test_a_parcel_that_the_shop_did_not_keep(place: str) -> None:
    simulator = Stubborn(verify_signatures=False, **({} if place == "meta" else {place: True}))  # type: ignore[arg-type]

    def lose(sheet: ShopOrder) -> None:
        forgets("_tracking_number", "_olhubd_parcels", "_wc_shipment_tracking_items")(sheet)
        sheet.fulfilments.clear()
        sheet.trackings.clear()

    async with open_shop(simulator) as shop:
        order = (await shop.push_order(push_of())).external_id
        simulator.undo = lose
        with pytest.raises(Rejected, match="did not keep it") as refused:
            await shop.parcels.add_shipment(order, PARCEL)
        assert refused.value.field == "waybill"
        simulator.undo = lambda sheet: None
        await shop.parcels.add_shipment(order, PARCEL)
        assert simulator.books()[0].shipments == [PARCEL.waybill]


async def test_a_parcel_whose_reading_fails_is_not_known(stubborn: Stubborn) -> None:
    """What was written is read again before it counts; where that fails it is asked for again, and there once."""
    stubborn.tracking_plugin = True
    async with open_shop(stubborn) as shop:
        order = (await shop.push_order(push_of())).external_id
        stubborn.faults.add(Fault(kind=FaultKind.ERROR, match="GET .*trackings$", after=1, times=None, status=503))
        with pytest.raises(Unavailable):
            await shop.parcels.add_shipment(order, PARCEL)
        stubborn.faults.clear()
        await shop.parcels.add_shipment(order, PARCEL)
        assert stubborn.books()[0].shipments == [PARCEL.waybill]


async def test_an_order_that_was_deleted_there_is_told_as_gone(shop: WooCommerce, stubborn: Stubborn) -> None:
    order = (await shop.push_order(push_of())).external_id
    stubborn.delete(order)
    with pytest.raises(NotFound, match="somebody deleted it there, so nothing is left to cancel"):
        await shop.cancel_order(order, "the buyer withdrew")
