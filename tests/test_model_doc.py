"""The page of the records is what the records say of themselves, and the examples of its guidance hold."""

from __future__ import annotations

from decimal import Decimal

from olhubd.decide import validate
from olhubd.decide.remit import sellers_side
from olhubd.model import Charge, Discount, Remitter, Tax
from tests import model_doc
from tests.orders import line, order, pln


def test_the_page_is_what_the_records_say() -> None:
    page = model_doc.PAGE.read_text(encoding="utf-8")
    assert page == model_doc.written(page), "run: make docs"


def test_each_field_says_what_it_is() -> None:
    assert model_doc.silent() == []


def test_each_record_of_these_modules_is_on_the_page() -> None:
    for module, names in model_doc.PARTS.values():
        assert model_doc.described(module) - {"CurrencyMismatch"} == set(names)


def test_amounts_in_their_places_add_up() -> None:
    """As the table of signs puts them; a sign turned around is an order that is put aside."""
    whole = order(
        lines=(
            line("1", "20.00", 2, original_price=pln("25.00"), discounts=(Discount(kind="x", amount=pln("10")),)),
        ),
        discounts=(Discount(kind="coupon", amount=pln("3.00")),),
        charges=(
            Charge(kind="deposit", price=pln("0.50")),
            Charge(kind="rounding", price=pln("-0.01")),
            Charge(kind="sales-tax", price=pln("2.00"), remitter=Remitter.MARKETPLACE),
        ),
        total=pln("44.49"),
    )
    assert validate.objection(whole) is None
    assert sellers_side(whole).total == pln("42.49")
    net = order(lines=(line("1", tax=Tax(rate=Decimal(23))),), prices_include_tax=False, tax=pln("2.30"))
    assert net.total == pln("17.30")
