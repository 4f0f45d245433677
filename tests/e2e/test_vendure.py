"""The vendure connector against a real Vendure server: what the hub believes is compared with its own books."""

from __future__ import annotations

import itertools
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from structlog.testing import LogCapture

from olhubd.model import Fulfilment, Money, Order, Payment, PaymentType, Shipment, Stage
from olhubd.plugin import AuthLost, Conflict, Gone, NotFound, Push, Rejected, Unavailable
from olhubd_kit.proxy import Proxy
from olhubd_kit.samples import PERSONAL, SAMPLES, sample
from olhubd_kit.test_host import account
from olhubd_vendure import Vendure
from tests.e2e.shop import PLACEHOLDER, STOCK, Shop, add_product, ten_off

pytestmark = [pytest.mark.xdist_group("vendure"), pytest.mark.proves("vendure", "real-server")]

_numbers = itertools.count(1)
HOUR = timedelta(hours=1)


def now() -> datetime:
    return datetime.now(UTC)


def sold(kind: str = "plain", **changes: Any) -> Order:
    order = sample(kind, f"{kind}-{next(_numbers)}", now())
    return msgspec.structs.replace(order, **changes)


def push(order: Order, **options: Any) -> Push:
    reference = f"allegro-main:{order.external_id}"
    return Push(order=order, reference=reference, account="allegro-main", marketplace="allegro", **options)


def parcel(waybill: str, *line_ids: str) -> Shipment:
    return Shipment(waybill=waybill, carrier="INPOST", line_ids=line_ids)


def custom(shop: Shop, reference: str) -> dict[str, Any]:
    query = """query($r:String!){orders(options:{filter:{externalId:{eq:$r}}}){items{customFields{
      externalId imported marketplaceShipping marketplace marketplaceLogin marketplaceEmail marketplaceDelivery
      marketplaceNote marketplaceInvoice} lines{customFields{marketplaceTitle marketplaceOffer}}}}}"""
    (found,) = shop.clerk.ask(query, {"r": reference})["orders"]["items"]
    return {**found["customFields"], "lines": [line["customFields"] for line in found["lines"]]}


@pytest.mark.parametrize("kind", sorted(set(SAMPLES) - {"foreign", "net"}))
async def test_the_shop_holds_what_the_buyer_bought(vendure: Shop, kind: str) -> None:
    """FWD-07, FWD-08, FWD-19: products, prices, delivery and address, to the grosz, for each kind of order."""
    order = sold(kind)
    async with account(Vendure, vendure.settings()) as shop:
        receipt = await shop.push_order(push(order))
        found = await shop.find_order(push(order).reference, HOUR)
        assert found is not None
        assert receipt == msgspec.structs.replace(found, unlinked=receipt.unlinked)
        assert receipt.number is not None
        named = await shop.find_by_number(receipt.number)
        assert named is not None
        assert (named.external_id, named.total) == (receipt.external_id, receipt.total)
        assert named.reference == push(order).reference
        assert await shop.find_by_number(receipt.number[:-1]) is None
    held = vendure.clerk.order(push(order).reference)
    assert receipt.external_id == held["id"]
    assert receipt.number == held["code"]
    assert receipt.total == order.total
    assert held["totalWithTax"] == order.total.minor()
    assert order.shipping.cost is not None
    assert held["shippingWithTax"] == order.shipping.cost.minor()
    bound = [
        (line["productVariant"]["sku"], line["quantity"], line["unitPriceWithTax"])
        for line in held["lines"]
        if line["productVariant"]["sku"] != PLACEHOLDER
    ]
    # With identifiers that have no order the shop's lines have none either.
    assert sorted(bound) == sorted(
        (line.sku, line.quantity, line.price.minor())
        for line in order.lines
        if line.sku is not None and line.sku != "NO-SUCH"
    )
    recipient = order.recipient
    assert recipient is not None
    assert held["shippingAddress"]["streetLine1"] == recipient.street
    assert held["shippingAddress"]["fullName"] == f"{PERSONAL[0]} {PERSONAL[1]}"
    assert held["customer"]["emailAddress"].endswith("@marketplace.invalid")
    assert custom(vendure, push(order).reference)["marketplaceEmail"] == order.buyer.email
    paid = order.fully_paid
    assert held["state"] == receipt.status == ("PaymentSettled" if paid else "PaymentAuthorized")
    assert [payment["amount"] for payment in held["payments"]] == [order.total.minor()]


