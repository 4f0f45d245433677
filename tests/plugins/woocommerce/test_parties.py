"""Who is billed, where it goes, and under which number: what a marketplace leaves out is not left blank."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from olhubd.model import (
    Address,
    Buyer,
    Charge,
    InvoiceParty,
    Money,
    Order,
    Payment,
    PaymentType,
    PickupPoint,
    Shipping,
    TaxId,
)
from olhubd_kit.simulators.woocommerce import WooCommerceSimulator
from olhubd_woocommerce import draft
from olhubd_woocommerce.connector import WooCommerce
from olhubd_woocommerce.settings import WooCommerceSettings
from tests.plugins.woocommerce.orders import line, order, pln, push_of

SETTINGS = WooCommerceSettings(url="https://shop.example", consumer_key="ck_x", consumer_secret="cs_x")  # type: ignore[arg-type]
HOME = Address(
    first_name="Jan", last_name="Kowalski", street="Polna 1", postcode="00-001", city="Łódź", country="PL"
)
PRAGUE = Address(street="Dlouhá 3", postcode="110 00", city="Praha", country="CZ")


def numbers(country: str | None, *ids: tuple[str, str]) -> dict[str, str]:
    """What the order's meta holds of these numbers."""
    party = InvoiceParty(
        address=Address(company="F", street="S 1", postcode="1", city="C", country=country),
        tax_ids=tuple(TaxId(kind=kind, value=value) for kind, value in ids),
    )
    return draft._meta(push_of(invoice=party), SETTINGS)


@pytest.mark.parametrize(
    ("country", "ids", "vat"),
    [
        ("CZ", [("CZ_ICO", "27082440"), ("CZ_DIC", "CZ27082440")], "CZ27082440"),
        ("SK", [("SK_ICO", "36562939"), ("SK_IC_DPH", "SK2021863811")], "SK2021863811"),
        ("HU", [("OTHER", "1"), ("HU_ADOSZAM", "10537914-4-44")], "10537914-4-44"),
        ("PL", [("OTHER", "0000012345"), ("PL_NIP", "5260250274")], "5260250274"),
        ("DE", [("OTHER", "HRB 1"), ("VAT_EU", "DE136695976")], "DE136695976"),
        (None, [("CZ_ICO", "27082440"), ("CZ_DIC", "CZ27082440")], "CZ27082440"),
        ("PL", [("CZ_DIC", "CZ27082440"), ("PL_NIP", "5260250274")], "5260250274"),
        ("CZ", [("PL_NIP", "5260250274"), ("CZ_DIC", "CZ27082440")], "CZ27082440"),
        ("CZ", [("CZ_ICO", "27082440")], "27082440"),
        ("AT", [("OTHER", "FN 1")], "FN 1"),
    ],
)
def test_the_vat_number_goes_before_those_of_registers(
    country: str | None, ids: list[tuple[str, str]], vat: str
) -> None:
    meta = numbers(country, *ids)
    assert meta["_billing_nip"] == vat
    assert meta.get("_olhubd_tax_ids") == (", ".join(f"{k} {v}" for k, v in ids) if len(ids) > 1 else None)


@pytest.mark.parametrize("told", [Address(), Address(first_name="Jan"), Address(country="PL")], ids=str)
def test_an_invoice_without_an_address_blanks_nothing(told: Address) -> None:
    billing, _ = draft.addresses(order(invoice=InvoiceParty(address=told)))
    assert (billing["address_1"], billing["city"], billing["last_name"]) == ("Polna 1/2", "Warszawa", "Kowalski")


def test_an_invoice_without_an_address_is_the_buyers_own() -> None:
    """With the name that stands at that address, not only its street."""
    buyer = Buyer(external_id="1", last_name="Login", address=msgspec.structs.replace(HOME, company="Dom Kultury"))
    billing, _ = draft.addresses(order(buyer=buyer, invoice=InvoiceParty(address=Address())))
    assert (billing["company"], billing["last_name"]) == ("Dom Kultury", "Kowalski")


def test_a_firm_without_a_street_is_billed_at_the_buyers() -> None:
    firm = Address(company="Firma", country="PL")
    buyer = Buyer(external_id="1", address=msgspec.structs.replace(HOME, street="Leśna 7"))
    billing, _ = draft.addresses(order(buyer=buyer, invoice=InvoiceParty(address=firm)))
    assert (billing["company"], billing["address_1"], billing["city"]) == ("Firma", "Leśna 7", "Łódź")


def test_a_firm_with_an_address_keeps_its_own() -> None:
    firm = Address(company="Firma", street="Krucza 5", postcode="00-950", city="Warszawa", country="PL")
    billing, _ = draft.addresses(order(invoice=InvoiceParty(address=firm)))
    assert (billing["company"], billing["address_1"], billing["last_name"]) == ("Firma", "Krucza 5", "")


def to_point(home: Address, point: Address | None) -> dict[str, Any]:
    shipping = Shipping(
        method="Point",
        cost=pln("1.00"),
        address=home,
        pickup_point=PickupPoint(id="P1", name="Point P1", address=point),
    )
    return draft.addresses(order(shipping=shipping))[1]


def test_a_point_in_another_country_is_where_it_goes() -> None:
    """Taxes and labels go by the country of the address."""
    there = to_point(HOME, PRAGUE)
    assert (there["country"], there["city"], there["address_1"]) == ("CZ", "Praha", "Dlouhá 3")
    assert (there["first_name"], there["last_name"], there["address_2"]) == ("Jan", "Kowalski", "Point P1")


@pytest.mark.parametrize(
    "point", [None, Address(), Address(country="CZ"), msgspec.structs.replace(PRAGUE, country="PL")], ids=str
)
def test_a_point_at_home_or_unknown_leaves_the_buyers_address(point: Address | None) -> None:
    assert to_point(HOME, point)["city"] == "Łódź"


async def test_taxes_of_a_point_abroad_are_those_of_its_country(
    shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    way = Shipping(
        method="Point", cost=pln("1.00"), address=HOME, pickup_point=PickupPoint(id="P1", address=PRAGUE)
    )
    push = push_of(shipping=way, lines=(line("A1-1", "121.00"),))
    receipt = await shop.push_order(push)
    doc = simulator.ledger.sheets[501].doc
    assert receipt.total == push.order.total
    assert doc["line_items"][0]["total"] == "100.00"


async def test_an_order_of_fees_alone_goes_on_as_fees(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    """A service without goods, as a payment for something done."""
    bare = msgspec.structs.replace(
        order(), lines=(), charges=(Charge(kind="service", name="Montaż", price=pln("123.00")),)
    )
    whole: Order = msgspec.structs.replace(bare, total=bare.expected_total())
    paid = Payment(type=PaymentType.ONLINE, paid=whole.total)
    push = msgspec.structs.replace(push_of(), order=msgspec.structs.replace(whole, payment=paid))
    receipt = await shop.push_order(push)
    doc = simulator.ledger.sheets[501].doc
    assert receipt.total == Money(pln("132.99").amount, "PLN")
    assert (doc["line_items"], [fee["name"] for fee in doc["fee_lines"]]) == ([], ["Montaż"])
    assert receipt.differences == ()


async def test_a_set_tells_what_is_in_it(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    await shop.push_order(push_of(lines=(line("A1-1", "10.00", extra={"set": "3 x p1, 1 x p2"}),)))
    assert simulator.ledger.sheets[501].meta("_olhubd_sets") == "Rzecz A1-1: 3 x p1, 1 x p2"
