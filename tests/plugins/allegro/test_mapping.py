"""A checkout form as our order, field by field, and what Allegro may send instead."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from olhubd.model import (
    Address,
    Charge,
    Discount,
    Fulfilment,
    Money,
    Order,
    PaymentType,
    PickupPoint,
    Stage,
    Tax,
    TaxId,
)
from olhubd.plugin import ContractBroken, decode
from olhubd_allegro import wire
from olhubd_allegro.mapping import order

Json = dict[str, Any]


def pln(amount: str) -> Json:
    return {"amount": amount, "currency": "PLN"}


def form(**changes: Any) -> Json:
    """A full form: three parties, a locker, two lines with all that can hang on them."""
    return {
        "id": "29738e61-7f6a-11e8-ac45-09db60ede9d6",
        "revision": "819b5836",
        "updatedAt": "2026-11-03T10:15:30.133Z",
        "status": "READY_FOR_PROCESSING",
        "messageToSeller": "Proszę o czerwony",
        "note": {"text": "stały klient"},
        "marketplace": {"id": "allegro-pl"},
        "buyer": {
            "id": "23123123",
            "login": "zdzich_82",
            "email": "8awgqyk6a5+Cub31c122@allegromail.pl",
            "firstName": "Zdzisław",
            "lastName": "Łęcki",
            "companyName": "Łęcki i Syn",
            "guest": False,
            "personalIdentity": "67062589524",
            "phoneNumber": "+48 600 100 200",
            "preferences": {"language": "pl-PL"},
            "address": {"street": "Solna 1", "city": "Poznań", "postCode": "60-166", "countryCode": "PL"},
        },
        "payment": {
            "id": "0f8f1d13-7e9e-11e8-9b00-c5b0dfb78ea6",
            "type": "ONLINE",
            "provider": "P24",
            "finishedAt": "2026-11-01T12:00:00.000Z",
            "paidAmount": pln("131.47"),
            "reconciliation": pln("3.00"),
            "features": ["ALLEGRO_PAY"],
        },
        "surcharges": [
            {"id": "s1", "type": "ONLINE", "provider": "PAYU", "paidAmount": pln("5.00")},
        ],
        "fulfillment": {"status": "PROCESSING", "provider": {"id": "SELLER"}},
        "delivery": {
            "address": {
                "firstName": "Żaneta",
                "lastName": "Ptak",
                "street": "Długa 2/3",
                "city": "Łódź",
                "zipCode": "90-113",
                "countryCode": "PL",
                "companyName": "Ptak S.A.",
                "phoneNumber": "700800900",
                "modifiedAt": "2026-11-02T08:00:00.000Z",
            },
            "method": {"id": "2488f7b7", "name": "Allegro Paczkomaty InPost"},
            "pickupPoint": {
                "id": "POZ08A",
                "name": "Paczkomat POZ08A",
                "description": "Stacja paliw",
                "address": {"street": "Hoża 9", "zipCode": "00-001", "city": "Warszawa", "countryCode": "PL"},
            },
            "cost": pln("9.99"),
            "time": {
                "from": "2026-11-03T06:00:00.000Z",
                "to": "2026-11-04T06:00:00.000Z",
                "guaranteed": {"from": "2026-11-09T06:00:00Z", "to": "2026-11-09T06:00:00Z"},
                "dispatch": {"from": "2026-11-01T16:00:00Z", "to": "2026-11-02T18:00:00Z"},
            },
            "smart": True,
            "calculatedNumberOfPackages": 2,
        },
        "invoice": {
            "required": True,
            "dueDate": "2026-12-01",
            "features": ["VAT_EU_VERIFIED"],
            "address": {
                "street": "Fabryczna 7",
                "city": "Kraków",
                "zipCode": "31-000",
                "countryCode": "PL",
                "company": {
                    "name": "Udix Sp. z o.o.",
                    "ids": [{"type": "PL_NIP", "value": "525-267-47-98"}, {"type": "OTHER", "value": "X1"}],
                    "vatPayerStatus": "ACTIVE",
                    "taxId": "111-11-11-111",
                },
            },
        },
        "lineItems": [
            {
                "id": "62ae358b-8f65-4fc4-9c77-bedf604a2e2b",
                "offer": {
                    "id": "3213213",
                    "name": "Woda 1 l",
                    "external": {"id": "WOD-1L"},
                    "productSet": {"products": [{"id": "9d689aa5", "quantity": 1}, {"id": "5924a344"}]},
                    "hsNumber": "09012100",
                },
                "quantity": 12,
                "originalPrice": pln("4.00"),
                "price": pln("3.79"),
                "deposit": {"price": pln("0.50")},
                "reconciliation": {"value": pln("2.52"), "type": "BILLING", "quantity": 12},
                "selectedAdditionalServices": [
                    {"definitionId": "CARRY_IN", "name": "Wniesienie", "price": pln("10.00"), "quantity": 2}
                ],
                "vouchers": [{"code": "Code12345", "type": "NOTEBOOKS_FOR_TEACHERS", "value": pln("5.00")}],
                "tax": {"rate": "23.00", "subject": "GOODS", "exemption": None},
                "boughtAt": "2026-11-01T10:23:43.123Z",
                "discounts": [{"type": "BUNDLE"}],
                "serialNumbers": {"expected": True, "entries": [{"value": "SN1"}, {"value": "SN2"}]},
            },
            {
                "id": "72ae358b-8f65-4fc4-9c77-bedf604a2e2b",
                "offer": {"id": "99", "name": "Kubek"},
                "quantity": 2,
                "originalPrice": pln("25.00"),
                "price": pln("25.00"),
                "boughtAt": "2026-10-31T23:59:59.999Z",
            },
        ],
        "summary": {"totalToPay": pln("131.47")},
    } | changes


def mapped(**changes: Any) -> Order:
    return order(decode(msgspec.json.encode(form(**changes)), wire.Form))


def test_the_order_itself() -> None:
    it = mapped()
    assert it.external_id == "29738e61-7f6a-11e8-ac45-09db60ede9d6"
    assert (it.stage, it.external_stage) == (Stage.CONFIRMED, "READY_FOR_PROCESSING")
    assert (it.fulfilment, it.external_fulfilment) == (Fulfilment.PROCESSING, "PROCESSING")
    assert (it.revision, it.marketplace) == ("819b5836", "allegro-pl")
    assert it.placed_at == datetime(2026, 10, 31, 23, 59, 59, 999000, UTC)
    assert it.updated_at == datetime(2026, 11, 3, 10, 15, 30, 133000, UTC)
    assert (it.buyer_note, it.seller_note) == ("Proszę o czerwony", "stały klient")
    assert not it.fulfilled_by_marketplace
    assert it.extra == {"invoice_due": "2026-12-01", "invoice_features": "VAT_EU_VERIFIED"}


def test_the_parts_add_up_to_the_total() -> None:
    """12 x 3.79 + 12 x 0.50 deposit + 2 x 10.00 service + 2 x 25.00 + 9.99; vouchers and refunds lower nothing."""
    assert mapped().expected_total() == mapped().total == Money(Decimal("131.47"), "PLN")


def test_three_parties_are_three() -> None:
    """IMP-17, IMP-18: none of the three stands in for another."""
    it = mapped()
    assert it.shipping.address == Address(
        first_name="Żaneta",
        last_name="Ptak",
        company="Ptak S.A.",
        street="Długa 2/3",
        postcode="90-113",
        city="Łódź",
        country="PL",
        phone="700800900",
    )
    assert it.buyer.address is not None
    assert (it.buyer.address.last_name, it.buyer.address.postcode) == ("Łęcki", "60-166")
    assert it.invoice is not None
    assert it.invoice.address == Address(
        company="Udix Sp. z o.o.", street="Fabryczna 7", postcode="31-000", city="Kraków", country="PL"
    )


def test_the_buyer() -> None:
    buyer = mapped().buyer
    assert (buyer.external_id, buyer.login, buyer.guest) == ("23123123", "zdzich_82", False)
    assert buyer.email == "8awgqyk6a5+Cub31c122@allegromail.pl"
    assert (buyer.email_key, buyer.email_masked) == ("8awgqyk6a5@allegromail.pl", True)
    assert (buyer.first_name, buyer.company, buyer.phone) == ("Zdzisław", "Łęcki i Syn", "+48 600 100 200")
    assert (buyer.language, buyer.national_id) == ("pl-PL", "67062589524")


@pytest.mark.parametrize(
    ("email", "key", "masked"),
    [
        ("Abc+1@AllegroMail.PL", "abc@allegromail.pl", True),
        ("abc+2@allegromail.cz", "abc@allegromail.cz", True),
        ("Jan+shop@Example.com", "jan+shop@example.com", False),
    ],
)
def test_only_a_mask_is_cut(email: str, key: str, masked: bool) -> None:
    buyer = mapped(buyer={"id": "1", "email": email}).buyer
    assert (buyer.email, buyer.email_key, buyer.email_masked) == (email, key, masked)


def test_the_delivery() -> None:
    shipping = mapped().shipping
    assert (shipping.method_id, shipping.method) == ("2488f7b7", "Allegro Paczkomaty InPost")
    assert shipping.cost == Money(Decimal("9.99"), "PLN")
    assert shipping.pickup_point == PickupPoint(
        id="POZ08A",
        name="Paczkomat POZ08A",
        description="Stacja paliw",
        address=Address(street="Hoża 9", postcode="00-001", city="Warszawa", country="PL"),
    )
    assert shipping.dispatch_from == datetime(2026, 11, 1, 16, tzinfo=UTC)
    assert shipping.dispatch_by == datetime(2026, 11, 2, 18, tzinfo=UTC)
    assert shipping.deliver_from == datetime(2026, 11, 3, 6, tzinfo=UTC)
    assert shipping.deliver_by == datetime(2026, 11, 4, 6, tzinfo=UTC)
    assert shipping.address_changed_at == datetime(2026, 11, 2, 8, tzinfo=UTC)
    assert (shipping.packages, shipping.subscription) == (2, True)


def test_a_cancelled_delivery_is_told() -> None:
    it = mapped(delivery={"cancellation": {"date": "2026-11-03T11:00:00Z"}})
    assert it.extra["delivery_cancelled_at"] == "2026-11-03T11:00:00+00:00"


def test_payments_add_up() -> None:
    it = mapped()
    assert it.payment is not None
    assert (it.payment.type, it.payment.external_type, it.payment.provider) == (PaymentType.ONLINE, "ONLINE", "P24")
    assert it.payment.finished_at == datetime(2026, 11, 1, 12, tzinfo=UTC)
    assert it.payment.reimbursed == Money(Decimal(3), "PLN")
    assert it.payment.features == ("ALLEGRO_PAY",)
    assert [surcharge.external_id for surcharge in it.surcharges] == ["s1"]
    assert it.paid == Money(Decimal("136.47"), "PLN")


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("CASH_ON_DELIVERY", PaymentType.CASH_ON_DELIVERY),
        ("WIRE_TRANSFER", PaymentType.TRANSFER),
        ("SPLIT_PAYMENT", PaymentType.SPLIT_VAT),
        ("EXTENDED_TERM", PaymentType.DEFERRED),
        ("MUSZLE", PaymentType.UNKNOWN),
    ],
)
def test_payment_words(word: str, kind: PaymentType) -> None:
    payment = mapped(payment={"id": "p", "type": word, "paidAmount": None}).payment
    assert payment is not None
    assert (payment.type, payment.external_type, payment.paid) == (kind, word, None)


def test_a_company_by_its_numbers() -> None:
    invoice = mapped().invoice
    assert invoice is not None
    assert invoice.tax_ids == (
        TaxId(kind="PL_NIP", value="525-267-47-98", valid=True),
        TaxId(kind="OTHER", value="X1", valid=None),
    )
    assert invoice.vat_payer is True


@pytest.mark.parametrize(
    ("status", "payer"), [("ACTIVE", True), ("NON_ACTIVE", False), ("NOT_APPLICABLE", None), ("NOWY", None)]
)
def test_the_old_tax_number_and_who_pays_vat(status: str, payer: bool | None) -> None:
    company = {"name": "Firma", "vatPayerStatus": status, "taxId": "1234567890", "ids": []}
    address = {"street": "A 1", "city": "B", "zipCode": "1", "countryCode": "PL", "company": company}
    invoice = mapped(invoice={"required": True, "address": address}).invoice
    assert invoice is not None
    assert invoice.tax_ids == (TaxId(kind="PL_NIP", value="1234567890", valid=False),)
    assert invoice.vat_payer is payer


def test_a_private_invoice_and_none() -> None:
    person = {"firstName": "Ewa", "lastName": "Maj"}
    address = {"street": "A 1", "city": "B", "zipCode": "1", "countryCode": "PL", "company": None}
    invoice = mapped(invoice={"required": True, "address": address | {"naturalPerson": person}}).invoice
    assert invoice is not None
    assert (invoice.address.first_name, invoice.is_company) == ("Ewa", False)
    assert mapped(invoice={"required": False}).invoice is None
    # Wanted, though nobody said by whom: that must not look like "no invoice".
    bare = mapped(invoice={"required": True, "address": None}).invoice
    assert bare is not None
    assert not bare.address.reachable


def test_a_line() -> None:
    line = mapped().lines[0]
    assert (line.external_id, line.name) == ("62ae358b-8f65-4fc4-9c77-bedf604a2e2b", "Woda 1 l")
    assert (line.offer_id, line.sku, line.ean, line.quantity) == ("3213213", "WOD-1L", None, 12)
    assert line.price == Money(Decimal("3.79"), "PLN")
    assert line.original_price == Money(Decimal("4.00"), "PLN")
    assert line.product_ids == ("9d689aa5", "5924a344")
    assert line.tax == Tax(rate=Decimal(23), subject="GOODS")
    assert line.discounts == (Discount(kind="BUNDLE"),)
    assert line.charges == (
        Charge(
            kind="service",
            price=Money(Decimal(10), "PLN"),
            quantity=2,
            name="Wniesienie",
            external_id="CARRY_IN",
        ),
        Charge(kind="deposit", price=Money(Decimal("0.5"), "PLN"), quantity=12),
    )
    assert line.vouchers == ("Code12345",)
    assert line.reimbursed == Money(Decimal("2.52"), "PLN")
    assert line.bought_at == datetime(2026, 11, 1, 10, 23, 43, 123000, UTC)
    assert line.extra == {
        "set": "1 x 9d689aa5, 1 x 5924a344",
        "hs_number": "09012100",
        "reconciled_quantity": "12",
        "serial_numbers_expected": "true",
        "serial_numbers": "SN1, SN2",
    }
    assert (mapped().lines[1].tax, mapped().lines[1].sku) == (None, None)


def test_a_tax_rate_that_is_no_number_is_kept_as_it_is() -> None:
    line = form()["lineItems"][1] | {"tax": {"rate": "NP"}}
    mapped_line = mapped(lineItems=[line]).lines[0]
    assert mapped_line.tax == Tax(rate=None)
    assert mapped_line.extra == {"tax_rate": "NP"}


def test_unknown_words_are_kept() -> None:
    it = mapped(status="NOWY", fulfillment={"status": "PACKING", "provider": {"id": "ONE"}})
    assert (it.stage, it.external_stage) == (Stage.UNKNOWN, "NOWY")
    assert (it.fulfilment, it.external_fulfilment) == (Fulfilment.UNKNOWN, "PACKING")


def test_allegros_own_warehouse() -> None:
    assert mapped(fulfillment={"status": "NEW", "provider": {"id": "ALLEGRO"}}).fulfilled_by_marketplace


def test_null_where_the_contract_says_absent() -> None:
    """Allegro answers null for everything that it does not tell."""
    nothing = dict.fromkeys(
        ("messageToSeller", "note", "marketplace", "payment", "delivery", "invoice", "fulfillment", "surcharges")
    )
    line = form()["lineItems"][1]
    names = (
        "deposit",
        "reconciliation",
        "selectedAdditionalServices",
        "vouchers",
        "tax",
        "discounts",
        "serialNumbers",
    )
    offer = {"id": "1", "name": "x", "external": None, "productSet": None, "hsNumber": None}
    it = mapped(**nothing, lineItems=[line | dict.fromkeys(names) | {"offer": offer}])
    assert (it.payment, it.invoice, it.surcharges, it.fulfilment) == (None, None, (), Fulfilment.NEW)
    empty = dict.fromkeys(("address", "method", "pickupPoint", "cost", "time", "cancellation"))
    assert mapped(delivery=empty | {"smart": None}).shipping.cost is None


def test_fields_from_the_future_are_skipped() -> None:
    assert mapped(codBookedPayments=[{"paymentId": "1"}], somethingNew={"a": 1}).external_id


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"summary": {"totalToPay": {"amount": "dużo", "currency": "PLN"}}}, "$.summary.totalToPay.amount"),
        ({"summary": {"totalToPay": {"amount": "1.00"}}}, "$.summary.totalToPay"),
        ({"summary": None}, "$.summary"),
        ({"lineItems": [form()["lineItems"][1] | {"quantity": None}]}, "$.lineItems[0].quantity"),
        ({"lineItems": [form()["lineItems"][1] | {"boughtAt": None}]}, "lineItems[].boughtAt"),
    ],
)
def test_money_and_time_are_never_guessed(changes: Json, field: str) -> None:
    with pytest.raises(ContractBroken) as broken:
        mapped(**changes)
    assert broken.value.field == field