async def test_lines_without_product_are_told(vendure: Shop) -> None:
    """FWD-20: free lines arrive as such, with their own title, and the receipt names them."""
    order = sold("free-lines")
    async with account(Vendure, vendure.settings()) as shop:
        receipt = await shop.push_order(push(order))
        assert [line.line_id for line in receipt.unlinked] == ["line-9", "line-10"]
        titles = [line["marketplaceTitle"] for line in custom(vendure, push(order).reference)["lines"]]
        assert sorted(titles) == sorted(line.name for line in order.lines)
        order = sold("free-lines")
        with pytest.raises(Rejected, match="NO-SUCH") as refusal:
            await shop.push_order(push(order, free_lines=False))
        assert refusal.value.field == "sku"
    assert vendure.clerk.orders(f'{{externalId:{{eq:"{push(order).reference}"}}}}') == []


async def test_what_is_passed_on_is_a_choice(vendure: Shop) -> None:
    """FWD-09. Part of FWD-10, FWD-11 and FWD-12: what is only sent when asked for; invoice data always."""
    quiet, chatty = sold("company"), sold("company")
    async with account(Vendure, vendure.settings()) as shop:
        await shop.push_order(push(quiet, include_note=False))
        await shop.push_order(push(chatty, include_login=True, include_offer_ids=True))
    little, much = (custom(vendure, push(order).reference) for order in (quiet, chatty))
    assert little["marketplaceLogin"] is None
    assert little["marketplaceNote"] is None
    assert {line["marketplaceOffer"] for line in little["lines"]} == {None}
    assert much["marketplaceLogin"] == "swietka_b"
    assert much["marketplaceNote"] == chatty.buyer_note
    assert {line["marketplaceOffer"] for line in much["lines"]} == {line.offer_id for line in chatty.lines}
    assert "5260250274" in little["marketplaceInvoice"]
    assert little["marketplace"] == "allegro"


async def test_a_mapped_delivery_method_arrives_and_an_unmapped_one_does_not_stop(vendure: Shop) -> None:
    """FWD-18. Part of FWD-14 and FWD-16; a method that counts by itself would change the total, and is refused."""
    order = sold()
    log = LogCapture()
    async with account(Vendure, vendure.settings(), log=log) as shop:
        await shop.push_order(push(order, shipping_method=vendure.shipping))
        assert log.entries == []
        await shop.push_order(push(sold("locker")))
        assert [entry["event"] for entry in log.entries] == ["a delivery method is not mapped"]
        with pytest.raises(Rejected, match="olhubd-shipping"):
            await shop.push_order(push(sold(), shipping_method=vendure.plain_shipping))
        with pytest.raises(Rejected, match="no delivery method 'owl'"):
            await shop.push_order(push(sold(), shipping_method="owl"))
    method = vendure.clerk.order(push(order).reference)["shippingLines"][0]["shippingMethod"]["code"]
    assert method == vendure.shipping


async def test_stock_is_taken_once_and_given_back(vendure: Shop) -> None:
    """FWD-22: the shop itself allocates, ships and, after a cancellation, frees the pieces."""
    sku = "POW-10K"
    line = sold().lines[0]
    order = sold(lines=(msgspec.structs.replace(line, sku=sku, quantity=3),))
    order = msgspec.structs.replace(order, total=order.expected_total(), payment=None)
    on_hand, allocated = vendure.clerk.stock(sku)
    async with account(Vendure, vendure.settings()) as shop:
        receipt = await shop.push_order(push(order))
        again = await shop.push_order(push(order))
        assert again.external_id == receipt.external_id
        assert vendure.clerk.stock(sku) == (on_hand, allocated + 3)
        await shop.clerk.cancel_order(receipt.external_id, "the buyer changed their mind")
        await shop.clerk.cancel_order(receipt.external_id, "the buyer changed their mind")
    assert vendure.clerk.stock(sku) == (on_hand, allocated)
    assert vendure.clerk.order(push(order).reference)["state"] == "Cancelled"


async def test_too_little_stock_is_refused_and_leaves_nothing(vendure: Shop) -> None:
    sku = "LAM-BIU"
    line = msgspec.structs.replace(sold().lines[0], sku=sku, quantity=5)
    order = sold(lines=(line,))
    order = msgspec.structs.replace(order, total=order.expected_total())
    vendure.clerk.set_stock(sku, 3)
    try:
        async with account(Vendure, vendure.settings()) as shop:
            with pytest.raises(Rejected, match="LAM-BIU") as refusal:
                await shop.push_order(push(order))
            assert refusal.value.code == "INSUFFICIENT_STOCK_ERROR"
            assert await shop.find_order(push(order).reference, HOUR) is None
            assert vendure.clerk.orders(f'{{externalId:{{eq:"{push(order).reference}"}}}}') == []
            vendure.clerk.set_stock(sku, 5)
            assert (await shop.push_order(push(order))).total == order.total
    finally:
        vendure.clerk.set_stock(sku, STOCK)


