"""Status, payment, parcels, cancellation: each reads before it writes, so twice is once."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from olhubd.model import Fulfilment, Money, Order, Payment, PaymentType, Shipment
from olhubd.plugin import Conflict, NotFound, OutcomeUnknown
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.simulators.woocommerce import WooCommerceSimulator
from olhubd_woocommerce.connector import WooCommerce
from tests.plugins.woocommerce.orders import open_shop, pln, push_of

PARCEL = Shipment(waybill="520000012345", carrier="INPOST", carrier_name="InPost", line_ids=("A1-1",))
LATE = Payment(type=PaymentType.ONLINE, external_id="pay-9")


def doc_of(simulator: WooCommerceSimulator, external_id: str) -> dict[str, Any]:
    return simulator.ledger.sheets[int(external_id)].doc


def writes(simulator: WooCommerceSimulator) -> int:
    return sum(count for name, count in simulator.calls.items() if not name.startswith("GET"))


async def test_a_status_already_there_or_passed_is_left(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    order = (await shop.push_order(push_of())).external_id
    await shop.set_status(order, "completed")
    done = writes(simulator)
    for status in ("completed", "processing", "on-hold"):
        await shop.set_status(order, status)
    assert writes(simulator) == done
    assert doc_of(simulator, order)["status"] == "completed"


async def test_an_ended_order_is_not_revived(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    order = (await shop.push_order(push_of())).external_id
    simulator.set_status(order, "cancelled")
    with pytest.raises(Conflict, match="cancelled"):
        await shop.set_status(order, "completed")
    await shop.set_status(order, "cancelled")


async def test_statuses_of_other_plugins(simulator: WooCommerceSimulator) -> None:
    """They have no place in the order of things, so they are set as they are told; settings give them a meaning."""
    simulator.ledger.statuses["packed"] = "Packed"
    async with open_shop(simulator, fulfilments={"packed": "ready"}) as shop:
        order = (await shop.push_order(push_of())).external_id
        assert shop.status_for(Fulfilment.READY) == "packed"
        assert shop.status_for(Fulfilment.SENT) == "completed"
        assert shop.status_for(Fulfilment.SUSPENDED) is None
        await shop.set_status(order, "packed")
        assert doc_of(simulator, order)["status"] == "packed"
        assert "packed" in {status.code for status in await shop.statuses()}


async def test_a_payment_is_dated_once(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    push = push_of(paid=False)
    order = (await shop.push_order(push)).external_id
    assert doc_of(simulator, order)["status"] == "pending"
    await shop.set_payment(order, LATE, push.order.total)
    doc = doc_of(simulator, order)
    assert (doc["status"], doc["transaction_id"], doc["date_paid_gmt"] is None) == ("processing", "pay-9", False)
    done = writes(simulator)
    await shop.set_payment(order, LATE, push.order.total)
    assert writes(simulator) == done


async def test_a_part_payment_dates_nothing(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    order = (await shop.push_order(push_of(paid=False))).external_id
    await shop.set_payment(order, LATE, pln("1.00"))
    doc = doc_of(simulator, order)
    assert (doc["status"], doc["date_paid_gmt"]) == ("pending", None)
    assert simulator.ledger.sheets[int(order)].meta("_olhubd_paid") == "1.00 PLN"


async def test_an_order_on_hold_is_paid_by_its_status(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    """The shop takes set_paid only where it waits for a payment itself."""
    push = push_of(paid=False, push={"status": "on-hold"})
    order = (await shop.push_order(push)).external_id
    await shop.set_payment(order, LATE, push.order.total)
    assert doc_of(simulator, order)["date_paid_gmt"] is not None


@pytest.mark.parametrize("features", [{"fulfillments": True}, {"tracking_plugin": True}, {}], ids=str)
async def test_a_parcel_attached_twice_is_there_once(features: dict[str, bool]) -> None:
    """SYN-09, SYN-19: in each of the three places, however the number is typed, and after a lost answer."""
    simulator = WooCommerceSimulator(**features)  # type: ignore[arg-type]
    async with open_shop(simulator) as shop:
        order = (await shop.push_order(push_of())).external_id
        simulator.faults.add(
            Fault(kind=FaultKind.LOSE, match="^(POST|PUT) .*(fulfillments|trackings|orders/[0-9]+$)")
        )
        for _ in range(2):
            with contextlib.suppress(OutcomeUnknown):
                await shop.parcels.add_shipment(order, PARCEL)
        spelled = Shipment(waybill=" 5200 0001 2345", carrier="InPost")
        await shop.parcels.add_shipment(order, spelled)
        [entry] = simulator.books()
        assert ["".join(number.split()) for number in entry.shipments] == ["520000012345"]
        second = Shipment(waybill="520000099999", carrier="INPOST")
        await shop.parcels.add_shipment(order, second)
        await shop.parcels.add_shipment(order, second)
        [entry] = simulator.books()
        assert len(entry.shipments) == 2


@pytest.mark.parametrize("features", [{"fulfillments": True}, {"tracking_plugin": True}, {}], ids=str)
async def test_a_parcel_that_stands_there_under_its_carriers_name_is_there(features: dict[str, bool]) -> None:
    simulator = WooCommerceSimulator(**features)  # type: ignore[arg-type]
    parcel = Shipment(waybill="520000012345", carrier="INPOST", carrier_name="InPost Paczkomaty 24/7")
    async with open_shop(simulator) as shop:
        order = (await shop.push_order(push_of())).external_id
        await shop.parcels.add_shipment(order, parcel)
        done = writes(simulator)
        await shop.parcels.add_shipment(order, parcel)
        assert writes(simulator) == done


@pytest.mark.parametrize("features", [{"fulfillments": True}, {"tracking_plugin": True}, {}], ids=str)
async def test_a_parcel_that_somebody_typed_in_without_its_carrier_is_there(features: dict[str, bool]) -> None:
    """A number alone is all that many shops are given: with its carrier it is no second parcel."""
    simulator = WooCommerceSimulator(**features)  # type: ignore[arg-type]
    async with open_shop(simulator) as shop:
        order = (await shop.push_order(push_of())).external_id
        simulator.add_tracking(order, PARCEL.waybill)
        done = writes(simulator)
        await shop.parcels.add_shipment(order, PARCEL)
        assert writes(simulator) == done
        [entry] = simulator.books()
        assert len(entry.shipments) == 1


async def test_a_second_parcel_leaves_the_first_with_its_carrier_and_link(
    shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    order = (await shop.push_order(push_of())).external_id
    for waybill, carrier in (("1", "INPOST"), ("2", "DPD")):
        parcel = Shipment(waybill=waybill, carrier=carrier, url=f"https://{carrier.lower()}.example/{waybill}")
        await shop.parcels.add_shipment(order, parcel)
    told = await shop.orders.read_order(order)
    assert isinstance(told, Order)
    assert [(one.waybill, one.carrier, one.url) for one in told.shipments] == [
        ("1", "INPOST", "https://inpost.example/1"),
        ("2", "DPD", "https://dpd.example/2"),
    ]


async def test_no_parcel_goes_to_an_order_in_the_trash(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    order = (await shop.push_order(push_of())).external_id
    simulator.trash(order)
    done = writes(simulator)
    with pytest.raises(Conflict, match="trash"):
        await shop.parcels.add_shipment(order, PARCEL)
    assert writes(simulator) == done


async def test_a_number_is_not_another_orders_id(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    """Where a plugin counts its own way, one order's number is another one's id."""
    first = (await shop.push_order(push_of("A1"))).external_id
    second = (await shop.push_order(push_of("A2"))).external_id
    simulator.bend(first, {"number": "9001"})
    simulator.bend(second, {"number": first})
    found = await shop.find_by_number(first)
    assert found is not None
    assert found.external_id == second


@pytest.mark.parametrize("ended", ["trash", "checkout-draft"])
async def test_what_is_no_order_is_found_by_no_number(
    ended: str, shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    order = (await shop.push_order(push_of())).external_id
    if ended == "trash":
        simulator.trash(order)
    else:
        simulator.set_status(order, ended)
    assert await shop.find_by_number(order) is None


async def test_another_currency_covers_nothing(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    push = push_of(paid=False)
    order = (await shop.push_order(push)).external_id
    await shop.set_payment(order, LATE, Money(push.order.total.amount, "EUR"))
    doc = doc_of(simulator, order)
    assert (doc["status"], doc["date_paid_gmt"]) == ("pending", None)


async def test_a_fulfilment_holds_the_lines_of_its_parcel() -> None:
    """The parcel of one line, then one for what is left, then one for which no piece is left: meta and a note."""
    simulator = WooCommerceSimulator(fulfillments=True)
    async with open_shop(simulator) as shop:
        order = (await shop.push_order(push_of())).external_id
        sheet = simulator.ledger.sheets[int(order)]
        await shop.parcels.add_shipment(order, PARCEL)
        assert sheet.meta("_fulfillment_status") == "partially_fulfilled"
        await shop.parcels.add_shipment(order, Shipment(waybill="2", carrier="DPD"))
        assert sheet.meta("_fulfillment_status") == "fulfilled"
        await shop.parcels.add_shipment(order, Shipment(waybill="3", carrier="DPD"))
        assert (len(sheet.fulfilments), sheet.meta("_tracking_number")) == (2, "3")
        [entry] = simulator.books()
        assert sorted(entry.shipments) == ["2", "3", "520000012345"]


async def test_the_note_is_for_the_shop_alone_unless_wanted(simulator: WooCommerceSimulator) -> None:
    for notify in (False, True):
        async with open_shop(simulator, notify_buyer=notify) as shop:
            number = f"N{notify}"
            order = (await shop.push_order(push_of(number))).external_id
            await shop.parcels.add_shipment(order, PARCEL)
            [note] = simulator.ledger.sheets[int(order)].notes
            assert note == {"id": 1, "note": "InPost: 520000012345", "customer_note": notify}


async def test_a_cancelled_order_stays_cancelled(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    order = (await shop.push_order(push_of())).external_id
    for _ in range(2):
        await shop.cancel_order(order, "the buyer withdrew")
    sheet = simulator.ledger.sheets[int(order)]
    assert sheet.doc["status"] == "cancelled"
    assert [note["note"] for note in sheet.notes] == ["the buyer withdrew"]


@pytest.mark.parametrize("status", ["completed", "refunded"])
async def test_too_late_to_cancel(status: str, shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    order = (await shop.push_order(push_of())).external_id
    simulator.set_status(order, status)
    with pytest.raises(Conflict, match=status):
        await shop.cancel_order(order, "the buyer withdrew")
    assert doc_of(simulator, order)["status"] == status


async def test_orders_that_are_not_there(shop: WooCommerce) -> None:
    for call in (
        shop.set_status("999", "completed"),
        shop.set_payment("999", LATE, pln("1")),
        shop.parcels.add_shipment("999", PARCEL),
        shop.cancel_order("no number", "why"),
    ):
        with pytest.raises(NotFound):
            await call
