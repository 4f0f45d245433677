"""Money is exact, of one currency, and splits without a grosz lost."""

from decimal import Decimal
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from olhubd.model import CurrencyMismatch, Money
from olhubd.model.money import allocate, minor_unit, total

cents = st.integers(-10_000_000, 10_000_000)


def pln(amount: str) -> Money:
    return Money(Decimal(amount), "PLN")


def test_currencies_do_not_mix() -> None:
    """Invariant 6: an amount is never taken for one of another currency."""
    with pytest.raises(CurrencyMismatch):
        pln("1") + Money(Decimal(1), "EUR")


def test_digits_follow_the_currency() -> None:
    assert minor_unit("JPY") == 1
    assert minor_unit("PLN") == Decimal("0.01")
    assert Money(Decimal("0.125"), "PLN").rounded().amount == Decimal("0.13")
    assert Money.of_minor(1230, "PLN") == pln("12.30")
    assert pln("12.30").minor() == 1230


def test_json_keeps_all_digits() -> None:
    money = pln("0.1000000000000000055")
    assert msgspec.json.decode(msgspec.json.encode(money), type=Money) == money


def test_nan_is_seen() -> None:
    assert not Money(Decimal("NaN"), "PLN").exact


@given(cents, st.lists(st.integers(0, 100_000), min_size=1, max_size=30))
def test_allocation_loses_nothing(units: int, weights: list[int]) -> None:
    """The parts sum to the whole, each in whole minor units and within one unit of its share."""
    amount = Money.of_minor(units, "PLN")
    parts = allocate(amount, [Decimal(w) for w in weights])
    assert total(parts, "PLN") == amount
    assert all(part == part.rounded() for part in parts)
    whole = sum(weights)
    for part, weight in zip(parts, weights, strict=True):
        share = amount.amount * (Decimal(weight) / whole if whole else Decimal(1) / len(weights))
        assert abs(part.amount - share) < Decimal("0.01")


@pytest.mark.parametrize("digits", [15, 17, 20])
def test_what_is_split_is_split_exactly_however_great(digits: int) -> None:
    """A binary fraction cannot tell the grosz of great sums: each part is the one that exact arithmetic gives."""
    amount = Money(Decimal(10) ** digits + Decimal("0.01"), "PLN")
    parts = allocate(amount, [Decimal(1), Decimal(3), Decimal(7)])
    for part, weight in zip(parts, (1, 3, 7), strict=True):
        exact = Fraction(amount.amount) * weight / 11
        assert abs(Fraction(part.amount) - exact) < Fraction(1, 100)
    assert total(parts, "PLN") == amount
