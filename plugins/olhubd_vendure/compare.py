"""What the shop holds beside what it was to hold. Pure.

Lines are recognised by our marks, where the shop keeps them. What people there may do with an order after it was
made (send it, cancel pieces of it, pay money back) is no difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from olhubd.plugin import Difference
from olhubd_vendure import mapping, wire
from olhubd_vendure.plan import PlannedLine, PlannedOrder

__all__ = ["address_differs", "customer_differs", "differences", "fields", "same"]

_PLACE = {
    "fullName": "name",
    "company": "company",
    "streetLine1": "street",
    "city": "city",
    "province": "region",
    "postalCode": "postcode",
    "countryCode": "country",
    "phoneNumber": "phone",
}
_FILLED_IN = frozenset({"province"})
"""What shops find out by themselves from the rest of an address."""
_ABSENT = "it was sent and is not there"
_OTHER = "another one is there than was sent"


def differences(order: wire.Order, wanted: PlannedOrder) -> tuple[Difference, ...]:
    """How the order differs from what is wanted, the texts that were cut among it."""
    return (*wanted.cuts, *_all(order, wanted))


def _all(order: wire.Order, wanted: PlannedOrder) -> Iterator[Difference]:
    if order.state == "Cancelled":
        yield Difference(field="status", what="the order is cancelled in the shop")
        return
    if order.currency_code != wanted.currency:
        what = f"{wanted.currency} was sent, {order.currency_code} is there"
        yield Difference(field="currency", what=what)
    for name in fields(order, wanted):
        held = order.custom(name)
        yield Difference(field=wanted.name_of(name), what=_ABSENT if held in (None, "") else _OTHER)
    yield from _lines(order, wanted)
    if customer_differs(order.customer, wanted):
        yield Difference(field="buyer", what=_ABSENT if order.customer is None else _OTHER)
    yield from _place("recipient", order.shipping_address, wanted.shipping_address)
    yield from _place("invoice", order.billing_address, wanted.billing_address or {})
    if [one.shipping_method.id for one in order.shipping_lines] != [wanted.shipping_method]:
        yield Difference(field="delivery", what=_OTHER if order.shipping_lines else _ABSENT)
    if order.shipping_with_tax != wanted.shipping:
        what = f"{wanted.shipping} minor units were sent, {order.shipping_with_tax} are there"
        yield Difference(field="shipping.cost", what=what)
    yield from _money(order, wanted)


def _money(order: wire.Order, wanted: PlannedOrder) -> Iterator[Difference]:
    settled = sum(one.amount for one in order.payments or () if one.state == "Settled")
    if mapping.WAY.due(order.state, wanted.goal):
        what = f"{wanted.goal} was meant, it is {order.state}"
        # Money that was received can still be recorded; a promise is made with the order or not at all.
        bring = wanted.goal if wanted.goal == "PaymentSettled" else None
        yield Difference(field="status", what=what, wanted=bring)
    elif wanted.goal == "PaymentSettled" and settled < wanted.total:
        what = f"{wanted.total} minor units were paid, {settled} are recorded there"
        yield Difference(field="payment", what=what)


def fields(order: wire.Order, wanted: PlannedOrder) -> list[str]:
    """The custom fields of the order that are otherwise than wanted."""
    return [name for name, value in wanted.fields.items() if order.custom(name) != value]


def _lines(order: wire.Order, wanted: PlannedOrder) -> Iterator[Difference]:
    left = list(order.lines)
    for item in wanted.items:
        held = [line for line in left if _marked(line, item, wanted)]
        left = [line for line in left if line not in held]
        if not held:
            yield Difference(field=item.field, what="the line is missing there")
            continue
        there = sum(map(_placed, held))
        if there != item.quantity:
            what = f"{item.quantity} were sent, {there} are there"
            yield Difference(field=f"{item.field}.quantity", what=what)
        if any(line.product_variant.id != item.variant for line in held):
            yield Difference(field=f"{item.field}.sku", what="it is bound to another product there")
        price = next((line.unit_price_with_tax for line in held if line.unit_price_with_tax != item.price), None)
        if price is not None:
            what = f"{item.price} minor units were sent, {price} are there"
            yield Difference(field=f"{item.field}.price", what=what)
    if left:
        yield Difference(field="lines", what=f"{len(left)} are there that were not sent")


def _marked(line: wire.Line, item: PlannedLine, wanted: PlannedOrder) -> bool:
    if "marketplaceLineId" in wanted.line_fields:
        return (line.custom_fields or {}).get("marketplaceLineId") == item.key
    return line.product_variant.id == item.variant


def _placed(line: wire.Line) -> int:
    """Pieces, those included that were cancelled since."""
    return max(line.quantity, line.order_placed_quantity)


def same(line: wire.Line, item: PlannedLine, wanted: PlannedOrder) -> bool:
    """Whether a line is the item, apart from its quantity."""
    if line.product_variant.id != item.variant:
        return False
    held = line.custom_fields or {}
    values = wanted.line_values(item)
    return all(held.get(name) == values.get(name) for name in wanted.line_fields)


def customer_differs(held: wire.Customer | None, wanted: PlannedOrder) -> bool:
    if held is None:
        return True
    if wanted.customer_id is not None:
        return held.id != wanted.customer_id
    return held.email_address.strip().casefold() != str(wanted.customer["emailAddress"]).casefold()


def address_differs(held: wire.Address | None, wanted: Mapping[str, str]) -> bool:
    """Whether a place is otherwise than wanted. Of an address that was changed nothing may stay behind."""
    return any(_place("", held, wanted))


def _place(party: str, held: wire.Address | None, wanted: Mapping[str, str]) -> Iterator[Difference]:
    if not wanted:
        return
    record: dict[str, Any] = msgspec.to_builtins(held) if held is not None else {}
    for key, name in _PLACE.items():
        there, sent = record.get(key) or "", wanted.get(key, "")
        if there != sent and (sent or key not in _FILLED_IN):
            yield Difference(field=f"{party}.{name}", what=_OTHER if there and sent else _ABSENT)
