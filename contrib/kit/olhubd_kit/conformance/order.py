"""What an order record must be like, from any connector: exact money, real times, words kept as they were."""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from olhubd.model import Fulfilment, Money, Order, PaymentType, Stage
from olhubd.model.check import currency
from olhubd_kit.conformance.bench import Bench
from olhubd_kit.conformance.rule import NotApplicable, Tier, check, rule, skip

_FEED = "OrderFeed"
STRANGE = "QUARANTINED_BY_MOON"
"""A status word that no system has today and some system may have tomorrow."""


def parts(value: Any, path: str = "order") -> Iterator[tuple[str, Any]]:
    """Every value inside a record with the path to it; a Money is a value, not a record."""
    if isinstance(value, msgspec.Struct) and not isinstance(value, Money):
        for name in value.__struct_fields__:
            yield from parts(getattr(value, name), f"{path}.{name}")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from parts(item, f"{path}[{key}]")
    elif isinstance(value, tuple | list):
        for number, item in enumerate(value):
            yield from parts(item, f"{path}[{number}]")
    elif value is not None:
        yield path, value


async def _varied(bench: Bench) -> dict[str, Order]:
    """Orders of several kinds, as far as the simulator sells them, from a walk."""
    await bench.buy(4)
    for options in ({"paid": False}, {"cod": True}):
        with contextlib.suppress(NotApplicable):
            await bench.buy(1, **options)
    orders = (await bench.walk()).orders
    check(orders, "the feed brought no orders")
    return orders


@rule("ORDER-01", Tier.BRONZE, _FEED)
async def money_is_exact_and_has_a_currency(bench: Bench) -> None:
    """Each amount is a finite Decimal with a currency of ISO 4217; no record holds a float."""
    for order in (await _varied(bench)).values():
        for path, value in parts(order):
            check(not isinstance(value, float), f"{path} is a float")
            if isinstance(value, Money):
                check(isinstance(value.amount, Decimal), f"{path} is a {type(value.amount).__name__}")
                check(value.exact, f"{path} is not a number")
                check(currency(value.currency), f"{path} has no known currency")


@rule("ORDER-02", Tier.BRONZE, _FEED)
async def the_parts_sum_up_to_the_total(bench: Bench) -> None:
    """Lines, delivery, charges and discounts sum exactly to the total, and that is what the other side booked."""
    books = bench.books
    for key, order in (await _varied(bench)).items():
        check(
            order.expected_total() == order.total, f"the parts sum to {order.expected_total()}, not {order.total}"
        )
        booked = books()[key].total
        check(order.total == booked, f"the total is {order.total.amount}, the books say {booked.amount}")


@rule("ORDER-03", Tier.BRONZE, _FEED)
async def times_are_utc(bench: Bench) -> None:
    """Each time is aware and UTC, and the order was placed when the other side says it was."""
    for key, order in (await _varied(bench)).items():
        for path, value in parts(order):
            if isinstance(value, datetime):
                check(value.tzinfo is not None, f"{path} has no time zone")
                check(value.utcoffset() == timedelta(0), f"{path} is not UTC")
        placed = bench.books()[key].placed_at
        if placed is not None:
            gap = abs(order.placed_at - placed)
            check(gap < timedelta(seconds=1), f"placed_at differs from the books by {gap}")


@rule("ORDER-04", Tier.BRONZE, _FEED)
async def records_survive_storing(bench: Bench) -> None:
    """An order that is encoded and decoded again is the same: all its values are of their declared types."""
    for order in (await _varied(bench)).values():
        for codec in (msgspec.json, msgspec.msgpack):
            again = codec.decode(codec.encode(order), type=Order)
            check(again == order, "encoded and decoded again it differs")
        for path, value in parts(order):
            if path.endswith((".stage", ".fulfilment", ".type")):
                check(isinstance(value, enum.Enum), f"{path} is no member of its enum")


@rule("ORDER-05", Tier.BRONZE, _FEED)
async def ids_are_unique(bench: Bench) -> None:
    """Each line has an id, and no line of one order has the id of a line of another."""
    seen: dict[str, str] = {}
    for key, order in (await _varied(bench)).items():
        check(order.lines, f"order {key} has no lines")
        for line in order.lines:
            check(line.external_id, f"a line of order {key} has no id")
            check(
                line.external_id not in seen,
                f"line {line.external_id} is in {key} and {seen.get(line.external_id)}",
            )
            seen[line.external_id] = key


@rule("ORDER-06", Tier.BRONZE, _FEED)
async def a_finished_purchase_is_confirmed(bench: Bench) -> None:
    """What the other side holds as due has the stage CONFIRMED, and its own status word is kept."""
    orders = await _varied(bench)
    for key, entry in bench.books().items():
        if entry.due and key in orders:
            check(orders[key].stage is Stage.CONFIRMED, f"a due order has the stage {orders[key].stage.value}")
            check(orders[key].external_stage, "the status word of the other side is not kept")


@rule("ORDER-07", Tier.BRONZE, _FEED)
async def paid_is_what_was_paid(bench: Bench) -> None:
    """A paid order is fully paid, to the grosz; of an unpaid one nothing is."""
    [paid] = await bench.buy(1, paid=True)
    orders = (await bench.walk()).orders
    check(paid in orders, "the paid order never came")
    check(orders[paid].fully_paid, f"a paid order shows {orders[paid].paid} of {orders[paid].total}")
    check(orders[paid].paid == orders[paid].total, f"{orders[paid].paid} were paid, not {orders[paid].total}")
    [unpaid] = await bench.buy(1, paid=False)
    orders = (await bench.walk()).orders
    if unpaid not in orders:
        skip("the feed does not tell of unpaid orders")
    check(not orders[unpaid].paid.amount, f"an unpaid order shows {orders[unpaid].paid} as paid")


@rule("ORDER-08", Tier.BRONZE, _FEED)
async def cash_on_delivery_is_recognised(bench: Bench) -> None:
    """An order to be paid on delivery says so, counts as complete and as not paid."""
    [key] = await bench.buy(1, cod=True, paid=False)
    orders = (await bench.walk()).orders
    check(key in orders, "the order to be paid on delivery never came")
    order = orders[key]
    kind = order.payment.type.value if order.payment else "none"
    check(order.cash_on_delivery, f"the payment type is {kind}, not {PaymentType.CASH_ON_DELIVERY.value}")
    check(not order.fully_paid and not order.paid.amount, f"{order.paid} count as paid")
    check(order.stage is Stage.CONFIRMED, f"its stage is {order.stage.value}")


@rule("ORDER-09", Tier.SILVER, _FEED)
async def an_unknown_status_is_kept(bench: Bench) -> None:
    """A status word nobody knows is kept verbatim beside UNKNOWN; it is never taken for another one."""
    first, *_ = await bench.buy(2)
    await bench.do("set_status", first, STRANGE)
    bench.clock.advance(3600)
    orders = (await bench.walk()).orders
    check(first in orders, "the order with the unknown status never came as an order")
    order = orders[first]
    pairs = ((order.external_stage, order.stage), (order.external_fulfilment, order.fulfilment))
    known = [found for word, found in pairs if word == STRANGE]
    check(known, f"the word is not kept: {order.external_stage!r}, {order.external_fulfilment!r}")
    wrong = [found.value for found in known if found not in (Stage.UNKNOWN, Fulfilment.UNKNOWN)]
    check(not wrong, f"the unknown status is shown as {', '.join(wrong)}")
