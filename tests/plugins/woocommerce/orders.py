"""Orders of a marketplace to push into a shop, and a simulated shop to push them into."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from olhubd.model import (
    Address,
    Buyer,
    Line,
    Money,
    Order,
    Payment,
    PaymentType,
    Shipping,
    Stage,
    Tax,
    reference,
)
from olhubd.plugin import Cursor, Push, Record
from olhubd_kit.simulator import serve
from olhubd_kit.simulators.woocommerce import WooCommerceSimulator
from olhubd_kit.test_host import account
from olhubd_woocommerce.connector import WooCommerce

__all__ = ["PLACED", "drain", "line", "open_shop", "order", "pln", "push_of"]

PLACED = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)


def pln(amount: str) -> Money:
    return Money(Decimal(amount), "PLN")


def line(number: str, price: str, quantity: int = 1, **more: Any) -> Line:
    return Line(
        external_id=number, name=more.pop("name", f"Rzecz {number}"), quantity=quantity, price=pln(price), **more
    )


def order(external_id: str = "A1", **more: Any) -> Order:
    """A paid order of a mug and a blanket, with delivery; the total follows from the parts."""
    home = Address(
        first_name="Jan",
        last_name="Kowalski",
        street="Polna 1/2",
        postcode="00-001",
        city="Warszawa",
        country="PL",
        phone="600700800",
    )
    lines = more.pop("lines", None) or (
        line(f"{external_id}-1", "24.90", 2, sku="KUB-BIA", tax=Tax(rate=Decimal(23))),
        line(f"{external_id}-2", "333.33", sku="KOC-WEL"),
    )
    cod, paid = more.pop("cod", False), more.pop("paid", True)
    buyer = Buyer(
        external_id="4711",
        login="janek",
        email="8awgqyk6a5+cub31c122@allegromail.pl",
        email_key="8awgqyk6a5",
        email_masked=True,
        first_name="Jan",
        last_name="Kowalski",
    )
    bare = Order(
        external_id=external_id,
        placed_at=PLACED,
        stage=Stage.CONFIRMED,
        external_stage="READY_FOR_PROCESSING",
        lines=lines,
        total=pln("0"),
        buyer=more.pop("buyer", buyer),
        shipping=more.pop("shipping", Shipping(method="InPost Paczkomaty", cost=pln("9.99"), address=home)),
        **more,
    )
    total = bare.expected_total()
    payment = Payment(
        type=PaymentType.CASH_ON_DELIVERY if cod else PaymentType.ONLINE,
        provider=None if cod else "PayU",
        external_id=None if cod or not paid else "pay-1",
        paid=total if paid and not cod else pln("0"),
    )
    return msgspec.structs.replace(bare, total=total, payment=payment)


def push_of(external_id: str = "A1", push: dict[str, Any] | None = None, **more: Any) -> Push:
    """A push of `order(...)`; options of the push itself are given as `push`."""
    decided = {"reference": reference("allegro", external_id), "account": "allegro", "marketplace": "allegro-pl"}
    return Push(order=order(external_id, **more), **{**decided, **(push or {})})


@contextlib.asynccontextmanager
async def open_shop(simulator: WooCommerceSimulator, **settings: Any) -> AsyncIterator[WooCommerce]:
    """A connector at the simulated shop, with `settings` beside its own."""
    async with (
        serve(simulator) as base,
        account(WooCommerce, {**simulator.settings(base), **settings}) as connector,
    ):
        yield connector


async def drain(shop: WooCommerce, cursor: Cursor) -> tuple[Sequence[Record], Cursor]:
    """Pull until there is no more; the records and where the cursor stands."""
    records: list[Record] = []
    while True:
        page = await shop.orders.pull(cursor)
        if page.failure is not None:
            raise page.failure
        records.extend(page.records)
        cursor = page.cursor
        if not page.more:
            return records, cursor
