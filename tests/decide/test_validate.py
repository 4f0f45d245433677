"""What makes no sense is objected to, each with its own reason; what is odd and possible is not."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from olhubd.decide.validate import objection
from olhubd.model import Charge, Line, Money, Order, Remitter, Tax
from tests.orders import EPOCH, line, order, paid, pln

MOST = 10**9


def told(amount: str, currency: str = "PLN") -> Money:
    return Money(Decimal(amount), currency)


def changed(**fields: Any) -> Order:
    """An order of 15.00 that makes sense but for these fields."""
    return msgspec.structs.replace(order("A"), **fields)


def lines(*some: Line) -> Order:
    return order("A", some)


def remitting(amount: str | None, total: str = "15.00") -> Order:
    """The marketplace remits a tax within the price of the line."""
    tax = Tax(rate=None, amount=None if amount is None else pln(amount), remitter=Remitter.MARKETPLACE)
    return msgspec.structs.replace(lines(line("1", tax=tax)), prices_include_tax=True, total=pln(total))


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (changed(external_id=""), "it has no number of its own at the source"),
        (changed(lines=(), charges=()), "it has no lines"),
        (changed(placed_at=EPOCH.replace(tzinfo=None)), "the time it was placed has no time zone"),
        (
            changed(placed_at=datetime(1989, 12, 31, 23, 59, 59, tzinfo=UTC)),
            "it was placed in the year 1989, as its source says",
        ),
        (changed(placed_at=datetime(2200, 1, 1, tzinfo=UTC)), "it was placed in the year 2200, as its source says"),
        (changed(total=told("15.00", "zł")), "'zł' is not a currency"),
        (lines(line("1"), line("1")), "two of its lines have the same number '1'"),
        (lines(line("1", quantity=0)), "line 1 has quantity 0"),
        (lines(line("1"), line("2", quantity=MOST + 1, price="0.00")), "line 2 has quantity 1000000001"),
        (
            changed(lines=(line("1", price="9E999999", quantity=2),)),
            "its amounts are too great or too fine to be reckoned with",
        ),
        (lines(line("1", price="-0.01")), "line 1 has price -0.01"),
        (lines(line("1", price="NaN")), "line 1 has price NaN"),
        (changed(total=told("NaN")), "its total is NaN"),
        (changed(total=told("1000000000000000.01")), "its total is 1000000000000000.01"),
        (changed(total=told("-1000000000000000.01")), "its total is -1000000000000000.01"),
        (
            changed(payment=msgspec.structs.replace(paid("15.00"), paid=told("15.00", "EUR"))),
            "it was paid in EUR, but its total is in PLN",
        ),
        (
            changed(payment=msgspec.structs.replace(paid("15.00"), paid=told("Infinity"))),
            "a payment of it is Infinity",
        ),
        (
            changed(surcharges=(msgspec.structs.replace(paid("1.00"), paid=told("1", "EUR")),)),
            "it was paid in EUR, but its total is in PLN",
        ),
        (
            changed(charges=(Charge(kind="deposit", price=told("2.00", "EUR")),)),
            "its amounts are of different currencies: PLN and EUR cannot be added",
        ),
        (changed(charges=(Charge(kind="deposit", price=told("NaN")),)), "one of its amounts is not a number"),
        (changed(total=told("15.01")), "its parts sum up to 15.00 PLN, but its total is 15.01 PLN"),
        (changed(total=told("14.99")), "its parts sum up to 15.00 PLN, but its total is 14.99 PLN"),
    ],
)
def test_what_makes_no_sense_is_objected_to(bad: Order, words: str) -> None:
    """A person reads what is wrong, of which line, and with which numbers."""
    assert str(objection(bad)) == words


@pytest.mark.parametrize(
    "odd",
    [
        order("A"),
        changed(lines=(), charges=(Charge(kind="deposit", price=pln("10.00")),)),
        order("A", placed_at=datetime(1990, 1, 1, tzinfo=UTC)),
        order("A", placed_at=datetime(2199, 12, 31, 23, 59, 59, tzinfo=UTC)),
        lines(line("1"), line("2", quantity=MOST, price="0.00")),
        lines(line("1", price="0.00")),
        changed(total=told("15.004")),
        changed(payment=msgspec.structs.replace(paid("15.00"), paid=None)),
        changed(payment=paid("15.00"), surcharges=(paid("1.00"),)),
        lines(line("1", price="499999999999997.50", quantity=2), line("2", price="-0.00")),
        msgspec.structs.replace(remitting(None), prices_include_tax=False),
        msgspec.structs.replace(lines(line("1"), line("2", tax=Tax(rate=Decimal(23)))), prices_include_tax=True),
        remitting("1.00"),
        remitting("0.00"),
        remitting("15.00"),
    ],
)
def test_what_is_odd_and_possible_is_stored(odd: Order) -> None:
    assert objection(odd) is None


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (remitting(None), "does not tell how much"),
        (remitting("15.01"), "remits 15.01 PLN, of a total of 15.00 PLN"),
        (remitting("-0.01"), "remits -0.01 PLN"),
        (remitting("NaN"), "remits NaN PLN"),
    ],
)
def test_what_a_marketplace_remits_is_told_and_is_part_of_the_total(bad: Order, words: str) -> None:
    """Else the seller's books would go below zero, or the tax would be paid twice."""
    assert words in str(objection(bad))