async def test_products_are_found_by_ean_and_never_guessed(vendure: Shop) -> None:
    line = sold().lines[0]
    by_ean = sold(lines=(msgspec.structs.replace(line, sku="unknown-here"),))
    by_ean = msgspec.structs.replace(by_ean, total=by_ean.expected_total())
    for name in ("Twin", "Other twin"):
        add_product(vendure.clerk, name, "TWIN", {"price": 100})
    twice = sold(lines=(msgspec.structs.replace(line, sku="TWIN", ean=None),))
    twice = msgspec.structs.replace(twice, total=twice.expected_total())
    async with account(Vendure, vendure.settings()) as shop:
        receipt = await shop.push_order(push(by_ean))
        assert receipt.unlinked == ()
        with pytest.raises(Rejected, match="2 products of the shop have the SKU or EAN TWIN"):
            await shop.push_order(push(twice))
    (held,) = vendure.clerk.order(push(by_ean).reference)["lines"]
    assert held["productVariant"]["sku"] == line.sku


async def test_another_currency_is_refused(vendure: Shop) -> None:
    async with account(Vendure, vendure.settings()) as shop:
        with pytest.raises(Rejected, match="EUR"):
            await shop.push_order(push(sold("foreign")))


async def test_net_prices_are_refused(vendure: Shop) -> None:
    """They could not be kept to the minor unit."""
    async with account(Vendure, vendure.settings()) as shop:
        with pytest.raises(Rejected, match="net prices"):
            await shop.push_order(push(sold("net")))


async def test_cash_on_delivery_is_sent_before_it_is_paid(vendure: Shop) -> None:
    order = sold("cash-on-delivery")
    async with account(Vendure, vendure.settings()) as shop:
        id_ = (await shop.push_order(push(order))).external_id
        await shop.clerk.set_payment(id_, Payment(type=PaymentType.CASH_ON_DELIVERY), Money(Decimal(0), "PLN"))
        await shop.clerk.add_shipment(id_, parcel("COD-1"))
        held = vendure.clerk.order(push(order).reference)
        assert held["state"] == "Shipped"
        assert [payment["state"] for payment in held["payments"]] == ["Authorized"]
        for _ in range(2):
            await shop.clerk.set_payment(id_, Payment(type=PaymentType.CASH_ON_DELIVERY), order.total)
        with pytest.raises(Rejected, match="EUR"):
            await shop.clerk.set_payment(id_, Payment(type=PaymentType.ONLINE), Money(Decimal(1), "EUR"))
    held = vendure.clerk.order(push(order).reference)
    assert [(payment["state"], payment["amount"]) for payment in held["payments"]] == [
        ("Settled", order.total.minor())
    ]
    assert held["state"] == "Shipped"


async def test_the_route_chooses_the_first_state(vendure: Shop) -> None:
    """Part of IMP-22 and IMP-23, from the shop's side: a waiting order is paid later, and then allocated."""
    order = sold("unpaid")
    async with account(Vendure, vendure.settings()) as shop:
        receipt = await shop.push_order(push(order, status="ArrangingPayment"))
        assert receipt.status == "ArrangingPayment"
        assert await shop.find_order(push(order).reference, HOUR) is not None
        with pytest.raises(Rejected, match="a part cannot be recorded"):
            await shop.clerk.set_payment(
                receipt.external_id, Payment(type=PaymentType.TRANSFER), order.lines[0].price
            )
        for _ in range(2):
            await shop.clerk.set_payment(receipt.external_id, Payment(type=PaymentType.TRANSFER), order.total)
        with pytest.raises(Rejected, match="cannot begin as Shipped"):
            await shop.push_order(push(sold(), status="Shipped"))
    held = vendure.clerk.order(push(order).reference)
    assert held["state"] == "PaymentSettled"
    assert [(payment["method"], payment["amount"]) for payment in held["payments"]] == [
        ("transfer", order.total.minor())
    ]


