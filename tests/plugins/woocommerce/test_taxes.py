"""Which of a shop's tax rates apply to a place: those that the shop itself will take."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from olhubd_woocommerce import wire
from olhubd_woocommerce.pricing import PricingRules
from olhubd_woocommerce.taxes import TaxAddress, TaxRules

BASE = TaxAddress("PL", "MZ", "00-001", "Warszawa")
HERE = TaxAddress("US", "CA", "90210", "Beverly Hills")


def row(number: int, **fields: Any) -> wire.RateRow:
    return wire.RateRow(id=number, **{"rate": "5", "country": "US", **fields})


def book(*rates: wire.RateRow, taxed: bool = True, local: bool = True, based_on: str = "shipping") -> TaxRules:
    rules = PricingRules(taxed=taxed)
    return TaxRules(rules=rules, currency="USD", base=BASE, based_on=based_on, rates=rates, local=local, memory={})


def ids(rules: TaxRules, place: TaxAddress = HERE, tax_class: str = "", shipping: bool = False) -> list[int]:
    return [rate.id for rate in rules.rates_at(place, tax_class, shipping)]


@pytest.mark.parametrize(
    ("fields", "applies"),
    [
        ({}, True),
        ({"country": ""}, True),
        ({"country": "us"}, True),
        ({"country": "PL"}, False),
        ({"state": "ca"}, True),
        ({"state": "NY"}, False),
        ({"city": "beverly hills"}, True),
        ({"city": "Los Angeles"}, False),
        ({"cities": ["LOS ANGELES", "BEVERLY HILLS"]}, True),
        ({"cities": ["LOS ANGELES"], "city": "Beverly Hills"}, False),
        ({"postcode": "90210"}, True),
        ({"postcode": "90211"}, False),
        ({"postcodes": ["10001", "902*"]}, True),
        ({"postcodes": ["10001", "903*"]}, False),
        ({"postcodes": ["90210...90299"]}, True),
        ({"postcodes": ["90000 ... 90210"]}, True),
        ({"postcodes": ["90211...90299"]}, False),
        ({"postcodes": ["90000...90209"]}, False),
        ({"postcodes": ["9...99999"]}, True),
        ({"postcodes": ["A...B"]}, False),
        ({"tax_class": "reduced-rate"}, False),
        ({"state": "CA", "city": "Los Angeles"}, False),
        ({"city": "Beverly Hills", "postcode": "1"}, False),
    ],
)
def test_a_rate_applies_where_all_that_it_names_fits(fields: dict[str, Any], applies: bool) -> None:
    assert ids(book(row(1, **fields))) == ([1] if applies else [])


@pytest.mark.parametrize(
    ("pattern", "postcode", "fits"),
    [
        ("00-950", "00950", True),
        ("00950", "00-950", True),
        ("00-9*", "00-950", True),
        ("00-900...00-999", "00-950", True),
        ("00-900...00-949", "00-950", False),
        ("SW1A...SW1B", "SW1A 1AA", True),
        ("SW1B...SW1C", "SW1A 1AA", False),
        ("sw1a*", "SW1A 1AA", True),
    ],
)
def test_a_postcode_is_the_same_with_and_without_its_dash(pattern: str, postcode: str, fits: bool) -> None:
    place = TaxAddress("PL", "", postcode, "")
    assert ids(book(row(1, country="PL", postcode=pattern)), place) == ([1] if fits else [])


@pytest.mark.parametrize(
    ("particular", "general"),
    [
        ({}, {"country": ""}),
        ({"state": "CA"}, {}),
        ({"postcode": "90210"}, {}),
        ({"city": "Beverly Hills"}, {}),
        ({"state": "CA"}, {"postcode": "90210"}),
        ({"postcode": "90210"}, {"city": "Beverly Hills"}),
        ({"country": "US"}, {"country": "", "state": "CA"}),
        ({"order": 1}, {"order": 2}),
    ],
)
def test_of_a_priority_the_most_particular_rate_is_taken(
    particular: dict[str, Any], general: dict[str, Any]
) -> None:
    """Whatever the order in which the shop lists them."""
    assert ids(book(row(9, **particular), row(2, **general))) == [9]
    assert ids(book(row(2, **general), row(9, **particular))) == [9]


def test_each_priority_gives_one_rate_and_the_first_comes_first() -> None:
    rules = book(
        row(1, priority=2, rate="2", compound=True), row(2, rate="7.25"), row(3, rate="1", priority=2, order=5)
    )
    found = rules.rates_at(HERE, "")
    assert [(rate.id, rate.percent, rate.compound) for rate in found] == [
        (2, Decimal("7.25"), False),
        (1, Decimal(2), True),
    ]


def test_a_rate_that_is_not_for_shipping_hides_the_less_particular_one_and_is_left_out() -> None:
    """As the shop does: it looks for the rate of the priority first."""
    rules = book(row(1, state="CA", shipping=False), row(2))
    assert (ids(rules), ids(rules, shipping=True)) == ([1], [])


def test_the_standard_class_has_no_name() -> None:
    rules = book(row(1, tax_class="standard"), row(2, tax_class=""), row(3, tax_class="reduced-rate"))
    assert (ids(rules), ids(rules, tax_class="reduced-rate")) == ([1], [3])


def test_where_nothing_is_taxed_no_rate_applies() -> None:
    assert ids(book(row(1), taxed=False)) == []


def test_rates_of_whole_countries_ask_for_nothing_but_the_country() -> None:
    rules = book(row(1), row(2, country="PL"), local=False)
    assert (ids(rules), ids(rules, BASE)) == ([1], [2])


@pytest.mark.parametrize(
    ("based_on", "shipping", "method", "place"),
    [
        ("shipping", HERE, "flat_rate", HERE),
        ("shipping", TaxAddress(""), "flat_rate", TaxAddress("DE")),
        ("billing", HERE, "flat_rate", TaxAddress("DE")),
        ("base", HERE, "flat_rate", BASE),
        ("shipping", HERE, "local_pickup", BASE),
        ("billing", HERE, "legacy_local_pickup", BASE),
    ],
)
def test_the_place_is_the_one_by_which_the_shop_taxes(
    based_on: str, shipping: TaxAddress, method: str, place: TaxAddress
) -> None:
    assert book(based_on=based_on).place(shipping, TaxAddress("DE"), method) == place


def test_without_any_country_the_shops_own_place_counts() -> None:
    assert book().place(TaxAddress(""), TaxAddress(""), "flat_rate") == BASE
