"""Orders that were bought for less than the seller would ever ask."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from olhubd.decide.pricing.floor import below_floor
from olhubd.model import Money, Tax
from tests.orders import line, order, pln


def why(floor: Money, fields: dict[str, Any], **more: object) -> str | None:
    found = below_floor(order("o1", (line("1", price="10.00", **fields),), **more), {"1": floor})
    return str(found) if found is not None else None


@pytest.mark.parametrize(
    ("floor", "fields", "more", "held"),
    [
        (pln("10.01"), {}, {}, True),
        (pln("10.00"), {}, {}, False),
        # What the marketplace pays back of two pieces is one zloty a piece.
        (pln("11.00"), {"quantity": 2, "reimbursed": pln("2.00")}, {}, False),
        (pln("11.01"), {"quantity": 2, "reimbursed": pln("2.00")}, {}, True),
        # A floor is with tax.
        (pln("12.30"), {"tax": Tax(rate=Decimal(23))}, {"prices_include_tax": False}, False),
        (pln("12.31"), {"tax": Tax(rate=Decimal(23))}, {"prices_include_tax": False}, True),
        (pln("12.30"), {"tax": Tax(rate=Decimal(23))}, {}, True),
        # Nobody knows what so many euros are in zlotys.
        (Money(Decimal("99.00"), "EUR"), {}, {}, False),
    ],
)
def test_a_line_below_its_floor_holds_the_order(
    floor: Money, fields: dict[str, Any], more: dict[str, Any], held: bool
) -> None:
    assert (why(floor, fields, **more) is not None) is held


def test_the_first_is_named_and_the_others_are_counted() -> None:
    cheap = order("o1", tuple(line(str(n), price="0.01", sku=f"S-{n}") for n in range(3)))
    found = below_floor(cheap, dict.fromkeys("012", pln("50.00")))
    assert str(found) == (
        "S-0 was bought for 0.01 PLN, which is less than the lowest price 50.00 PLN of the rule (and 2 more)"
    )
    assert below_floor(cheap, {}) is None, "no floor"
