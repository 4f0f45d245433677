"""Orders for tests: `order()` is a plain confirmed one; give what should be different."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from olhubd.model import Address, Buyer, Line, Money, Order, Payment, PaymentType, Shipping, Stage

__all__ = ["EPOCH", "line", "order", "paid", "pln"]

EPOCH = datetime(2026, 1, 1, 12, tzinfo=UTC)


def pln(amount: str | int) -> Money:
    return Money(Decimal(amount), "PLN")


def line(external_id: str, price: str = "10.00", quantity: int = 1, **more: Any) -> Line:
    return Line(external_id=external_id, name=f"Thing {external_id}", quantity=quantity, price=pln(price), **more)


def paid(amount: str) -> Payment:
    return Payment(type=PaymentType.ONLINE, external_type="ONLINE", paid=pln(amount), finished_at=EPOCH)


def order(external_id: str = "A", lines: tuple[Line, ...] | None = None, **more: Any) -> Order:
    """A confirmed order of one line with 5.00 shipping, unpaid unless `payment` is given."""
    lines = lines or (line(f"{external_id}-1"),)
    shipping = more.pop(
        "shipping",
        Shipping(
            method="Courier",
            cost=pln("5.00"),
            address=Address(
                first_name="Jan", last_name="Nowak", street="Prosta 1", postcode="00-001", city="Warszawa"
            ),
        ),
    )
    stage = more.pop("stage", Stage.CONFIRMED)
    words = {Stage.CONFIRMED: "READY_FOR_PROCESSING", Stage.PLACED: "BOUGHT", Stage.CANCELLED: "CANCELLED"}
    bare = Order(
        external_id=external_id,
        placed_at=more.pop("placed_at", EPOCH),
        stage=stage,
        external_stage=more.pop("external_stage", words.get(stage, "ODD")),
        lines=lines,
        total=more.get("total", pln(0)),
        buyer=more.pop(
            "buyer", Buyer(login="jan", email="jan+x1@allegromail.pl", first_name="Jan", last_name="Nowak")
        ),
        shipping=shipping,
        **{key: value for key, value in more.items() if key != "total"},
    )
    if "total" in more:
        return bare
    import msgspec

    return msgspec.structs.replace(bare, total=bare.expected_total())