async def test_a_parcel_is_added_once(vendure: Shop) -> None:
    """SYN-19; a second parcel for the same goods is told in a note, since Vendure has no parcel without goods."""
    order = sold()
    async with account(Vendure, vendure.settings()) as shop:
        id_ = (await shop.push_order(push(order))).external_id
        for waybill in ("A 1", "a1", "B2", "B2"):
            await shop.clerk.add_shipment(id_, parcel(waybill))
        record = await shop.orders.read_order(id_)
        assert isinstance(record, Order)
        assert [one.waybill for one in record.shipments] == ["A 1"]
        assert record.fulfilment is Fulfilment.SENT
        with pytest.raises(Conflict, match="too late"):
            await shop.clerk.cancel_order(id_, "too late")
        with pytest.raises(NotFound):
            await shop.clerk.add_shipment(vendure.absent, parcel("C3"))
    notes = vendure.clerk.ask(
        'query($i:ID!){order(id:$i){history(options:{filter:{type:{eq:"ORDER_NOTE"}}}){items{data}}}}', {"i": id_}
    )["order"]["history"]["items"]
    assert [note["data"]["note"] for note in notes] == ["INPOST: B2"]


async def test_parcels_of_single_lines(vendure: Shop) -> None:
    order = sold()
    async with account(Vendure, vendure.settings()) as shop:
        id_ = (await shop.push_order(push(order))).external_id
        await shop.clerk.add_shipment(id_, parcel("P1", "line-1"))
        assert vendure.clerk.order(push(order).reference)["state"] == "PartiallyShipped"
        await shop.clerk.add_shipment(id_, parcel("P2", "line-2"))
    held = vendure.clerk.order(push(order).reference)
    assert held["state"] == "Shipped"
    assert {one["trackingCode"] for one in held["fulfillments"]} == {"P1", "P2"}


async def test_states_move_forward_only(vendure: Shop) -> None:
    """SYN-19: what is there already, or further, is left alone; what is impossible is a conflict."""
    order = sold()
    async with account(Vendure, vendure.settings()) as shop:
        id_ = (await shop.push_order(push(order))).external_id
        assert shop.clerk.status_for(Fulfilment.DELIVERED) == "Delivered"
        assert shop.clerk.status_for(Fulfilment.PROCESSING) is None
        for status in ("PaymentAuthorized", "Shipped", "Shipped", "Delivered", "Shipped", "PaymentSettled"):
            await shop.clerk.set_status(id_, status)
        with pytest.raises(Conflict):
            await shop.clerk.set_status(id_, "Cancelled")
        with pytest.raises(Conflict):
            await shop.clerk.set_status(id_, "Modifying")
        known = {status.code for status in await shop.statuses()}
    assert vendure.clerk.order(push(order).reference)["state"] == "Delivered"
    assert {"PaymentSettled", "Shipped", "Delivered", "Cancelled"} <= known


async def test_the_feed_tells_each_order_and_recognises_ours(vendure: Shop) -> None:
    """Part of IMP-34: an order we pushed comes back with its reference.

    One that is placed after it was last changed, which moves no `updatedAt`, comes as well. So does a change of
    state while its last time is within the overlap; later ones are the sweep's."""
    order = sold("unpaid")
    async with account(Vendure, vendure.settings()) as shop:
        cursor = await shop.orders.start(now())
        receipt = await shop.push_order(push(order, status="ArrangingPayment"))
        page = await shop.orders.pull(cursor)
        (record,) = [r for r in page.records if isinstance(r, Order) and r.external_id == receipt.external_id]
        assert record.reference == push(order).reference
        assert record.stage is Stage.PLACED
        assert record.total == record.expected_total() == order.total
        quiet = await shop.orders.pull(page.cursor)
        assert (quiet.records, quiet.cursor, quiet.more) == ((), page.cursor, False)

        await shop.clerk.set_payment(receipt.external_id, Payment(type=PaymentType.TRANSFER), order.total)
        page = await shop.orders.pull(page.cursor)
        (record,) = [r for r in page.records if isinstance(r, Order)]
        assert record.stage is Stage.CONFIRMED
        assert record.fully_paid

        await shop.clerk.set_status(receipt.external_id, "Shipped")
        page = await shop.orders.pull(page.cursor)
        (record,) = [r for r in page.records if isinstance(r, Order)]
        assert record.fulfilment is Fulfilment.SENT
        quiet = await shop.orders.pull(page.cursor)
        assert (quiet.records, quiet.cursor, quiet.more) == ((), page.cursor, False)
        swept = await sweep(shop, now() - HOUR)
        assert swept[receipt.external_id].fulfilment is Fulfilment.SENT
        assert receipt.external_id not in await sweep(shop, now() + HOUR), "sent orders are many"
    async with account(Vendure, vendure.settings()) as shop:
        old = await sweep(shop, now() + HOUR)
        assert receipt.external_id in old, "and read once a day, however old they are"
        await shop.clerk.set_status(receipt.external_id, "Delivered")
        assert await shop.orders.read_order(vendure.absent) == Gone(external_id=vendure.absent)


