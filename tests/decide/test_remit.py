"""What a marketplace collects and remits itself is told, and never reaches a seller's books."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from olhubd.decide import validate
from olhubd.decide.remit import sellers_side
from olhubd.model import Charge, Line, Money, Order, Payment, PaymentType, Remitter, Tax
from tests.orders import line, order, paid, pln

MARKETPLACE = Remitter.MARKETPLACE


def sales_tax(amount: str, **more: Any) -> Charge:
    return Charge(kind="sales-tax", price=pln(amount), remitter=MARKETPLACE, **more)


def imported(rate: str | None = None, amount: str | None = None) -> Tax:
    return Tax(rate=Decimal(rate) if rate else None, amount=pln(amount) if amount else None, remitter=MARKETPLACE)


def test_where_the_seller_remits_everything_nothing_changes() -> None:
    lines = (line("1", tax=Tax(rate=Decimal(23))),)
    whole = order(charges=(Charge(kind="deposit", price=pln("2.00")),), lines=lines)
    assert sellers_side(whole) is whole
    assert whole.remitted == pln(0)
    assert whole.sellers_total == whole.total


def test_a_tax_on_top_is_no_charge_of_the_sellers() -> None:
    """Sales tax in the United States; eBay's collect and remit: a charge of the line or of the order."""
    gift = Charge(kind="gift", price=pln("3.00"))
    lines = (line("1", "10.00", 2, charges=(sales_tax("0.80", quantity=2), gift)),)
    whole = order(lines=lines, charges=(sales_tax("0.40"),), payment=paid("30.00"))
    assert whole.total == pln("30.00")
    assert whole.fully_paid
    own = sellers_side(whole)
    assert own.total == own.expected_total() == pln("28.00")
    assert [charge.kind for charge in (*own.charges, *own.lines[0].charges)] == ["gift"]
    assert own.paid == pln("28.00")
    assert own.fully_paid


def test_a_tax_within_the_price_leaves_a_line_without_tax_at_its_net_price() -> None:
    """Import one-stop shop: the marketplace is the seller for tax, and the seller's supply bears none."""
    own = sellers_side(order(lines=(line("1", "12.30", 2, tax=imported("23"), original_price=pln("15.00")),)))
    assert own.lines[0].price == pln("10.00")
    assert own.lines[0].tax == Tax(rate=Decimal(0))
    assert own.lines[0].original_price is None, "it was a price with tax"
    assert own.total == own.expected_total() == pln("25.00")


def test_a_piece_costs_whole_minor_units_and_no_cent_is_lost() -> None:
    own = sellers_side(order(lines=(line("1", "3.33", 3, tax=imported(amount="1.87")),)))
    assert own.lines[0].price == pln("2.70")
    assert [(charge.kind, charge.price) for charge in own.lines[0].charges] == [("rounding", pln("0.02"))]
    assert own.lines[0].sum == pln("8.12")


def test_a_tax_on_top_of_net_prices_goes_with_its_order() -> None:
    lines = (line("1", tax=Tax(rate=Decimal(8), remitter=MARKETPLACE)),)
    whole = order(lines=lines, prices_include_tax=False, tax=pln("0.80"), tax_remitter=MARKETPLACE)
    assert whole.remitted == pln("0.80")
    own = sellers_side(whole)
    assert (own.tax, own.lines[0].price, own.lines[0].tax) == (None, pln("10.00"), Tax(rate=Decimal(0)))
    assert own.total == own.expected_total() == pln("15.00")


def test_what_was_paid_in_part_is_never_less_than_nothing() -> None:
    whole = order(charges=(sales_tax("4.00"),), payment=paid("1.00"))
    own = sellers_side(whole)
    assert own.paid == pln(0)
    assert not own.fully_paid


def test_what_the_marketplace_remits_is_taken_off_once_however_often_was_paid() -> None:
    """The first payments give it up; a later one reaches the seller whole."""
    whole = order(charges=(sales_tax("4.00"),), payment=paid("3.00"), surcharges=(paid("10.00"), paid("6.00")))
    own = sellers_side(whole)
    assert own.payment is not None
    assert [one.paid for one in (own.payment, *own.surcharges)] == [pln(0), pln("9.00"), pln("6.00")]
    assert own.paid == own.total == pln("15.00")
    assert own.fully_paid


def test_a_payment_without_amount_stays_without() -> None:
    whole = order(charges=(sales_tax("4.00"),), payment=Payment(type=PaymentType.CASH_ON_DELIVERY))
    own = sellers_side(whole)
    assert own.payment == whole.payment


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"lines": (line("7", tax=imported()),)}, "the tax of line 7, but does not tell how much"),
        ({"lines": (line("7", tax=imported(amount="99.00")),)}, "remits 99.00 PLN, of a total of 15.00 PLN"),
        ({"charges": (sales_tax("-2.00"),)}, "remits -2.00 PLN"),
        (
            {"lines": (line("7", tax=Tax(amount=Money(Decimal(1), "EUR"), remitter=MARKETPLACE)),)},
            "different currencies",
        ),
    ],
)
def test_what_makes_no_sense_is_kept_aside(change: dict[str, Any], words: str) -> None:
    objection = validate.objection(order(**change))
    assert objection is not None
    assert words in objection


@st.composite
def sold(draw: st.DrawFn) -> Order:
    amounts = st.decimals(0, 500, places=2)
    remitters = st.sampled_from(Remitter)
    within = draw(st.booleans())

    def charge() -> Charge:
        return Charge(kind="x", price=pln(str(draw(amounts))), remitter=draw(remitters))

    def one(number: int) -> Line:
        tax = Tax(rate=draw(st.sampled_from([Decimal(rate) for rate in (0, 5, 8, 23)])), remitter=draw(remitters))
        charges = tuple(charge() for _ in range(draw(st.integers(0, 2))))
        return line(str(number), str(draw(amounts)), draw(st.integers(1, 7)), tax=tax, charges=charges)

    return order(
        lines=tuple(one(number) for number in range(draw(st.integers(1, 4)))),
        charges=tuple(charge() for _ in range(draw(st.integers(0, 2)))),
        prices_include_tax=within,
        tax=None if within else pln(str(draw(amounts))),
        tax_remitter=draw(remitters),
        payment=paid(str(draw(amounts))),
    )


@given(sold())
def test_the_sellers_side_adds_up_and_has_nothing_left_to_take_off(whole: Order) -> None:
    assert validate.objection(whole) is None
    own = sellers_side(whole)
    assert own.total.rounded() == own.expected_total().rounded() == whole.sellers_total.rounded()
    assert validate.objection(own) is None
    assert sellers_side(own) is own
    assert all(one.price == one.price.rounded() for one in own.lines)
    assert own.fully_paid is whole.fully_paid


def test_orders_that_were_stored_before_are_read_as_the_sellers() -> None:
    document = msgspec.json.encode(order(lines=(line("1", tax=Tax(rate=Decimal(23))),)))
    assert b"remitter" not in document
    assert msgspec.json.decode(document, type=Order).tax_remitter is Remitter.SELLER
