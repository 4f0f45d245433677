"""Who bought: the key of a customer, where they are for VAT, and what they are found by."""

from __future__ import annotations

import pytest

from olhubd.decide.customers import customer_of, key_of, kind_of, merged, terms, territory, words
from olhubd.model import Address, Buyer, Customer, CustomerKind, InvoiceParty, TaxId
from tests.orders import order

DOMESTIC, INTRA, EXTRA = CustomerKind


@pytest.mark.parametrize(
    ("country", "postcode", "kind"),
    [
        ("PL", "00-001", DOMESTIC),
        ("pl", None, DOMESTIC),
        ("DE", "10115", INTRA),
        ("EL", "10431", INTRA),
        ("GB", "SW1A 1AA", EXTRA),
        ("UK", "EC1A 1BB", EXTRA),
        ("GB", "BT1 5GS", INTRA),
        ("XI", None, INTRA),
        ("CH", "8001", EXTRA),
        ("LI", "9490", EXTRA),
        ("NO", "0150", EXTRA),
        ("MC", "98000", INTRA),
        ("FR", "98000", INTRA),
        ("FR", "75001", INTRA),
        ("FR", "97400", EXTRA),
        ("RE", "97400", EXTRA),
        ("ES", "28001", INTRA),
        ("ES", "35001", EXTRA),
        ("ES", "38001", EXTRA),
        ("IC", None, EXTRA),
        ("ES", "51001", EXTRA),
        ("FI", "22100", EXTRA),
        ("AX", "22100", EXTRA),
        ("DE", "27498", EXTRA),
        ("DE", "D-78266", EXTRA),
        ("IT", "23041", EXTRA),
        ("GR", "63086", EXTRA),
        ("SM", "47890", EXTRA),
        ("UA", "01001", EXTRA),
        (None, "00-001", None),
    ],
)
def test_where_a_customer_is_seen_from_poland(
    country: str | None, postcode: str | None, kind: CustomerKind | None
) -> None:
    """CUS-13: by the VAT territory, which is not always that of the country."""
    assert kind_of(territory(Address(country=country, postcode=postcode)), "PL") is kind


def test_the_seller_need_not_be_in_poland() -> None:
    """Monaco is domestic for France; for a seller outside of the Union nobody is within it."""
    assert kind_of("MC", "FR") is DOMESTIC
    assert kind_of("PL", "FR") is INTRA
    assert kind_of("XI", "GB") is DOMESTIC
    assert kind_of("DE", "CH") is EXTRA
    assert kind_of("CH", "CH") is DOMESTIC


def test_the_invoice_says_where_a_customer_is_before_the_parcel_does() -> None:
    """Part of CUS-13."""
    german, polish = Address(country="DE", postcode="10115"), Address(country="PL", postcode="00-001")
    bought = order("A", buyer=Buyer(external_id="7", address=polish), invoice=InvoiceParty(address=german))
    assert customer_of("market", bought).territory == "DE"
    assert customer_of("market", order("A", buyer=Buyer(external_id="7", address=polish))).territory == "PL"


def test_a_customer_is_who_the_system_says_and_never_an_e_mail() -> None:
    """CUS-03: two purchases with two masks are of one buyer; two guests with one address are two."""
    first = Buyer(external_id="7", login="jan", email="a+1@allegromail.pl", email_masked=True)
    second = Buyer(external_id="7", login="jan2", email="a+2@allegromail.pl", email_masked=True)
    assert key_of(order("A", buyer=first)) == key_of(order("B", buyer=second)) == "id:7"
    assert key_of(order("A", buyer=Buyer(login="jan", email="x@y.pl"))) == "login:jan"
    guest = Buyer(email="x@y.pl", guest=True)
    assert key_of(order("A", buyer=guest)) != key_of(order("B", buyer=guest))


def test_a_newer_order_says_how_they_are_called_and_keeps_what_it_is_silent_about() -> None:
    """CUS-02: also the mask goes with its e-mail."""
    tax = TaxId(kind="PL_NIP", value="525-24-45-767")
    held = Customer(key="id:7", account="m", first_name="Jan", last_name="Nowak", phone="1", tax_ids=(tax,))
    newer = Customer(key="id:7", account="m", first_name="Anna", email="a+2@x.pl", email_masked=True)
    one = merged(held, newer)
    assert (one.first_name, one.last_name, one.phone, one.tax_ids) == ("Anna", None, "1", (tax,))
    assert (one.email, one.email_masked) == ("a+2@x.pl", True)


def test_the_names_of_who_receives_stand_in_for_those_of_a_buyer_without_any() -> None:
    """CUS-02."""
    bought = order("A", buyer=Buyer(external_id="7", email="x@y.pl"))
    one = customer_of("market", bought)
    assert (one.first_name, one.last_name, one.email) == ("Jan", "Nowak", "x@y.pl")
    assert one.delivery_address == bought.recipient


@pytest.mark.parametrize(
    "text",
    [
        "jan now", "NOWAK  jan", "Nowak", "acme", "jan@example", "500 600 700", "+48 500-600", "0048500600700",
        "525-24-45", "PL 525 244", "PL5252445767", "login7",
    ],
)  # fmt: skip
def test_a_customer_is_found_however_it_is_spelled(text: str) -> None:
    one = Customer(
        key="id:7", account="m", login="Login7", first_name="Jan", last_name="Nowak", company="ACME sp. z o.o.",
        email="Jan@Example.com", phone="+48 500 600 700",
        tax_ids=(TaxId(kind="PL_NIP", value="PL 525-24-45-767"),),
    )  # fmt: skip
    assert any(term.startswith(word) for term in terms(one) for word in words(text))


def test_a_search_for_nothing_finds_nobody() -> None:
    assert words("  ") == ()
    assert "" not in terms(Customer(key="order:1", account="m"))
