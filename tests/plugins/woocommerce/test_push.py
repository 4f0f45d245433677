"""What a forwarded order holds, and when it is refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from olhubd.model import (
    Address,
    Charge,
    Discount,
    InvoiceParty,
    PickupPoint,
    Shipping,
    Tax,
    TaxId,
)
from olhubd.plugin import Rejected
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.samples import sample
from olhubd_kit.simulators.woocommerce import WooCommerceSimulator, arithmetic
from olhubd_kit.simulators.woocommerce.arithmetic import TaxScheme
from olhubd_woocommerce.connector import WooCommerce
from tests.plugins.woocommerce.orders import PLACED, line, open_shop, order, pln, push_of


def doc_of(simulator: WooCommerceSimulator, external_id: str) -> dict[str, Any]:
    return simulator.ledger.sheets[int(external_id)].doc


def meta_of(row: dict[str, Any]) -> dict[str, Any]:
    return {meta["key"]: meta["value"] for meta in row["meta_data"]}


async def test_products_prices_and_shipping_arrive(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    """FWD-07, FWD-19: lines are bound to products, a variation to its parent too, at the buyer's prices."""
    receipt = await shop.push_order(push_of())
    doc = doc_of(simulator, receipt.external_id)
    mug, blanket = doc["line_items"]
    assert (mug["product_id"], mug["variation_id"], mug["quantity"]) == (100, 101, 2)
    assert (blanket["product_id"], blanket["variation_id"]) == (119, 0)
    assert mug["tax_class"] == ""
    assert Decimal(mug["total"]) + Decimal(mug["total_tax"]) == Decimal("49.80")
    [way] = doc["shipping_lines"]
    assert Decimal(way["total"]) + Decimal(way["total_tax"]) == Decimal("9.99")
    assert receipt.total == pln("393.12") == order().total
    assert not receipt.unlinked
    assert doc["created_via"] == "olhubd"


