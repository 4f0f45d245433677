"""What the shop's owner set up stays in force for the shop's own orders, and what they add is seen at once; both
tried on a real Vendure with the server plugin.
"""

from __future__ import annotations

import asyncio
import itertools
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from olhubd.model import Money, Order, Payment, PaymentType, Shipment
from olhubd.plugin import AuthLost, Conflict, OutcomeUnknown, Push, Rejected
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.proxy import Proxy
from olhubd_kit.samples import sample
from olhubd_kit.test_host import account
from olhubd_vendure import Vendure
from tests.e2e.shop import FOLDER, Shop, add_product, ten_off
from tests.e2e.storefront import Buyer, open_card_payments

pytestmark = [pytest.mark.xdist_group("vendure"), pytest.mark.proves("vendure", "real-server")]

_numbers = itertools.count(1)
STEPS: dict[str, Any] = {"whole_orders": False}


def sold(kind: str = "plain", **changes: Any) -> Order:
    order = sample(kind, f"rules-{kind}-{next(_numbers)}", datetime.now(UTC))
    return msgspec.structs.replace(order, **changes)


def push(order: Order, **options: Any) -> Push:
    return Push(
        order=order, reference=f"rules:{order.external_id}", account="rules", marketplace="allegro", **options
    )


def parcel(waybill: str, *line_ids: str) -> Shipment:
    return Shipment(waybill=waybill, carrier="INPOST", line_ids=line_ids)


@pytest.mark.parametrize("way", [{}, STEPS])
async def test_a_promotion_is_for_the_shops_own_customers(vendure: Shop, way: dict[str, Any]) -> None:
    """An order of a marketplace costs what the buyer paid there; the shop's own is cheaper, as its owner wants."""
    promotion = ten_off(vendure.clerk)
    try:
        order = sold()
        async with account(Vendure, vendure.settings(**way)) as shop:
            assert (await shop.push_order(push(order))).total == order.total
        own = Buyer(vendure).fill("KUB-BIA", "own@shop.example")
        assert [one["description"] for one in own["discounts"]] == ["Ten off"]
    finally:
        vendure.clerk.ask("mutation($i:ID!){deletePromotion(id:$i){result}}", {"i": promotion})


def test_what_is_only_authorised_is_not_sent(vendure: Shop) -> None:
    """Only cash on delivery of a marketplace is; and the storefront is not offered the marketplace's payment."""
    open_card_payments(vendure.clerk)
    buyer = Buyer(vendure)
    order = buyer.fill("KUB-BIA", "card@shop.example")
    offered = buyer.ask("{eligiblePaymentMethods{code isEligible}}")["eligiblePaymentMethods"]
    assert {one["code"]: one["isEligible"] for one in offered} == {"card": True, vendure.payment: False}
    assert buyer.pay() == "PaymentAuthorized"
    with pytest.raises(AssertionError):
        vendure.clerk.ship(order["id"], "INPOST", "too early")
    (held,) = vendure.clerk.orders(f'{{code:{{eq:"{order["code"]}"}}}}')
    assert held["state"] == "PaymentAuthorized"


