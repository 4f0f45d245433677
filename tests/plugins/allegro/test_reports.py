"""What sellers and integrators reported of Allegro's forms, each in its smallest form.

Written anew; no text or data of the reports is in here.
"""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest

from olhubd.decide import changes
from olhubd.decide.compare import compare
from olhubd.decide.validate import objection
from olhubd.model import Order
from olhubd.plugin import Push, decode
from olhubd_allegro import wire
from olhubd_allegro.mapping import order
from olhubd_woocommerce import draft
from olhubd_woocommerce.settings import WooCommerceSettings

Json = dict[str, Any]


def money(amount: str, currency: str = "PLN") -> Json:
    return {"amount": amount, "currency": currency}


FORM: Json = {
    "id": "a0",
    "revision": "1",
    "updatedAt": "2026-11-03T10:15:30.133Z",
    "status": "READY_FOR_PROCESSING",
    "messageToSeller": None,
    "marketplace": {"id": "allegro-pl"},
    "buyer": {
        "id": "1",
        "login": "Client:1",
        "email": "x+1@allegromail.pl",
        "firstName": "Ewa",
        "lastName": "Lis",
        "companyName": None,
        "guest": False,
        "phoneNumber": "+48 600 000 000",
        "preferences": {"language": "pl-PL"},
        "address": {"street": "Solna 1", "city": "Poznań", "postCode": "60-166", "countryCode": "PL"},
    },
    "payment": {
        "id": "p",
        "type": "ONLINE",
        "provider": "P24",
        "finishedAt": "2026-11-01T12:00:00.000Z",
        "paidAmount": money("59.99"),
        "reconciliation": None,
        "features": [],
    },
    "surcharges": [],
    "fulfillment": {"status": "NEW", "provider": {"id": "SELLER"}},
    "delivery": {
        "address": {
            "firstName": "Ewa",
            "lastName": "Lis",
            "street": "Długa 2",
            "city": "Łódź",
            "zipCode": "90-113",
            "countryCode": "PL",
            "companyName": None,
            "phoneNumber": "700",
            "modifiedAt": None,
        },
        "method": {"id": "m1", "name": "Kurier"},
        "pickupPoint": None,
        "cost": money("9.99"),
        "smart": False,
    },
    "invoice": {"required": False, "address": None},
    "lineItems": [
        {
            "id": "l1",
            "offer": {"id": "o1", "name": "Kubek", "external": {"id": "KUB"}, "productSet": None},
            "quantity": 2,
            "originalPrice": money("25.00"),
            "price": money("25.00"),
            "selectedAdditionalServices": [],
            "vouchers": [],
            "tax": None,
            "boughtAt": "2026-11-01T10:23:43.123Z",
            "discounts": [],
        }
    ],
    "summary": {"totalToPay": money("59.99")},
}
COMPANY: Json = {
    "street": "Fabryczna 7",
    "city": "Brno",
    "zipCode": "60200",
    "countryCode": "CZ",
    "company": {
        "name": "Firma s.r.o.",
        "vatPayerStatus": "ACTIVE",
        "ids": [{"type": "CZ_DIC", "value": "CZ27082440"}],
    },
}
SETTINGS = WooCommerceSettings(url="https://shop.example", consumer_key="ck_x", consumer_secret="cs_x")  # type: ignore[arg-type]


def read(form: Json) -> Order:
    return order(decode(msgspec.json.encode(form), wire.Form))


def varied(*path: Any, to: Any) -> Json:
    form = copy.deepcopy(FORM)
    place = form
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to
    return form


def push(it: Order) -> Push:
    return Push(order=it, reference="first:a0", account="first", marketplace="allegro-pl")


# allegro-api#11277, #2593, #3533: the way of delivery changes after the order was ready. With Smart! both are free.
def test_another_way_of_delivery_is_told_like_another_address() -> None:
    held = read(varied("delivery", "cost", to=money("0.00")) | {"summary": {"totalToPay": money("50.00")}})
    form = varied("delivery", "cost", to=money("0.00")) | {"summary": {"totalToPay": money("50.00")}}
    form["delivery"]["method"] = {"id": "m2", "name": "Allegro One Box"}
    found = compare(held, read(form))
    assert found
    assert not any(isinstance(change, changes.Amended) for change in found)