async def test_an_ean_binds_where_the_sku_does_not(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    """FWD-19."""
    lines = (line("1", "10.00", sku="NOWHERE", ean="5900001234853"), line("2", "12.30", ean="5900001235201"))
    receipt = await shop.push_order(push_of(lines=lines))
    bound = [row["product_id"] for row in doc_of(simulator, receipt.external_id)["line_items"]]
    assert bound == [106, 111]
    assert receipt.total == pln("32.29")


async def test_lines_without_product_are_free_and_told(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    """FWD-20: at their price, in the tax class of the rate the marketplace told."""
    lines = (line("1", "24.90", sku="KUB-BIA"), line("2", "7.77", 3, sku="X", tax=Tax(rate=Decimal(8))))
    receipt = await shop.push_order(push_of(lines=lines))
    free = doc_of(simulator, receipt.external_id)["line_items"][1]
    assert (free["product_id"], free["name"], free["tax_class"]) == (0, "Rzecz 2", "reduced-rate")
    assert Decimal(free["total"]) + Decimal(free["total_tax"]) == Decimal("23.31")
    assert [row.line_id for row in receipt.unlinked] == ["2"]


async def test_free_lines_can_be_refused(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    push = push_of(lines=(line("7", "1.00", sku="X"),), push={"free_lines": False})
    with pytest.raises(Rejected, match="line 7"):
        await shop.push_order(push)
    assert not simulator.books()


async def test_a_shop_that_wants_a_product_named_gets_one_that_is_none() -> None:
    """The refusal is definite and nothing was made, so the order goes once more, and the next one goes at once."""
    simulator = WooCommerceSimulator(free_lines=False)
    async with open_shop(simulator) as shop:
        for number in ("A1", "A2"):
            receipt = await shop.push_order(push_of(number, lines=(line(number, "7.77", sku="X"),)))
            assert [row.line_id for row in receipt.unlinked] == [number]
            assert receipt.total == pln("17.76")
    assert simulator.calls["POST /wc/v3/orders"] == 3
    assert len(simulator.books()) == 2


async def test_addresses_are_text_and_in_their_places(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    """FWD-08, FWD-09: shipping is the recipient, billing the invoice's party, with its tax number."""
    company = Address(
        company="Firma sp. z o.o.", street="Krucza 5", postcode="00-950", city="Warszawa", country="PL"
    )
    invoice = InvoiceParty(address=company, tax_ids=(TaxId(kind="PL_NIP", value="5260250274"),))
    receipt = await shop.push_order(push_of(invoice=invoice))
    doc = doc_of(simulator, receipt.external_id)
    assert doc["shipping"]["last_name"] == "Kowalski"
    assert doc["shipping"]["address_1"] == "Polna 1/2"
    assert (doc["billing"]["company"], doc["billing"]["last_name"]) == ("Firma sp. z o.o.", "")
    assert doc["billing"]["email"] == ""
    assert meta_of(doc)["_olhubd_email"] == "8awgqyk6a5+cub31c122@allegromail.pl"
    assert meta_of(doc)["_billing_nip"] == "5260250274"


async def test_a_pickup_point_without_address(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    point = PickupPoint(
        id="WAW01N",
        name="Paczkomat WAW01N",
        address=Address(street="Prosta 2", postcode="00-850", city="Warszawa", country="PL"),
    )
    shipping = Shipping(method="InPost", cost=pln("0"), address=Address(), pickup_point=point)
    receipt = await shop.push_order(push_of(shipping=shipping))
    doc = doc_of(simulator, receipt.external_id)
    assert meta_of(doc)["_paczkomat_id"] == "WAW01N"
    assert doc["shipping"]["address_1"] == "Prosta 2"
    assert doc["shipping"]["last_name"] == "Kowalski"


async def test_login_offers_and_note_only_when_wanted(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    """Part of FWD-10, FWD-11 and FWD-12."""
    lines = (line("1", "24.90", sku="KUB-BIA", offer_id="7777"),)
    plain = await shop.push_order(push_of("A1", lines=lines, buyer_note="ostrożnie", push={"include_note": False}))
    doc = doc_of(simulator, plain.external_id)
    assert doc["customer_note"] == ""
    assert "janek" not in str(doc)
    assert "7777" not in str(doc)
    wanted = {"include_login": True, "include_offer_ids": True}
    full = await shop.push_order(push_of("A2", lines=lines, buyer_note="ostrożnie", push=wanted))
    doc = doc_of(simulator, full.external_id)
    assert doc["customer_note"] == "ostrożnie"
    assert meta_of(doc)["olhubd_login"] == "janek"
    assert meta_of(doc["line_items"][0])["offer_id"] == "7777"


async def test_payment_only_when_wanted(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    """Part of FWD-13."""
    receipt = await shop.push_order(push_of("A1"))
    doc = doc_of(simulator, receipt.external_id)
    assert (doc["payment_method_title"], doc["transaction_id"], doc["status"]) == ("PayU", "pay-1", "processing")
    assert doc["date_paid_gmt"] is not None
    receipt = await shop.push_order(push_of("A2", push={"include_payment": False}))
    doc = doc_of(simulator, receipt.external_id)
    assert (doc["payment_method"], doc["payment_method_title"], doc["transaction_id"]) == ("", "", "")


async def test_cash_on_delivery_is_not_dated_as_paid_where_the_payment_is_left_out(
    shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    """Without its method the shop would take "processing" for paid; nobody has paid for a parcel on its way."""
    receipt = await shop.push_order(push_of("A1", cod=True, push={"include_payment": False}))
    doc = doc_of(simulator, receipt.external_id)
    assert (doc["payment_method"], doc["status"], doc["date_paid_gmt"]) == ("", "on-hold", None)


async def test_mapped_and_unmapped_methods(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    """Part of FWD-14, FWD-16 and FWD-18: a mapped method under its id, an unmapped one as "other"."""
    mapped = {"shipping_method": "flat_rate:3", "payment_method": "przelewy24", "status": "on-hold"}
    receipt = await shop.push_order(push_of("A1", push=mapped))
    doc = doc_of(simulator, receipt.external_id)
    [way] = doc["shipping_lines"]
    assert (way["method_id"], way["instance_id"], way["method_title"]) == ("flat_rate", "3", "InPost Paczkomaty")
    assert (doc["payment_method"], doc["status"]) == ("przelewy24", "on-hold")
    receipt = await shop.push_order(push_of("A2"))
    [way] = doc_of(simulator, receipt.external_id)["shipping_lines"]
    assert (way["method_id"], way["method_title"]) == ("other", "InPost Paczkomaty")


async def test_charges_and_discounts_are_fees(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    """A deposit bears no tax, a service and a surcharge do, a discount is taxed like what it is taken from."""
    lines = (
        line(
            "1",
            "3.79",
            6,
            sku="WOD-1L",
            charges=(
                Charge(kind="DEPOSIT", price=pln("0.50"), quantity=6),
                Charge(kind="service", name="Gravieren", price=pln("7.01")),
            ),
        ),
        line("2", "59.90", sku="KSI-SZY"),
    )
    push = push_of(
        lines=lines,
        charges=(Charge(kind="surcharge", price=pln("1.23")),),
        discounts=(Discount(kind="coupon", amount=pln("13.37")), Discount(kind="told only")),
    )
    receipt = await shop.push_order(push)
    fees = {row["name"]: row for row in doc_of(simulator, receipt.external_id)["fee_lines"]}
    assert fees["DEPOSIT: Rzecz 1"]["total"] == "3.00"
    assert fees["DEPOSIT: Rzecz 1"]["total_tax"] == "0.00"
    assert Decimal(fees["surcharge"]["total_tax"]) > 0
    assert Decimal(fees["coupon"]["total"]) < 0
    assert receipt.total == push.order.total


async def test_one_call_in_steady_state(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    """Products and rates are remembered: an order of known products is one POST."""
    await shop.push_order(push_of("A0"))
    before = dict(simulator.calls)
    for number in range(5):
        await shop.push_order(push_of(f"B{number}"))
    changed = {name: count for name, count in simulator.calls.items() if count != before.get(name)}
    assert changed == {"POST /wc/v3/orders": 6}


async def test_another_currency(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    """Kept per order, unless the account says which one it takes."""
    foreign = sample("foreign", "A1", PLACED)
    push = msgspec.structs.replace(push_of(), order=foreign)
    receipt = await shop.push_order(push)
    assert receipt.total == foreign.total
    assert receipt.total.currency != "PLN"
    async with open_shop(simulator, currency="PLN") as strict:
        with pytest.raises(Rejected, match="PLN, not"):
            await strict.push_order(push)


async def test_an_order_that_does_not_add_up_is_refused(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    push = push_of()
    wrong = msgspec.structs.replace(push, order=msgspec.structs.replace(push.order, total=pln("1.00")))
    with pytest.raises(Rejected, match="sum up"):
        await shop.push_order(wrong)
    assert not simulator.books()


async def test_net_prices_of_the_source_become_gross(shop: WooCommerce) -> None:
    """An order of another shop, told in net amounts with the tax beside them."""
    push = push_of(prices_include_tax=False, tax=pln("90.42"))
    receipt = await shop.push_order(push)
    assert receipt.total == push.order.total == pln("483.54")


@pytest.mark.parametrize(
    "scheme",
    [
        {"calc_taxes": False},
        {"at_subtotal": True},
        {"prices_include_tax": False},
        {"shipping_class": "reduced-rate"},
        {"decimals": 4},
        {"based_on": "base"},
    ],
    ids=str,
)
async def test_totals_under_other_tax_settings(scheme: dict[str, Any]) -> None:
    simulator = WooCommerceSimulator(scheme=TaxScheme(rates=WooCommerceSimulator().scheme.rates, **scheme))
    async with open_shop(simulator) as shop:
        for number in range(1, 8):
            lines = (line("1", f"{number}.0{number}", number, sku="KUB-BIA"), line("2", "0.03", sku="MIO-LIP"))
            push = push_of(f"A{number}", lines=lines)
            assert (await shop.push_order(push)).total == push.order.total


async def test_foreign_destinations_bear_their_own_rates(
    shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    """20 % is a rate at which some amounts cannot be reached; a country without a rate bears no tax."""
    for country, code in (("AT", "1010"), ("CZ", "110 00"), ("HU", "1051"), ("NO", "0150")):
        home = Address(last_name="X", street="Y 1", postcode=code, city="Z", country=country)
        lines = (line(f"{country}-1", "0.03", sku="KAB-USB"),)
        push = push_of(country, lines=lines, shipping=Shipping(method="DPD", cost=pln("0.09"), address=home))
        receipt = await shop.push_order(push)
        assert receipt.total == push.order.total, country
    norway = doc_of(simulator, receipt.external_id)
    assert norway["total_tax"] == "0.00"


async def test_rates_that_changed_are_read_anew(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    """The shop counts otherwise than remembered: the order is set right before the receipt, and so is the next."""
    await shop.push_order(push_of("A1"))
    simulator.set_rate("PL", "25")
    receipt = await shop.push_order(push_of("A2"))
    assert receipt.total == push_of("A2").order.total
    assert simulator.books()[1].total == receipt.total
    assert simulator.calls["PUT /wc/v3/orders/{id}"] == 1
    await shop.push_order(push_of("A3"))
    assert simulator.calls["PUT /wc/v3/orders/{id}"] == 1
    assert simulator.calls["POST /wc/v3/orders"] == 3


async def test_a_shipping_method_that_bears_no_tax(
    shop: WooCommerce, simulator: WooCommerceSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not to be seen in the settings, only in the answer: the order is set right by what the shop did."""
    monkeypatch.setattr(arithmetic, "_shipping_class", lambda items, scheme: None)
    receipt = await shop.push_order(push_of("A1"))
    assert receipt.total == push_of("A1").order.total
    assert doc_of(simulator, receipt.external_id)["shipping_lines"][0]["total"] == "9.99"
    assert simulator.calls["PUT /wc/v3/orders/{id}"] == 1


async def test_a_correction_that_fails_forgets_nothing(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    """The order exists: the receipt tells its real total, and it is the host that sees the difference."""
    await shop.push_order(push_of("A1"))
    simulator.set_rate("PL", "25")
    simulator.faults.add(Fault(kind=FaultKind.ERROR, match="^(PUT|GET) ", times=None, status=500))
    receipt = await shop.push_order(push_of("A2"))
    simulator.faults.clear()
    books = {entry.external_id: entry for entry in simulator.books()}
    assert len(books) == 2
    assert receipt.total == books[receipt.external_id].total != push_of("A2").order.total


async def test_a_correction_whose_answer_is_lost_adds_its_rounding_once(
    shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    """It is read and not sent again: a new row without an id would be there twice."""
    await shop.push_order(push_of("A1"))
    simulator.set_rate("PL", "100")
    simulator.faults.add(Fault(kind=FaultKind.LOSE, match="^PUT "))
    free = msgspec.structs.replace(push_of().order.shipping, cost=pln("0.00"))
    push = push_of("A2", lines=(line("A2-1", "0.03"),), shipping=free)
    receipt = await shop.push_order(push)
    assert [row["total"] for row in doc_of(simulator, receipt.external_id)["fee_lines"]] == ["0.01"]
    assert receipt.total == push.order.total


async def test_a_product_that_vanished_is_told(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    """The shop takes an id that no product has any more: the line is free then, and the next order asks again."""
    await shop.push_order(push_of("A1"))
    del simulator.catalogue.products[119]
    receipt = await shop.push_order(push_of("A2"))
    assert [row.line_id for row in receipt.unlinked] == ["A2-2"]
    assert receipt.total == push_of("A2").order.total
    asked = simulator.calls["GET /wc/v3/products"]
    await shop.push_order(push_of("A3"))
    assert simulator.calls["GET /wc/v3/products"] == asked + 1


async def test_stock_falls_once_through_the_shop(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    """FWD-22: the shop lowers its own stock; a cancellation gives it back; no product is ever written."""
    receipt = await shop.push_order(push_of())
    mug = simulator.catalogue.products[101]
    assert mug["stock_quantity"] == 98
    await shop.set_status(receipt.external_id, "completed")
    assert mug["stock_quantity"] == 98
    other = await shop.push_order(push_of("A2", cod=True))
    assert mug["stock_quantity"] == 96
    await shop.cancel_order(other.external_id, "the buyer withdrew")
    assert mug["stock_quantity"] == 98
    assert not [name for name in simulator.calls if "products" in name and not name.startswith("GET")]
