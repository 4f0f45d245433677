"""From a list price to the price of an offer."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from olhubd.decide.pricing.rule import ListedPart, PriceRule, offer_price, rule_of
from olhubd.model import Money, code_of

PLN = "PLN"


def rule(**over: object) -> PriceRule:
    base = {"master": "shop", "channels": frozenset({"allegro"}), "price_list": "Default"}
    return PriceRule(**{**base, **over})  # type: ignore[arg-type]


def part(
    amount: str | None, *, units: int = 1, gross: bool = True, tax: str | None = None, currency: str = PLN
) -> ListedPart:
    price = Money(Decimal(amount), currency) if amount is not None else None
    return ListedPart(units=units, price=price, gross=gross, tax=Decimal(tax) if tax is not None else None)


@pytest.mark.parametrize(
    ("over", "parts", "expected"),
    [
        ({}, [part("12.30")], "12.30"),
        ({}, [part("12.305")], "12.31"),
        ({"multiply": Decimal("1.05")}, [part("10.00")], "10.50"),
        ({"multiply": Decimal("1.05"), "add": Decimal("2.50")}, [part("10.00")], "13.00"),
        ({"add": Decimal(-1)}, [part("10.00")], "9.00"),
        ({"round_to": Decimal("0.10")}, [part("10.04")], "10.00"),
        ({"round_to": Decimal("0.10")}, [part("10.05")], "10.10"),
        ({"round_to": Decimal(1), "ending": Decimal("0.99")}, [part("10.40")], "9.99"),
        ({"round_to": Decimal(1), "ending": Decimal("0.99")}, [part("10.50")], "10.99"),
        ({"round_to": Decimal(5)}, [part("12.50")], "15.00"),
        ({}, [part("4.00", units=3)], "12.00"),
        ({}, [part("4.00", units=2), part("1.50")], "9.50"),
        ({}, [part("100.00", gross=False, tax="23")], "123.00"),
        ({"tax": Decimal(8)}, [part("100.00", gross=False)], "108.00"),
        ({"tax": Decimal(8)}, [part("100.00", gross=False, tax="23")], "123.00"),
        ({"floor": Decimal("9.99")}, [part("9.99")], "9.99"),
        ({}, [part("0.01")], "0.01"),
    ],
)
def test_the_price_of_an_offer_is_that_of_the_list_by_the_rule(
    over: dict[str, object], parts: list[ListedPart], expected: str
) -> None:
    found = offer_price(rule(**over), parts, PLN)
    assert (found.price, found.why) == (Money(Decimal(expected), PLN), None)


@pytest.mark.parametrize(
    ("over", "parts", "currency", "why"),
    [
        ({}, [], PLN, "pricing.unlinked"),
        ({}, [part(None)], PLN, "pricing.not-listed"),
        ({}, [part("1.00"), part(None)], PLN, "pricing.not-listed"),
        ({}, [part("0.00")], PLN, "pricing.zero"),
        ({}, [part("-1.00")], PLN, "pricing.zero"),
        ({}, [part("NaN")], PLN, "pricing.zero"),
        ({"add": Decimal(5)}, [part("0.00")], PLN, "pricing.zero"),
        ({"multiply": Decimal("0.0001")}, [part("10.00")], PLN, "pricing.zero"),
        ({"add": Decimal(-10)}, [part("10.00")], PLN, "pricing.zero"),
        ({"floor": Decimal("10.00")}, [part("9.99")], PLN, "pricing.floor"),
        ({}, [part("10.00", currency="EUR")], PLN, "pricing.currency"),
        ({}, [part("10.00"), part("1.00", currency="EUR")], PLN, "pricing.two-currencies"),
        ({}, [part("10.00", gross=False)], PLN, "pricing.net"),
        ({}, [part("10.00")], None, "pricing.not-read"),
    ],
)
def test_what_cannot_be_sent_says_why(
    over: dict[str, object], parts: list[ListedPart], currency: str | None, why: str
) -> None:
    found = offer_price(rule(**over), parts, currency)
    assert found.price is None
    assert found.why is not None
    assert code_of(found.why) == why


AMOUNTS = st.decimals("0", "100000", places=4, allow_nan=False, allow_infinity=False)


@given(
    amount=AMOUNTS,
    multiply=st.decimals("0", "10", places=3),
    add=st.decimals("-1000", "1000", places=2),
    round_to=st.none()
    | st.sampled_from([Decimal("0.01"), Decimal("0.05"), Decimal("0.10"), Decimal(1), Decimal(10)]),
    ending=st.sampled_from([Decimal(0), Decimal("0.99"), Decimal("0.50")]),
    floor=st.none() | st.decimals("0.01", "1000", places=2),
    units=st.integers(1, 20),
)
def test_no_rule_gives_a_price_of_nothing_or_one_below_the_floor(
    amount: Decimal,
    multiply: Decimal,
    add: Decimal,
    round_to: Decimal | None,
    ending: Decimal,
    floor: Decimal | None,
    units: int,
) -> None:
    over = {"multiply": multiply, "add": add, "round_to": round_to, "ending": ending, "floor": floor}
    found = offer_price(rule(**over), [part(str(amount), units=units)], PLN)
    assert (found.price is None) == (found.why is not None)
    if found.price is None:
        return
    assert found.price.amount > 0
    assert floor is None or found.price.amount >= floor
    assert found.price == found.price.rounded()
    exact = amount * units * multiply + add
    assert abs(found.price.amount - exact) <= (round_to or Decimal("0.01")) / 2 + Decimal("0.005")


def test_each_master_has_its_own_rule_for_a_channel() -> None:
    rules = [rule(), rule(master="erp", price_list="retail")]
    found = rule_of(rules, "erp", "allegro")
    assert found is not None
    assert found.price_list == "retail"
    assert rule_of(rules, "erp", "other") is None
