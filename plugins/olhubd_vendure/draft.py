"""How an order of a marketplace becomes one of Vendure's: what is wanted, and what is missing to it.

Pure. A push is no list of calls but a comparison: `missing` looks at the order as the shop holds it now and tells
the next calls. So it does not matter after which of them an earlier try was cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from olhubd.model import Address, Line, Order
from olhubd.plugin import UNLINKED, Conflict, Push, Rejected, Unlinked
from olhubd_vendure import mapping, wire
from olhubd_vendure.queries import Call
from olhubd_vendure.settings import VendureSettings

__all__ = ["GOALS", "Item", "Plan", "Server", "missing", "plan"]

GOALS = ("ArrangingPayment", "PaymentAuthorized", "PaymentSettled")
"""States in which a push may leave an order."""

_EDITABLE = ("Draft", "AddingItems")
"""States in which the content of an order can be changed. The second is reached only by going back."""

_LINE_FIELDS = {
    "key": "marketplaceLineId",
    "price": "marketplacePrice",
    "title": "marketplaceTitle",
    "offer": "marketplaceOffer",
}


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """What the server can: its custom fields, and a payment method that can promise money."""

    order_fields: frozenset[str]
    line_fields: frozenset[str]
    variant_fields: frozenset[str]
    currency: str
    promises: frozenset[str] = frozenset()
    """Codes of the payment methods handled by `olhubd-payment`."""

    @property
    def own_prices(self) -> bool:
        return {"marketplacePrice", "marketplaceLineId"} <= self.line_fields


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the order to be. `price` is gross, in minor units, for one piece."""

    key: str
    variant: str
    sku: str
    quantity: int
    price: int
    title: str
    offer: str | None = None


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The order to be. Money is gross, in minor units."""

    reference: str
    items: tuple[Item, ...]
    fields: Mapping[str, Any]
    customer: Mapping[str, Any]
    shipping_address: Mapping[str, str]
    billing_address: Mapping[str, str] | None
    shipping_method: str
    shipping: int
    total: int
    currency: str
    goal: str
    payment_method: str
    transaction: str | None
    unlinked: tuple[Unlinked, ...]


def plan(
    push: Push,
    server: Server,
    variants: Mapping[str, wire.Variant],
    *,
    placeholder: wire.Variant | None,
    shipping_method: str,
    settings: VendureSettings,
) -> Plan:
    """What is wanted. `variants` are the products by line. Raises Rejected for what the shop could not hold."""
    order = push.order
    _check(order, server)
    unlinked = tuple(
        Unlinked(line_id=line.external_id, name=line.name, sku=line.sku)
        for line in order.lines
        if line.external_id not in variants
    )
    if unlinked and not push.free_lines:
        raise Rejected(f"no product for {_listed(unlinked)}", field="sku", code=UNLINKED)
    items = tuple(_items(push, server, variants, placeholder))
    shipping = order.shipping.cost.minor() if order.shipping.cost is not None else 0
    total = sum(item.price * item.quantity for item in items) + shipping
    if total != order.total.minor():
        raise Rejected(f"the parts sum to {total} minor units, the order says {order.total}", field="total")
    goal, method = _payment(push, server, settings.payment_method)
    return Plan(
        reference=push.reference,
        items=items,
        fields={key: value for key, value in _fields(push, shipping).items() if key in server.order_fields},
        customer=_customer(push, settings.email_domain),
        shipping_address=_postal(order, order.recipient, settings.country),
        billing_address=_billing(order, settings.country),
        shipping_method=shipping_method,
        shipping=shipping,
        total=total,
        currency=order.total.currency,
        goal=goal,
        payment_method=method,
        transaction=order.payment.external_id if order.payment and push.include_payment else None,
        unlinked=unlinked,
    )


def _check(order: Order, server: Server) -> None:
    lacking = {"externalId", "imported"} - server.order_fields
    if lacking:
        names = " and ".join(sorted(lacking))
        raise Rejected(
            f"the shop lacks the custom field {names} of Order, without which an order could be made twice: add the"
            " server plugin described in the connector's README",
            field=names,
        )
    if not order.prices_include_tax:
        raise Rejected("net prices cannot be kept to the minor unit in this shop", field="prices_include_tax")
    if order.total.currency != server.currency:
        raise Rejected(
            f"the order is in {order.total.currency}, the channel in {server.currency}: use an account whose"
            " channel_token is of a channel in that currency",
            field="currencyCode",
        )


def _listed(unlinked: Sequence[Unlinked]) -> str:
    return ", ".join(line.sku or line.name for line in unlinked)


def _items(
    push: Push, server: Server, variants: Mapping[str, wire.Variant], placeholder: wire.Variant | None
) -> Iterator[Item]:
    def stand_in(key: str, title: str, price: int, quantity: int = 1) -> Item:
        if placeholder is None:
            raise Rejected(
                f"{title!r} is no product of the shop, and placeholder_sku names none to stand for it",
                field="placeholder_sku",
            )
        if not server.own_prices:
            raise Rejected(
                f"{title!r} needs a price of its own: add the custom fields marketplacePrice and marketplaceLineId"
                " of OrderLine (the server plugin described in the connector's README)",
                field="marketplacePrice",
            )
        return Item(
            key=key,
            variant=placeholder.id,
            sku=placeholder.sku,
            quantity=quantity,
            price=price,
            title=title,
        )

    order = push.order
    for line in order.lines:
        variant = variants.get(line.external_id)
        if variant is None:
            yield stand_in(line.external_id, line.name, line.price.minor(), line.quantity)
        else:
            yield _item(line, variant, push.include_offer_ids)
        for number, charge in enumerate(line.charges, 1):
            title = f"{charge.name or charge.kind} ({line.name})"
            yield stand_in(f"{line.external_id}+{number}", title, charge.price.minor(), charge.quantity)
    for number, charge in enumerate(order.charges, 1):
        yield stand_in(f"charge {number}", charge.name or charge.kind, charge.price.minor(), charge.quantity)
    for number, discount in enumerate(order.discounts, 1):
        if discount.amount is not None and discount.amount.amount:
            yield stand_in(f"discount {number}", discount.name or discount.kind, -discount.amount.minor())


def _item(line: Line, variant: wire.Variant, offers: bool) -> Item:
    return Item(
        key=line.external_id,
        variant=variant.id,
        sku=variant.sku,
        quantity=line.quantity,
        price=line.price.minor(),
        title=line.name,
        offer=line.offer_id if offers else None,
    )


def _fields(push: Push, shipping: int) -> dict[str, Any]:
    order = push.order
    return {
        "externalId": push.reference,
        "marketplaceShipping": shipping,
        "marketplace": push.marketplace,
        "marketplaceLogin": order.buyer.login if push.include_login else None,
        "marketplaceDelivery": mapping.delivery_text(order.shipping),
        "marketplaceNote": order.buyer_note if push.include_note else None,
        "marketplaceInvoice": mapping.invoice_text(order.invoice),
    }


def _name(order: Order) -> str:
    buyer = order.buyer
    parts = " ".join(part for part in (buyer.first_name, buyer.last_name) if part)
    return parts or buyer.company or buyer.login or "-"


def _customer(push: Push, email_domain: str) -> dict[str, Any]:
    order = push.order
    person = order.recipient
    first = order.buyer.first_name or (person.first_name if person else None)
    last = order.buyer.last_name or (person.last_name if person else None)
    made_up = "".join(c if c.isascii() and c.isalnum() else "." for c in push.reference).strip(".")
    customer = {
        "emailAddress": order.buyer.email or f"{made_up}@{email_domain}",
        "firstName": first or _name(order),
        "lastName": last or "-",
    }
    phone = order.buyer.phone or (person.phone if person else None)
    return {**customer, "phoneNumber": phone} if phone else customer


def _postal(order: Order, place: Address | None, country: str | None) -> dict[str, str]:
    if place is None:
        raise Rejected("the order has no address to send it to", field="shippingAddress")
    if not (place.country or country):
        raise Rejected("an address names no country: set `country` for those", field="countryCode")
    return mapping.postal(place, _name(order), order.buyer.phone, country)


def _billing(order: Order, country: str | None) -> dict[str, str] | None:
    for place in (order.invoice.address if order.invoice else None, order.buyer.address):
        if place is not None and place.reachable:
            return _postal(order, place, country)
    return None


def _payment(push: Push, server: Server, configured: str | None) -> tuple[str, str]:
    """The state to be reached, and the payment method for it."""
    order = push.order
    paid = order.fully_paid
    goal = push.status or ("PaymentSettled" if paid else "PaymentAuthorized" if server.promises else GOALS[0])
    if goal not in GOALS:
        raise Rejected(f"an order cannot begin as {goal}: choose one of {', '.join(GOALS)}", field="status")
    method = push.payment_method or configured
    if goal == "PaymentAuthorized":
        if not server.promises:
            raise Rejected(
                "PaymentAuthorized needs a payment method handled by olhubd-payment (the server plugin described in"
                " the connector's README)",
                field="status",
            )
        return goal, method if method in server.promises else min(server.promises)
    return goal, method or (order.payment.type.value if order.payment else "unknown")


def missing(order: wire.Order, wanted: Plan, server: Server) -> list[Call]:
    """The next calls, to be made in one request; none when all is done.

    A call of an earlier try may still be on its way and add a line after the lines were looked at. So the order is
    paid for only after a second look, in a state in which its content stands.

    Raises Rejected where the shop's total will not be the buyer's, Conflict where somebody else moved the order on.
    """
    if order.state in _EDITABLE:
        return [*_content(order, wanted, server)] or [_arrange(order, wanted)]
    if order.state == "ArrangingPayment" and any(_lines(order, wanted, server)):
        return [_move(order, "AddingItems")]
    if order.total_with_tax != wanted.total:
        raise Conflict(
            f"order {order.code} is unfinished, and its total of {order.total_with_tax} minor units is not the"
            f" buyer's {wanted.total}"
        )
    if order.state == "ArrangingPayment" and wanted.goal != order.state:
        return [_pay(order, wanted)]
    if mapping.rank(order.state) is None:
        raise Conflict(f"order {order.code} is unfinished and was moved to {order.state}")
    if order.custom("imported") is not True:
        fields = {"id": order.id, "customFields": {"imported": True}}
        return [Call("setOrderCustomFields", {"input": fields})]
    return []


def _content(order: wire.Order, wanted: Plan, server: Server) -> Iterator[Call]:
    id_ = order.id
    stale = any(order.custom(name) != value for name, value in wanted.fields.items())
    if stale:
        fields = {"id": id_, "customFields": dict(wanted.fields)}
        yield Call("setOrderCustomFields", {"input": fields})
    if order.customer is None:
        yield Call("setCustomerForDraftOrder", {"orderId": id_, "input": dict(wanted.customer)})
    yield from _lines(order, wanted, server)
    if _differs(order.shipping_address, wanted.shipping_address):
        call = {"orderId": id_, "input": dict(wanted.shipping_address)}
        yield Call("setDraftOrderShippingAddress", call, "the delivery address")
    if wanted.billing_address is not None and _differs(order.billing_address, wanted.billing_address):
        call = {"orderId": id_, "input": dict(wanted.billing_address)}
        yield Call("setDraftOrderBillingAddress", call, "the billing address")
    # Its cost is read from the custom fields when it is chosen, not when they change.
    if stale or [one.shipping_method.id for one in order.shipping_lines] != [wanted.shipping_method]:
        call = {"orderId": id_, "shippingMethodId": wanted.shipping_method}
        yield Call("setDraftOrderShippingMethod", call, "the delivery method")


def _lines(order: wire.Order, wanted: Plan, server: Server) -> Iterator[Call]:
    id_ = order.id
    left = list(order.lines)
    for item in wanted.items:
        held = next((line for line in left if _same(line, item, server)), None)
        if held is None:
            fields = {
                name: value
                for attribute, name in _LINE_FIELDS.items()
                if name in server.line_fields and (value := getattr(item, attribute)) is not None
            }
            line: dict[str, Any] = {"productVariantId": item.variant, "quantity": item.quantity}
            if fields:
                line["customFields"] = fields
            yield Call("addItemToDraftOrder", {"orderId": id_, "input": line}, item.sku)
            continue
        left.remove(held)
        if held.quantity != item.quantity:
            # Added twice by two tries that overlapped; the quantity here is absolute.
            line = {"orderLineId": held.id, "quantity": item.quantity}
            yield Call("adjustDraftOrderLine", {"orderId": id_, "input": line}, item.sku)
    for line_ in left:
        yield Call("removeDraftOrderLine", {"orderId": id_, "orderLineId": line_.id}, line_.product_variant.sku)


def _same(line: wire.Line, item: Item, server: Server) -> bool:
    if line.product_variant.id != item.variant:
        return False
    held = line.custom_fields or {}
    return all(
        held.get(name) == getattr(item, attribute)
        for attribute, name in _LINE_FIELDS.items()
        if name in server.line_fields
    )


def _differs(held: wire.Address | None, wanted: Mapping[str, str]) -> bool:
    if held is None:
        return True
    record = msgspec.to_builtins(held)
    return any((record.get(key) or "") != value for key, value in wanted.items())


def _arrange(order: wire.Order, wanted: Plan) -> Call:
    """Close the content, now that it is complete; but only if the money is right."""
    if order.total_with_tax != wanted.total:
        raise Rejected(_discrepancy(order, wanted), field="totalWithTax")
    return _move(order, "ArrangingPayment")


def _move(order: wire.Order, state: str) -> Call:
    return Call("transitionOrderToState", {"id": order.id, "state": state})


def _pay(order: wire.Order, wanted: Plan) -> Call:
    name = "addManualPaymentToOrder" if wanted.goal == "PaymentSettled" else "addMarketplacePayment"
    payment: dict[str, Any] = {"orderId": order.id, "method": wanted.payment_method}
    if wanted.goal == "PaymentSettled":
        # Optional by the schema, yet its column is not.
        payment["metadata"] = {"reference": wanted.reference}
    if wanted.transaction:
        payment["transactionId"] = wanted.transaction
    return Call(name, {"input": payment}, "the payment")


def _discrepancy(order: wire.Order, wanted: Plan) -> str:
    """Why the shop's total is not the buyer's, and what to do about it."""
    reasons = []
    prices = {item.variant: item for item in wanted.items}
    for line in order.lines:
        item = prices.get(line.product_variant.id)
        if item is not None and line.unit_price_with_tax != item.price:
            reasons.append(
                f"{item.sku} costs {line.unit_price_with_tax} in the shop and {item.price} for the buyer (add the"
                " custom field marketplacePrice of OrderLine and its price strategy)"
            )
            break
    if order.shipping_with_tax != wanted.shipping:
        reasons.append(
            f"delivery costs {order.shipping_with_tax} in the shop and {wanted.shipping} for the buyer (give the"
            " delivery method the calculator olhubd-shipping)"
        )
    if order.discounts:
        reasons.append(f"the shop applies a promotion ({order.discounts[0].description})")
    said = "; ".join(reasons) or "the shop counts otherwise"
    return f"the shop's total is {order.total_with_tax} and the buyer's {wanted.total} minor units: {said}"
