"""What is missing to an order in the shop, as calls, for a server that makes it step by step.

Pure. A push is no list of calls but a comparison: `missing` looks at the order as the shop holds it now and returns
the next calls. So it does not matter after which of them an earlier try was cut, nor what changed since.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from olhubd.model import Reason, chained
from olhubd.plugin import Conflict, Rejected
from olhubd_vendure import compare, mapping, wire
from olhubd_vendure.plan import PlannedLine, PlannedOrder
from olhubd_vendure.queries import Mutation

__all__ = ["CHOOSE", "ExpectedTotals", "discrepancy", "missing", "whole"]

_EDITABLE = ("Draft", "AddingItems")
"""States in which the content of an order can be changed. The second is reached only by going back."""


CHOOSE = "setDraftOrderShippingMethod"


def missing(order: wire.Order, wanted: PlannedOrder, chosen: bool = False) -> list[Mutation]:
    """The next calls, to be made in one request; none when all is done. `chosen` says that this try has chosen the
    delivery method already: its cost will not become another one.

    A call of an earlier try may still be on its way and add a line after the lines were looked at. So the order is
    paid for only after a second look, in a state in which its content is fixed.

    Raises Rejected where the shop's total will not be the buyer's, Conflict where somebody else moved the order on,
    or where it was placed already and something changed since that can be set no more.
    """
    if order.state in _EDITABLE:
        return [*_content(order, wanted, chosen)] or [_arrange(order, wanted)]
    if order.state == "ArrangingPayment" and any(_content(order, wanted, chosen)):
        return [_move(order, "AddingItems")]
    if order.total_with_tax != wanted.total:
        raise Conflict(
            Reason("olhubd_vendure:total", order=order.code, there=order.total_with_tax, wanted=wanted.total)
        )
    if order.state == "ArrangingPayment" and wanted.goal != order.state:
        return [_pay(order, wanted)]
    promised = [one for one in order.payments or () if one.state == "Authorized"]
    if order.state == "PaymentAuthorized" and wanted.goal == "PaymentSettled" and promised:
        # Paid between two tries.
        return [Mutation("settlePayment", {"id": one.id}, "the payment") for one in promised]
    if order.state not in mapping.WAY:
        raise Conflict(Reason("olhubd_vendure:moved-unfinished", order=order.code, state=order.state))
    return [*_placed(order, wanted)]


def whole(wanted: PlannedOrder) -> Mutation:
    """The call that makes the order at once."""
    lines = [
        {
            "productVariantId": item.variant,
            "quantity": item.quantity,
            "customFields": wanted.line_values(item),
        }
        for item in wanted.items
    ]
    who = {"customerId": wanted.customer_id} if wanted.customer_id else {"customer": dict(wanted.customer)}
    order: dict[str, Any] = {
        "reference": wanted.reference,
        "customFields": dict(wanted.fields),
        **who,
        "lines": lines,
        "shippingAddress": dict(wanted.shipping_address),
        "shippingMethodId": wanted.shipping_method,
        "total": wanted.total,
        "goal": wanted.goal,
        "paymentMethod": wanted.payment_method,
    }
    if wanted.billing_address is not None:
        order["billingAddress"] = dict(wanted.billing_address)
    if wanted.transaction:
        order["transactionId"] = wanted.transaction
    return Mutation("createMarketplaceOrder", {"input": order})


def _placed(order: wire.Order, wanted: PlannedOrder) -> Iterator[Mutation]:
    """The last of it: what can still be set in an order that was placed, and the mark that it is complete."""
    stale = {name: wanted.fields[name] for name in compare.fields(order, wanted)}
    told = {wanted.name_of(name) for name in stale}
    fixed = [one.field for one in compare.differences(order, wanted) if not one.cut and one.field not in told]
    if fixed:
        raise Conflict(Reason("olhubd_vendure:placed-early", order=order.code, changed=", ".join(fixed)))
    if stale or order.custom("imported") is not True:
        fields = {"id": order.id, "customFields": {**stale, "imported": True}}
        yield Mutation("setOrderCustomFields", {"input": fields})


def _content(order: wire.Order, wanted: PlannedOrder, chosen: bool) -> Iterator[Mutation]:
    id_ = order.id
    stale = compare.fields(order, wanted)
    if stale:
        fields = {"id": id_, "customFields": dict(wanted.fields)}
        yield Mutation("setOrderCustomFields", {"input": fields})
    if compare.customer_differs(order.customer, wanted):
        who: dict[str, Any] = {"input": dict(wanted.customer)}
        if wanted.customer_id is not None:
            who = {"customerId": wanted.customer_id}
        yield Mutation("setCustomerForDraftOrder", {"orderId": id_, **who}, "the customer")
    yield from _lines(order, wanted)
    if compare.address_differs(order.shipping_address, wanted.shipping_address):
        call = {"orderId": id_, "input": dict(wanted.shipping_address)}
        yield Mutation("setDraftOrderShippingAddress", call, "the delivery address")
    billing = wanted.billing_address
    if billing is not None and compare.address_differs(order.billing_address, billing):
        call = {"orderId": id_, "input": dict(billing)}
        yield Mutation("setDraftOrderBillingAddress", call, "the billing address")
    # Its cost is read from the custom fields when it is chosen, not when they change.
    costs_otherwise = not chosen and order.shipping_with_tax != wanted.shipping
    methods = [one.shipping_method.id for one in order.shipping_lines]
    if "marketplaceShipping" in stale or costs_otherwise or methods != [wanted.shipping_method]:
        call = {"orderId": id_, "shippingMethodId": wanted.shipping_method}
        yield Mutation(CHOOSE, call, "the delivery method")


def _lines(order: wire.Order, wanted: PlannedOrder) -> Iterator[Mutation]:
    id_ = order.id
    left = list(order.lines)
    for item in wanted.items:
        held = next((line for line in left if compare.same(line, item, wanted)), None)
        if held is None:
            yield _add(id_, item, wanted)
            continue
        left.remove(held)
        if held.quantity != item.quantity:
            # Added twice by two tries that overlapped; the quantity here is absolute.
            line = {"orderLineId": held.id, "quantity": item.quantity}
            yield Mutation("adjustDraftOrderLine", {"orderId": id_, "input": line}, item.sku)
    for line_ in left:
        yield Mutation("removeDraftOrderLine", {"orderId": id_, "orderLineId": line_.id}, line_.product_variant.sku)


def _add(id_: str, item: PlannedLine, wanted: PlannedOrder) -> Mutation:
    line: dict[str, Any] = {"productVariantId": item.variant, "quantity": item.quantity}
    if fields := wanted.line_values(item):
        line["customFields"] = fields
    return Mutation("addItemToDraftOrder", {"orderId": id_, "input": line}, item.sku)


def _arrange(order: wire.Order, wanted: PlannedOrder) -> Mutation:
    """Close the content, now that it is complete; but only if the money is right."""
    if order.total_with_tax != wanted.total:
        raise Rejected(discrepancy(ExpectedTotals.of(order), wanted), field="totalWithTax")
    return _move(order, "ArrangingPayment")


def _move(order: wire.Order, state: str) -> Mutation:
    return Mutation("transitionOrderToState", {"id": order.id, "state": state}, "the order")


def _pay(order: wire.Order, wanted: PlannedOrder) -> Mutation:
    name = "addManualPaymentToOrder" if wanted.goal == "PaymentSettled" else "addMarketplacePayment"
    payment: dict[str, Any] = {"orderId": order.id, "method": wanted.payment_method}
    if wanted.goal == "PaymentSettled":
        # Optional by the schema, yet its column is not.
        payment["metadata"] = {"reference": wanted.reference}
    if wanted.transaction:
        payment["transactionId"] = wanted.transaction
    return Mutation(name, {"input": payment}, "the payment")


class ExpectedTotals(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the shop counts for an order, in minor units; `lines` are the prices of one piece by our mark."""

    total_with_tax: int
    shipping_with_tax: int
    discounts: list[str] = []
    lines: list[tuple[str | None, int]] = []

    @staticmethod
    def of(order: wire.Order) -> ExpectedTotals:
        return ExpectedTotals(
            total_with_tax=order.total_with_tax,
            shipping_with_tax=order.shipping_with_tax,
            discounts=[one.description for one in order.discounts],
            lines=[
                ((line.custom_fields or {}).get("marketplaceLineId"), line.unit_price_with_tax)
                for line in order.lines
            ],
        )


def discrepancy(sums: ExpectedTotals, wanted: PlannedOrder) -> str:
    """Why the shop's total is not the buyer's, and what to do about it."""
    reasons = []
    by_key: Mapping[str | None, PlannedLine] = {item.key: item for item in wanted.items}
    for number, (key, price) in enumerate(sums.lines):
        item = by_key.get(key) or (wanted.items[number] if number < len(wanted.items) else None)
        if item is not None and price != item.price:
            reasons.append(Reason("olhubd_vendure:other-price", sku=item.sku, there=price, wanted=item.price))
            break
    if sums.shipping_with_tax != wanted.shipping:
        reasons.append(
            Reason("olhubd_vendure:other-delivery", there=sums.shipping_with_tax, wanted=wanted.shipping)
        )
    if sums.discounts:
        reasons.append(Reason("olhubd_vendure:promotion", name=sums.discounts[0]))
    why = chained(reasons) or Reason("olhubd_vendure:counts-otherwise")
    return Reason("olhubd_vendure:other-total", there=sums.total_with_tax, wanted=wanted.total, why=why)