def test_the_shops_mails_leave_marketplaces_out() -> None:
    """`quiet` adds its filter to each handler of the shop's e-mail plugin, and takes nothing else away."""
    script = """
      const { quiet } = require(process.argv[1]);
      class Handler {
        filters = [];
        filter(test) { this.filters.push(test); return this; }
        sends(event) { return this.filters.every(test => test(event)); }
      }
      const [handler] = quiet([new Handler().filter(event => event.wanted)]);
      const own = { customFields: { externalId: null } }, theirs = { customFields: { externalId: 'a:1' } };
      console.log(JSON.stringify([
        handler.sends({ wanted: true, order: own }), handler.sends({ wanted: true, order: theirs }),
        handler.sends({ wanted: false, order: own }), handler.sends({ wanted: true }),
      ]));
    """
    plugin = Path(__file__).parents[2] / "plugins/olhubd_vendure/server/olhubd.js"
    ran = subprocess.run(
        ["node", "-e", script, str(plugin)],
        env={"NODE_PATH": str(FOLDER / "node_modules"), "PATH": "/usr/local/bin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert msgspec.json.decode(ran.stdout or "null") == [True, False, False, True], ran.stderr


@pytest.mark.parametrize("way", [{}, STEPS])
async def test_a_buyer_who_is_a_customer_of_the_shop(vendure: Shop, way: dict[str, Any]) -> None:
    """Where the shop may write to the buyers, it also knows its own customers among them. Else nobody is written to
    and nobody's account is touched."""
    order = sold()
    assert order.buyer.email is not None
    email = f"known{next(_numbers)}@shop.example"
    order = msgspec.structs.replace(order, buyer=msgspec.structs.replace(order.buyer, email=email))
    person = {"emailAddress": email, "firstName": "Known", "lastName": "Customer"}
    known = vendure.clerk.ask(
        'mutation($i:CreateCustomerInput!){createCustomer(input:$i,password:"long enough"){... on Customer{id}}}',
        {"i": person},
    )["createCustomer"]["id"]
    async with account(Vendure, vendure.settings(**way, notify_buyer=True)) as shop:
        receipt = await shop.push_order(push(order))
        assert receipt.differences == ()
    held = vendure.clerk.order(push(order).reference)
    assert held["customer"]["id"] == known
    assert held["customer"]["firstName"] == "Known"
    other = sold(buyer=order.buyer)
    async with account(Vendure, vendure.settings(**way)) as shop:
        await shop.push_order(push(other))
    held = vendure.clerk.order(push(other).reference)
    assert held["customer"]["id"] != known
    assert held["customer"]["emailAddress"].endswith("@marketplace.invalid")


async def test_four_orders_of_a_new_buyer_at_once(vendure: Shop) -> None:
    """They are of one customer."""
    email = f"new{next(_numbers)}@shop.example"
    orders = [sold() for _ in range(4)]
    orders = [msgspec.structs.replace(o, buyer=msgspec.structs.replace(o.buyer, email=email)) for o in orders]
    async with account(Vendure, vendure.settings(**STEPS)) as shop:
        await asyncio.gather(*(shop.push_order(push(order)) for order in orders))
    assert len({vendure.clerk.order(push(order).reference)["customer"]["id"] for order in orders}) == 1


@pytest.mark.parametrize("way", [{}, STEPS])
async def test_a_product_that_is_hidden_is_named(vendure: Shop, way: dict[str, Any]) -> None:
    sku = f"HIDDEN-{next(_numbers)}"
    add_product(vendure.clerk, "Hidden", sku, {"price": 100, "enabled": False, "trackInventory": "FALSE"})
    order = sold(lines=(msgspec.structs.replace(sold().lines[0], sku=sku, ean=None),))
    order = msgspec.structs.replace(order, total=order.expected_total())
    async with account(Vendure, vendure.settings(**way)) as shop:
        with pytest.raises(Rejected, match=f"{sku} is disabled") as refusal:
            await shop.push_order(push(order))
    assert refusal.value.field == "sku"


async def test_what_is_added_is_seen_at_the_next_try(vendure: Shop) -> None:
    """And a method that is made again under its old name is the new one."""
    create = "mutation($i:CreateShippingMethodInput!){createShippingMethod(input:$i){id}}"
    late = {
        "code": "late",
        "fulfillmentHandler": "manual-fulfillment",
        "checker": {"code": "olhubd-only", "arguments": []},
        "calculator": {"code": "olhubd-shipping", "arguments": [{"name": "taxRate", "value": "23"}]},
        "translations": [{"languageCode": "en", "name": "late", "description": ""}],
    }
    order = sold()
    async with account(Vendure, vendure.settings(shipping_method="late")) as shop:
        assert "the delivery method late" in (await shop.probe()).details["lacks"]
        with pytest.raises(Rejected, match="no delivery method 'late'"):
            await shop.push_order(push(order))
        for _ in range(2):
            made = vendure.clerk.ask(create, {"i": late})["createShippingMethod"]["id"]
            try:
                receipt = await shop.push_order(push(order))
            except Rejected:
                # The old one is gone; that refusal had it asked anew.
                receipt = await shop.push_order(push(order))
            assert receipt.total == order.total
            assert "lacks" not in (await shop.probe()).details
            vendure.clerk.ask("mutation($i:ID!){deleteShippingMethod(id:$i){result}}", {"i": made})
            order = sold()


async def test_rights_that_lack_are_named_before_anything_is_written(vendure: Shop) -> None:
    role = vendure.clerk.ask(
        "mutation($i:CreateRoleInput!){createRole(input:$i){id}}",
        {
            "i": {
                "code": "reader",
                "description": "Reader",
                "permissions": ["ReadOrder", "CreateOrder", "DeleteOrder"],
            }
        },
    )["createRole"]["id"]
    person = {"emailAddress": "reader@shop.example", "firstName": "H", "lastName": "B", "password": "reader-pass"}
    vendure.clerk.ask(
        "mutation($i:CreateAdministratorInput!){createAdministrator(input:$i){id}}",
        {"i": {**person, "roleIds": [role]}},
    )
    settings = {**vendure.settings(), "username": person["emailAddress"], "password": person["password"]}
    before = len(vendure.clerk.orders())
    async with account(Vendure, settings) as shop:
        lacks = (await shop.probe()).details["lacks"]
        for right in ("UpdateOrder", "ReadCatalog or ReadProduct", "ReadShippingMethod or ReadSettings"):
            assert f"the right {right}" in lacks
        with pytest.raises(AuthLost, match="UpdateOrder"):
            await shop.push_order(push(sold()))
    assert len(vendure.clerk.orders()) == before


async def test_an_order_of_another_channel_waits_for_a_person(vendure: Shop) -> None:
    """The unique mark is refused, and the channel shows no order that has it. No try leaves a draft."""
    clerk = vendure.clerk
    zone = clerk.ask("{zones{items{id name}}}")["zones"]["items"]
    eu = next(one["id"] for one in zone if one["name"] == "EU")
    channel = clerk.ask(
        "mutation($i:CreateChannelInput!){createChannel(input:$i){... on Channel{id}}}",
        {"i": {
            "code": "second", "token": "second-token", "defaultLanguageCode": "en", "pricesIncludeTax": True,
            "defaultCurrencyCode": "PLN", "availableCurrencyCodes": ["PLN"], "defaultTaxZoneId": eu,
            "defaultShippingZoneId": eu,
        }},
    )["createChannel"]["id"]  # fmt: skip
    products = [one["id"] for one in clerk.ask("{products(options:{take:1000}){items{id}}}")["products"]["items"]]
    clerk.ask(
        "mutation($i:AssignProductsToChannelInput!){assignProductsToChannel(input:$i){id}}",
        {"i": {"productIds": products, "channelId": channel}},
    )
    methods = clerk.ask("{shippingMethods{items{id code}}}")["shippingMethods"]["items"]
    clerk.ask(
        "mutation($i:AssignShippingMethodsToChannelInput!){assignShippingMethodsToChannel(input:$i){id}}",
        {"i": {
            "shippingMethodIds": [one["id"] for one in methods if one["code"] == vendure.shipping],
            "channelId": channel,
        }},
    )  # fmt: skip
    order = sold()
    async with account(Vendure, vendure.settings()) as shop:
        await shop.push_order(push(order))
    before = len(clerk.orders())
    for way in ({}, STEPS):
        async with account(Vendure, vendure.settings(channel_token="second-token", **way)) as shop:
            with pytest.raises(Conflict, match="another channel"):
                await shop.push_order(push(order))
    assert len(clerk.orders()) == before
    async with account(Vendure, vendure.settings(channel_token="no-such-token")) as shop:
        with pytest.raises(AuthLost) as lost:
            await shop.probe()
    assert "no-such-token" not in str(lost.value)


@pytest.mark.parametrize("cut", ["transitionOrderToState", "addManualPaymentToOrder"])
async def test_an_address_that_changes_between_two_tries(vendure: Shop, proxy: Proxy, cut: str) -> None:
    """Set as long as the shop lets it be set; else it waits for a person who changes it there."""
    order = sold()
    assert order.shipping.address is not None
    place = msgspec.structs.replace(order.shipping.address, street="Nowa 99", city="Gdynia")
    moved = msgspec.structs.replace(
        order, shipping=msgspec.structs.replace(order.shipping, address=place), buyer_note="another note"
    )
    async with account(Vendure, vendure.settings(proxy.base, **STEPS)) as shop:
        proxy.faults.add(Fault(kind=FaultKind.LOSE, match=cut))
        with pytest.raises(OutcomeUnknown):
            await shop.push_order(push(order))
        if cut == "addManualPaymentToOrder":
            with pytest.raises(Conflict, match=r"recipient\.street, recipient\.city"):
                await shop.push_order(push(moved))
            assert await shop.find_order(push(order).reference, None) is None
            return
        receipt = await shop.push_order(push(moved))
        assert receipt.differences == ()
    held = vendure.clerk.order(push(order).reference)
    assert (held["shippingAddress"]["streetLine1"], held["shippingAddress"]["city"]) == ("Nowa 99", "Gdynia")
    assert held["state"] == "PaymentSettled"


@pytest.mark.parametrize("way", [{}, STEPS])
async def test_texts_longer_than_the_shop_keeps(vendure: Shop, way: dict[str, Any]) -> None:
    """They are cut and that is told; the order is there with all of its lines."""
    order = sold()
    lines = tuple(msgspec.structs.replace(line, name="n" * 1200) for line in order.lines)
    buyer = msgspec.structs.replace(order.buyer, first_name="f" * 300, login="l" * 300)
    assert order.payment is not None
    payment = msgspec.structs.replace(order.payment, external_id="t" * 300)
    long = msgspec.structs.replace(order, lines=lines, buyer=buyer, payment=payment)
    async with account(Vendure, vendure.settings(**way)) as shop:
        receipt = await shop.push_order(push(long, include_login=True))
        assert receipt.total == order.total
        told = {one.field for one in receipt.differences}
        assert told == {
            "lines[line-1].name", "lines[line-2].name", "buyer.first_name", "buyer.login", "payment.external_id",
        }  # fmt: skip
        assert all(one.cut for one in receipt.differences)
        found = await shop.find_order(push(long).reference, None)
        assert found is not None
        assert await shop.compare_order(push(long, include_login=True), found) == receipt


async def test_what_the_shop_holds_otherwise_is_told(vendure: Shop) -> None:
    order = sold()
    async with account(Vendure, vendure.settings()) as shop:
        await shop.push_order(push(order))
        found = await shop.find_order(push(order).reference, None)
        assert found is not None
        fewer = msgspec.structs.replace(order, lines=order.lines[:1])
        fewer = msgspec.structs.replace(fewer, total=fewer.expected_total())
        compared = await shop.compare_order(push(fewer), found)
        assert "lines" in {one.field for one in compared.differences}
        foreign = msgspec.structs.replace(order, prices_include_tax=False)
        (refused,) = (await shop.compare_order(push(foreign), found)).differences
        assert refused.field == "prices_include_tax"


@pytest.mark.parametrize("kind", ["serviced", "discounted"])
async def test_what_nobody_packs_goes_along(vendure: Shop, kind: str) -> None:
    """Charges and discounts are lines that no parcel names. A parcel of what is sent already takes nothing else."""
    order = sold(kind)
    async with account(Vendure, vendure.settings()) as shop:
        id_ = (await shop.push_order(push(order))).external_id
        await shop.clerk.add_shipment(id_, parcel("G1", "line-1"))
        await shop.clerk.add_shipment(id_, parcel("G2", "line-1"))
        held = vendure.clerk.order(push(order).reference)
        assert held["state"] == "PartiallyShipped"
        assert [one["trackingCode"] for one in held["fulfillments"]] == ["G1"]
        await shop.clerk.add_shipment(id_, parcel("G3", "line-2"))
    held = vendure.clerk.order(push(order).reference)
    assert held["state"] == "Shipped"
    assert {one["trackingCode"] for one in held["fulfillments"]} == {"G1", "G3"}
    notes = vendure.clerk.ask(
        'query($i:ID!){order(id:$i){history(options:{filter:{type:{eq:"ORDER_NOTE"}}}){items{data}}}}', {"i": id_}
    )["order"]["history"]["items"]
    assert [note["data"]["note"] for note in notes] == ["INPOST: G2"]


async def test_a_cancelled_order_takes_no_parcel_money_nor_state(vendure: Shop) -> None:
    order = sold("cash-on-delivery")
    async with account(Vendure, vendure.settings()) as shop:
        id_ = (await shop.push_order(push(order))).external_id
        await shop.clerk.cancel_order(id_, "changed")
        for deed in (
            shop.clerk.add_shipment(id_, parcel("C1")),
            shop.clerk.set_status(id_, "Shipped"),
            shop.clerk.set_payment(id_, Payment(type=PaymentType.CASH_ON_DELIVERY), order.total),
        ):
            with pytest.raises(Conflict, match="cancelled in the shop"):
                await deed
        await shop.clerk.set_status(id_, "Cancelled")
        found = await shop.find_order(push(order).reference, None)
        assert found is not None
        assert found.total == order.total, "what the buyer paid is not the matter"
        (difference,) = (await shop.compare_order(push(order), found)).differences
        assert difference.field == "status"
        with pytest.raises(Conflict, match="clear its custom field externalId"):
            await shop.push_order(push(order))
    held = vendure.clerk.order(push(order).reference)
    assert [payment["state"] for payment in held["payments"]] == ["Cancelled"] or held["payments"][0][
        "state"
    ] == "Authorized"
    assert held["fulfillments"] == []


async def test_an_order_that_was_withdrawn_and_is_on_again(vendure: Shop, proxy: Proxy) -> None:
    """It was closed and not placed: cancelled there, without our mark, so that the next one may carry it."""
    order = sold()
    async with account(Vendure, vendure.settings(proxy.base, **STEPS)) as shop:
        proxy.faults.add(Fault(kind=FaultKind.LOSE, match="transitionOrderToState"))
        with pytest.raises(OutcomeUnknown):
            await shop.push_order(push(order))
        await shop.withdraw_order(push(order).reference)
        assert vendure.clerk.orders(f'{{externalId:{{eq:"{push(order).reference}"}}}}') == []
        assert (await shop.push_order(push(order))).status == "PaymentSettled"


async def test_a_refusal_after_the_content_was_closed_says_where_it_stands(vendure: Shop, proxy: Proxy) -> None:
    order = sold("cash-on-delivery")
    disable = "mutation($i:UpdatePaymentMethodInput!){updatePaymentMethod(input:$i){id}}"
    (method,) = [
        one["id"]
        for one in vendure.clerk.ask("{paymentMethods{items{id code}}}")["paymentMethods"]["items"]
        if one["code"] == vendure.payment
    ]
    async with account(Vendure, vendure.settings(proxy.base, **STEPS)) as shop:
        await shop.probe()
        await shop._shop.facilities()
        checker = {"code": "olhubd-only", "arguments": []}
        vendure.clerk.ask(disable, {"i": {"id": method, "enabled": False, "checker": checker}})
        try:
            with pytest.raises(Rejected, match="waits for it in the shop as ArrangingPayment, unpaid"):
                await shop.push_order(push(order))
        finally:
            vendure.clerk.ask(disable, {"i": {"id": method, "enabled": True, "checker": checker}})
        assert (await shop.push_order(push(order))).status == "PaymentAuthorized"


async def test_a_parcel_that_was_never_sent_ends_with_its_order(vendure: Shop) -> None:
    order = sold()
    async with account(Vendure, vendure.settings()) as shop:
        id_ = (await shop.push_order(push(order))).external_id
        lines = vendure.clerk.ask("query($i:ID!){order(id:$i){lines{id quantity}}}", {"i": id_})["order"]["lines"]
        arguments = [{"name": "method", "value": "x"}, {"name": "trackingCode", "value": "y"}]
        vendure.clerk.ask(
            "mutation($i:FulfillOrderInput!){addFulfillmentToOrder(input:$i){... on Fulfillment{id}}}",
            {"i": {
                "lines": [{"orderLineId": one["id"], "quantity": one["quantity"]} for one in lines],
                "handler": {"code": "manual-fulfillment", "arguments": arguments},
            }},
        )  # fmt: skip
        sku = order.lines[0].sku or ""
        _, allocated = vendure.clerk.stock(sku)
        await shop.clerk.cancel_order(id_, "changed")
    held = vendure.clerk.order(push(order).reference)
    assert held["state"] == "Cancelled"
    assert [one["state"] for one in held["fulfillments"]] == ["Cancelled"]
    assert vendure.clerk.stock(sku)[1] == allocated


async def test_money_that_was_paid_back_is_not_received(vendure: Shop) -> None:
    order = sold()
    async with account(Vendure, vendure.settings()) as shop:
        id_ = (await shop.push_order(push(order))).external_id
        payment = vendure.clerk.ask("query($i:ID!){order(id:$i){payments{id}}}", {"i": id_})["order"]["payments"][0]
        refund = vendure.clerk.ask(
            "mutation($i:RefundOrderInput!){refundOrder(input:$i){__typename ... on Refund{id state}}}",
            {"i": {"paymentId": payment["id"], "amount": 100, "reason": "late", "lines": [], "shipping": 0,
                   "adjustment": 0}},
        )["refundOrder"]  # fmt: skip
        assert refund["__typename"] == "Refund"
        if refund["state"] != "Settled":
            settle = 'mutation($i:ID!){settleRefund(input:{id:$i,transactionId:"r"}){__typename}}'
            vendure.clerk.ask(settle, {"i": refund["id"]})
        record = await shop.orders.read_order(id_)
        assert isinstance(record, Order)
        assert record.paid == order.total - Money.of_minor(100, "PLN")