async def sweep(shop: Vendure, since: datetime) -> dict[str, Order]:
    found: dict[str, Order] = {}
    cursor = None
    while True:
        page = await shop.orders.sweep(since, cursor)
        for record in page.records:
            assert isinstance(record, Order)
            assert record.external_id not in found
            assert record.total == record.expected_total()
            found[record.external_id] = record
        cursor = page.cursor
        if not page.more:
            return found


async def test_carts_and_drafts_are_no_orders(vendure: Shop) -> None:
    draft = vendure.clerk.ask("mutation{createDraftOrder{id}}")["createDraftOrder"]["id"]
    try:
        async with account(Vendure, vendure.settings()) as shop:
            page = await shop.orders.pull(await shop.orders.start(now() - HOUR))
            assert draft not in {r.external_id for r in page.records if isinstance(r, Order)}
            assert await shop.orders.read_order(draft) == Gone(external_id=draft)
    finally:
        vendure.clerk.ask("mutation($i:ID!){deleteDraftOrder(orderId:$i){result}}", {"i": draft})


async def test_ways_in(vendure: Shop, proxy: Proxy) -> None:
    """By password, by API key; an ended session is renewed, a wrong password is not tried twice."""
    async with account(Vendure, vendure.settings(proxy.base)) as shop:
        who = await shop.probe()
        assert who.login == "superadmin"
        assert who.details == {"channel": "__default_channel__", "currency": "PLN"}
        assert sum(call.endswith("Login") for call in proxy.calls) == 1
        assert shop._shop.api._session is not None
        shop._shop.api._session._headers = {"Authorization": "Bearer of an ended session"}
        assert (await shop.push_order(push(sold()))).status == "PaymentSettled"
        assert sum(call.endswith("Login") for call in proxy.calls) == 2
    proxy.calls.clear()
    async with account(Vendure, {**vendure.settings(proxy.base), "password": "wrong"}) as shop:
        with pytest.raises(AuthLost):
            await shop.probe()
        assert len(proxy.calls) == 1
    role = vendure.clerk.ask("{roles{items{id code}}}")["roles"]["items"]
    key = vendure.clerk.ask(
        "mutation($i:CreateApiKeyInput!){createApiKey(input:$i){apiKey}}",
        {"i": {
            "roleIds": [one["id"] for one in role if one["code"] == "__super_admin_role__"],
            "translations": [{"languageCode": "en", "name": "hub"}],
        }},
    )["createApiKey"]["apiKey"]  # fmt: skip
    async with account(Vendure, {"url": vendure.base, "api_key": key, "placeholder_sku": PLACEHOLDER}) as shop:
        assert await shop.probe() == msgspec.structs.replace(who, login="API key")
        assert {status.code for status in await shop.statuses()} >= {"Shipped"}
    async with account(Vendure, {"url": vendure.base, "api_key": "no-such-key"}) as shop:
        with pytest.raises(AuthLost):
            await shop.probe()


async def test_a_shop_that_is_down_has_done_nothing(vendure: Shop, proxy: Proxy) -> None:
    async with account(Vendure, vendure.settings(proxy.base)) as shop:
        async with proxy.refusing():
            with pytest.raises(Unavailable):
                await shop.push_order(push(sold()))
        assert (await shop.push_order(push(sold()))).status == "PaymentSettled"


async def test_no_personal_data_in_logs_and_errors(vendure: Shop) -> None:
    log = LogCapture()
    told = []
    async with account(Vendure, vendure.settings(), log=log) as shop:
        order = sold("company")
        await shop.push_order(push(order))
        assert order.buyer.address is not None
        strange = msgspec.structs.replace(order.buyer.address, country="XX")
        way = msgspec.structs.replace(order.shipping, address=strange)
        for change in ({"shipping": way}, {"total": order.total * 2}, {"buyer": order.buyer, "lines": ()}):
            with pytest.raises(Rejected) as refusal:
                await shop.push_order(push(sold("company", **change)))
            told.append(str(refusal.value))
    written = repr(log.entries) + repr(told)
    assert len(told) == 3
    for secret in (*PERSONAL, "superadmin"):
        assert secret not in written


