"""To whom the shop writes, and which addresses it takes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from olhubd.model import Buyer, Shipment
from olhubd.plugin import Rejected
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.simulators.woocommerce import WooCommerceSimulator
from olhubd_kit.simulators.woocommerce.mails import OWNER, is_email
from olhubd_woocommerce import emails
from tests.plugins.woocommerce.orders import open_shop, push_of

MASKED = "8awgqyk6a5+cub31c122@allegromail.pl"
PARCEL = Shipment(waybill="520000012345", carrier="INPOST")


async def _life(simulator: WooCommerceSimulator, **settings: Any) -> None:
    """An order from the purchase to the parcel and the end."""
    async with open_shop(simulator, **settings) as shop:
        order = (await shop.push_order(push_of())).external_id
        await shop.parcels.add_shipment(order, PARCEL)
        await shop.set_status(order, "completed")
        cod = (await shop.push_order(push_of("A2", cod=True))).external_id
        await shop.cancel_order(cod, "the buyer withdrew")


@pytest.mark.parametrize("customers", ["guest", "match"])
@pytest.mark.parametrize("features", [{}, {"fulfillments": True}, {"tracking_plugin": True}], ids=str)
async def test_by_default_the_shop_writes_to_no_buyer(customers: str, features: dict[str, bool]) -> None:
    """Not of the order, not of its status, not of its parcel, not of an account; the owner gets her own mails."""
    simulator = WooCommerceSimulator(verify_signatures=False, **features)  # type: ignore[arg-type]
    await _life(simulator, customers=customers)
    assert simulator.ledger.mails.to_buyers == []
    assert [mail.kind for mail in simulator.mails()] == ["new-order", "new-order", "cancelled-order"]
    sheet = simulator.ledger.sheets[501]
    assert sheet.doc["billing"]["email"] == ""
    assert sheet.meta("_olhubd_email") == MASKED


async def test_a_customer_who_is_there_is_noted_and_not_written_to() -> None:
    """The shop would write to the address of an order's customer, so the order is not filed under it."""
    simulator = WooCommerceSimulator(verify_signatures=False)
    simulator.customers.append({"id": 77, "email": "8awgqyk6a5@allegromail.pl", "username": "janek"})
    await _life(simulator, customers="match")
    assert simulator.ledger.mails.to_buyers == []
    sheet = simulator.ledger.sheets[501]
    assert (sheet.doc["customer_id"], sheet.meta("_olhubd_customer_id")) == (0, "77")
    assert len(simulator.customers) == 1


async def test_a_customer_whom_another_order_makes_meanwhile_is_found() -> None:
    """Two first orders of one buyer at once: WordPress then refuses the name in words of its own."""
    simulator = WooCommerceSimulator(verify_signatures=False)
    taken = {
        "code": "existing_user_login",
        "message": "Sorry, that username already exists!",
        "data": {"status": 400},
    }
    refusal = Fault(
        kind=FaultKind.ERROR_AFTER,
        match="POST .*/customers",
        status=400,
        body=json.dumps(taken),
        content_type="application/json",
    )
    simulator.faults.add(refusal)
    async with open_shop(simulator, notify_buyer=True, customers="match") as shop:
        order = (await shop.push_order(push_of("A1"))).external_id
    (made,) = simulator.customers
    assert simulator.ledger.sheets[int(order)].doc["customer_id"] == made["id"]


async def test_a_setting_lets_the_shop_write() -> None:
    simulator = WooCommerceSimulator(verify_signatures=False, fulfillments=True)
    await _life(simulator, notify_buyer=True, customers="match")
    assert [mail.kind for mail in simulator.ledger.mails.to_buyers] == [
        "customer-new-account",
        "customer-processing-order",
        "customer-fulfillment-created",
        "customer-completed-order",
        "customer-processing-order",
    ]
    assert {mail.to for mail in simulator.mails()} == {MASKED, "8awgqyk6a5@allegromail.pl", OWNER}
    assert simulator.ledger.sheets[501].meta("_olhubd_email") is None


@pytest.mark.parametrize(("notify", "words"), [(False, "none"), (True, "writes to the buyers")])
async def test_the_doctor_hears_of_it(notify: bool, words: str) -> None:
    async with open_shop(WooCommerceSimulator(), notify_buyer=notify) as shop:
        assert words in (await shop.probe()).details["mails to buyers"]


ADDRESSES = [
    *(
        "jan@wp.pl",
        "o'neil@example.ie",
        "jan..x@example.pl",
        MASKED,
        "a@b.pl",
        "x@y-z.co",
        "JAN@WP.PL",
        "a{b}|c@d.ef",
    ),
    *("józef@wp.pl", "jan@żółw.pl", "jan@-wp.pl", "jan@wp-.pl", "a@b.c", "jan", "@wp.pl", "jan@wp", "jan@wp..pl"),
    *("jan@wp.pl.", "jan@.wp.pl", "jan nowak@wp.pl", "jan@wp pl.pl", '"jan"@wp.pl', "jan@[192.0.2.1]", "j@a@wp.pl"),
    *("jan(x)@wp.pl", "jan,nowak@wp.pl", "jan@wp.pl;", "jan@ex_ample.pl", "jan@wp.pl\u00a0", "jan:x@wp.pl", ""),
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_plugin_and_the_shop_agree_about_addresses(address: str) -> None:
    """The rule is written down twice, from the same source and in other words."""
    assert emails.taken(address) is is_email(address)


@pytest.mark.parametrize("address", ["józef@wp.pl", "jan@-wp.pl"])
async def test_an_address_that_the_shop_takes_for_none_stands_in_the_meta(address: str) -> None:
    simulator = WooCommerceSimulator(verify_signatures=False)
    async with open_shop(simulator, notify_buyer=True) as shop:
        receipt = await shop.push_order(push_of(buyer=Buyer(login="x", email=address)))
        assert receipt.differences == ()
    assert simulator.ledger.sheets[501].meta("_olhubd_email") == address
    assert simulator.calls["POST /wc/v3/orders"] == 1


async def test_a_refused_address_is_left_out_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin may be stricter than WordPress. What it refused was not done: the order goes once more."""
    simulator = WooCommerceSimulator(verify_signatures=False)
    monkeypatch.setattr(
        "olhubd_kit.simulators.woocommerce.ledger.is_email",
        lambda text: is_email(text) and "allegromail" not in text,
    )
    async with open_shop(simulator, notify_buyer=True) as shop:
        receipt = await shop.push_order(push_of())
    assert [(one.field, one.cut) for one in receipt.differences] == [("buyer.email", True)]
    assert (simulator.calls["POST /wc/v3/orders"], len(simulator.books())) == (2, 1)
    assert simulator.ledger.sheets[501].meta("_olhubd_email") == MASKED


async def test_another_refusal_of_the_billing_is_not_repeated() -> None:
    """Only an address that was sent can be left out."""
    simulator = WooCommerceSimulator(verify_signatures=False)

    def refuse(body: Any) -> None:
        from olhubd_kit.simulators.woocommerce.refusal import invalid

        raise invalid("billing", "billing[country] is not one of them.")

    simulator.ledger._check = refuse  # type: ignore[method-assign]
    async with open_shop(simulator) as shop:
        with pytest.raises(Rejected, match="billing"):
            await shop.push_order(push_of())
    assert simulator.calls["POST /wc/v3/orders"] == 1