def test_a_point_that_is_taken_back_is_told() -> None:
    """allegro-api#3533."""
    point = {
        "id": "POZ01",
        "name": "Punkt",
        "address": {"street": "Hoża 9", "zipCode": "00-001", "city": "Warszawa"},
    }
    held, now = read(varied("delivery", "pickupPoint", to=point)), read(FORM)
    assert any(isinstance(change, changes.AddressChanged) for change in compare(held, now))


# allegro-api#4492: the payment is finished, its amount is not told. Not told is not nothing.
def test_a_finished_payment_without_amount_is_not_unpaid() -> None:
    it = read(varied("payment", "paidAmount", to=None))
    assert draft.initial_status(push(it)) != "pending"


# allegro-api#2972: an invoice is wanted, its address is not told. The README: else the buyer, else the recipient.
def test_an_invoice_without_address_is_billed_to_the_buyer() -> None:
    billing, _ = draft.addresses(read(varied("invoice", to={"required": True, "address": None})))
    assert (billing["address_1"], billing["city"], billing["country"]) == ("Solna 1", "Poznań", "PL")


# allegro-api#8138, #10831: a set of products; how many of each belong to it is what the packer must know.
def test_how_many_of_each_product_are_in_a_set_is_kept() -> None:
    products = {"products": [{"id": "p1", "quantity": 3}, {"id": "p2", "quantity": 1}]}
    form = varied("lineItems", 0, "offer", "productSet", to=products)
    assert any("3" in value for value in read(form).lines[0].extra.values())


# allegro-api#7084: the point is in one country, the buyer's address in another.
def test_the_country_of_a_point_is_the_country_of_delivery() -> None:
    point = {
        "id": "18354",
        "name": "AlzaBox",
        "description": None,
        "address": {"street": "Náměstí 673", "zipCode": "54233", "city": "Rtyně", "countryCode": "CZ"},
    }
    _, shipping = draft.addresses(read(varied("delivery", "pickupPoint", to=point)))
    assert shipping["country"] == "CZ"


# Kept so that they stay right.
@pytest.mark.parametrize(
    ("report", "path", "value"),
    [
        ("allegro-api#2870", ("lineItems", 0, "selectedAdditionalServices"), None),
        ("allegro-api#4326", ("invoice",), None),
        ("allegro-api#3529", ("buyer", "address"), None),
        ("allegro-api#10692", ("lineItems", 0, "offer", "productSet"), None),
        ("allegro-api#2111", ("payment", "finishedAt"), None),
        ("allegro-api#6636", ("payment", "paidAmount"), money("69.99")),
        (
            "allegro-api#1986",
            ("invoice",),
            {"required": True, "address": COMPANY | {"naturalPerson": {"firstName": "", "lastName": ""}}},
        ),
        (
            "allegro-api#12668",
            ("invoice",),
            {
                "required": True,
                "address": {
                    "street": "A 1",
                    "city": "B",
                    "zipCode": "1",
                    "countryCode": "PL",
                    "company": None,
                    "naturalPerson": {"firstName": "E", "lastName": "L"},
                },
            },
        ),
        (
            "allegro-api#4279 a refund in zlotys on an order in crowns",
            ("lineItems", 0, "reconciliation"),
            {"value": money("5.00"), "type": "BILLING", "quantity": 2},
        ),
    ],
)
def test_forms_that_are_read_as_they_should(report: str, path: tuple[Any, ...], value: Any) -> None:
    assert objection(read(varied(*path, to=value))) is None, report


@pytest.mark.parametrize(
    ("report", "change", "total"),
    [
        ("allegro-api#13878", {"quantity": 3, "deposit": {"price": money("0.50")}}, "86.49"),
        (
            "allegro-api#2126",
            {
                "selectedAdditionalServices": [
                    {"definitionId": "GIFT_WRAP", "name": "Z", "price": money("6.00"), "quantity": 2}
                ]
            },
            "71.99",
        ),
    ],
)
def test_sums_that_are_right(report: str, change: Json, total: str) -> None:
    form = copy.deepcopy(FORM)
    form["lineItems"][0] |= change
    form["summary"]["totalToPay"] = money(total)
    assert objection(read(form)) is None, report