async def test_a_shop_with_little_of_ours(plain_vendure: Shop) -> None:
    """Without prices of its own an order goes only if the catalogue says the same; a refusal says what to add."""
    settings = {**plain_vendure.settings(), "shipping_method": plain_vendure.plain_shipping}
    cost = Money(Decimal("12.99"), "PLN")

    def bought(price: str | None = None, kind: str = "plain") -> Order:
        order = sold(kind)
        lines = order.lines
        if price is not None:
            first = msgspec.structs.replace(lines[0], price=Money(Decimal(price), "PLN"))
            lines = (first, *lines[1:])
        way = msgspec.structs.replace(order.shipping, cost=cost)
        order = msgspec.structs.replace(order, lines=lines, shipping=way)
        total = order.expected_total()
        payment = order.payment
        if payment is not None and order.fully_paid:
            payment = msgspec.structs.replace(payment, paid=total)
        return msgspec.structs.replace(order, total=total, payment=payment)

    async with account(Vendure, settings) as shop:
        lacks = (await shop.probe()).details["lacks"]
        assert lacks == "marketplaceShipping, marketplacePrice, a payment method with the handler olhubd-payment"
        order = bought()
        assert (await shop.push_order(push(order))).total == order.total
        waiting = await shop.push_order(push(bought(kind="unpaid")))
        assert waiting.status == "ArrangingPayment"
        await shop.clerk.cancel_order(waiting.external_id, "never paid")
        for wrong, what in (
            (push(bought("9.99")), "marketplacePrice"),
            (push(bought(kind="free-lines")), "marketplacePrice"),
            (push(sold()), "olhubd-shipping"),
            (push(bought(kind="unpaid"), status="PaymentAuthorized"), "olhubd-payment"),
        ):
            with pytest.raises(Rejected, match=what):
                await shop.push_order(wrong)
            assert plain_vendure.clerk.orders(f'{{externalId:{{eq:"{wrong.reference}"}}}}') == []


async def test_a_promotion_of_the_shop_does_not_change_what_was_paid(plain_vendure: Shop) -> None:
    promotion = ten_off(plain_vendure.clerk)
    settings = {**plain_vendure.settings(), "shipping_method": plain_vendure.plain_shipping}
    try:
        async with account(Vendure, settings) as shop:
            with pytest.raises(Rejected, match="Ten off"):
                await shop.push_order(push(sold()))
    finally:
        plain_vendure.clerk.ask("mutation($i:ID!){deletePromotion(id:$i){result}}", {"i": promotion})


async def test_the_rights_that_the_readme_names_are_enough(vendure: Shop) -> None:
    """An administrator with no other right can do all that the connector does."""
    text = (Path(__file__).parents[2] / "plugins/olhubd_vendure/README.md").read_text()
    rights = re.findall(
        r"\b(?:Read|Create|Update|Delete)[A-Z]\w+", text.partition("the rights ")[2].partition(".")[0]
    )
    assert len(rights) > 5
    role = vendure.clerk.ask(
        "mutation($i:CreateRoleInput!){createRole(input:$i){id}}",
        {"i": {"code": "hub", "description": "Hub", "permissions": rights}},
    )["createRole"]["id"]
    person = {"emailAddress": "hub@shop.example", "firstName": "H", "lastName": "B", "password": "hub-pass"}
    vendure.clerk.ask(
        "mutation($i:CreateAdministratorInput!){createAdministrator(input:$i){id}}",
        {"i": {**person, "roleIds": [role]}},
    )
    settings = {**vendure.settings(), "username": person["emailAddress"], "password": person["password"]}
    async with account(Vendure, settings) as shop:
        await shop.probe()
        await shop.statuses()
        order = sold("cash-on-delivery")
        id_ = (await shop.push_order(push(order))).external_id
        await shop.clerk.add_shipment(id_, parcel("R1"))
        await shop.clerk.add_shipment(id_, parcel("R2"))
        await shop.clerk.set_payment(id_, Payment(type=PaymentType.CASH_ON_DELIVERY), order.total)
        await shop.clerk.set_status(id_, "Delivered")
        assert (await shop.orders.pull(await shop.orders.start(now() - HOUR))).records
        other = (await shop.push_order(push(sold()))).external_id
        await shop.clerk.cancel_order(other, "changed")
        with pytest.raises(Rejected):
            await shop.push_order(push(sold(), shipping_method=vendure.plain_shipping))
