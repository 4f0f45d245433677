"""What an order of a marketplace is to be in the shop: lines, money, people and places in Vendure's terms. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from olhubd.model import Address, Line, Order, Reason
from olhubd.plugin import UNLINKED, AuthLost, Difference, Push, Rejected, Unlinked
from olhubd_vendure import mapping, wire
from olhubd_vendure.abilities import LONGEST, CreationAbilities, ServerAbilities, lacking_rights
from olhubd_vendure.fitting import TextCutter, mark
from olhubd_vendure.settings import VendureSettings

__all__ = ["GOALS", "LINE_FIELDS", "PlannedLine", "PlannedOrder", "check_rights", "plan", "without_goods"]

GOALS = ("ArrangingPayment", "PaymentAuthorized", "PaymentSettled")
"""States in which a push may leave an order."""

LINE_FIELDS = {
    "key": "marketplaceLineId",
    "price": "marketplacePrice",
    "title": "marketplaceTitle",
    "offer": "marketplaceOffer",
}

_GOODLESS = re.compile(r"(?:charge|discount) \d+|.*\+\d+", re.DOTALL)
_EMAIL = re.compile(r"[^@\s,;<>()\[\]\\\"]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_CANONICAL = {
    "marketplace": "marketplace",
    "marketplaceLogin": "buyer.login",
    "marketplaceEmail": "buyer.email",
    "marketplaceDelivery": "delivery",
    "marketplaceNote": "buyer_note",
    "marketplaceInvoice": "invoice",
    "marketplaceShipping": "shipping.cost",
    "externalId": "reference",
}
"""Our names of what the custom fields hold."""


class PlannedLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the order to be. `price` is gross, in minor units, for one piece; `field` is our name of it."""

    key: str
    field: str
    variant: str
    sku: str
    quantity: int
    price: int
    title: str
    offer: str | None = None


class PlannedOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The order to be. `total` and `shipping` are gross, in minor units; `goal` is the state to reach."""

    reference: str
    items: tuple[PlannedLine, ...]
    fields: Mapping[str, Any]
    line_fields: frozenset[str]
    customer: Mapping[str, Any]
    customer_id: str | None = None
    """A customer of the shop, where the buyer is one: goes before `customer`."""
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
    cuts: tuple[Difference, ...] = ()
    """Texts that are longer than the shop can keep."""

    def name_of(self, field: str) -> str:
        """Our name of what a custom field of the order holds."""
        return _CANONICAL.get(field, field)

    def line_values(self, item: PlannedLine) -> dict[str, Any]:
        """The custom fields of a line, as far as the shop has them and there is something to say."""
        return {
            name: value
            for attribute, name in LINE_FIELDS.items()
            if name in self.line_fields and (value := getattr(item, attribute)) is not None
        }


def without_goods(line: wire.Line, placeholder: str | None) -> bool:
    """Whether a line that we made is for a charge, a service or a discount: nobody packs it."""
    key = (line.custom_fields or {}).get("marketplaceLineId")
    return line.product_variant.sku == placeholder and isinstance(key, str) and bool(_GOODLESS.fullmatch(key))


def plan(
    push: Push,
    server: ServerAbilities,
    facilities: CreationAbilities,
    variants: Mapping[str, wire.Variant],
    *,
    placeholder: wire.Variant | None,
    settings: VendureSettings,
) -> PlannedOrder:
    """What is wanted. `variants` are the products by line. Raises Rejected for what the shop could not hold."""
    order = push.order
    _check(push, server, facilities)
    unlinked = tuple(
        Unlinked(line_id=line.external_id, name=line.name, sku=line.sku)
        for line in order.lines
        if line.external_id not in variants
    )
    if unlinked and not push.free_lines:
        why = Reason("olhubd_vendure:no-product", lines=_listed(unlinked))
        raise Rejected(why, field="sku", code=UNLINKED)
    fitting = TextCutter()
    items = tuple(_items(push, server, variants, placeholder, fitting))
    shipping = order.shipping.cost.minor() if order.shipping.cost is not None else 0
    total = sum(item.price * item.quantity for item in items) + shipping
    if total != order.total.minor():
        why = Reason("olhubd_vendure:sum", total=total, expected=order.total)
        raise Rejected(why, field="total")
    goal, method = _payment(push, facilities, settings.payment_method)
    transaction = order.payment.external_id if order.payment and push.include_payment else None
    return PlannedOrder(
        reference=push.reference,
        items=items,
        fields=_fields(push, server, shipping, settings.notify_buyer, fitting),
        line_fields=server.line_fields,
        customer=_customer(push, settings, fitting),
        shipping_address=_postal(order, order.recipient, settings.country),
        billing_address=_billing(order, settings.country),
        shipping_method=_delivery(facilities, push.shipping_method or settings.shipping_method),
        shipping=shipping,
        total=total,
        currency=order.total.currency,
        goal=goal,
        payment_method=method,
        transaction=fitting.cut(transaction, LONGEST, "payment.external_id") if transaction else None,
        unlinked=unlinked,
        cuts=tuple(fitting.cuts),
    )


def check_rights(server: ServerAbilities, settings: VendureSettings) -> None:
    """Raises AuthLost where our login may not make orders: before anything is written, not in the middle."""
    if rights := lacking_rights(server, settings.notify_buyer):
        raise AuthLost(Reason("olhubd_vendure:rights", rights=", ".join(rights)))


def _check(push: Push, server: ServerAbilities, facilities: CreationAbilities) -> None:
    order = push.order
    lacking = {"externalId", "imported"} - server.order_fields
    if lacking:
        names = " and ".join(sorted(lacking))
        raise Rejected(Reason("olhubd_vendure:no-fields", fields=names), field=names)
    if server.line_fields and not (facilities.line_marks or facilities.whole):
        raise Rejected(Reason("olhubd_vendure:too-old"), field="customFields")
    if not order.prices_include_tax:
        raise Rejected(Reason("olhubd_vendure:net-prices"), field="prices_include_tax")
    if order.total.currency != server.currency:
        why = Reason("olhubd_vendure:currency", given=order.total.currency, taken=server.currency)
        raise Rejected(why, field="currencyCode")
    longest = server.lengths.get("Order.externalId", LONGEST)
    if len(push.reference) > longest:
        why = Reason("olhubd_vendure:mark-too-long", length=len(push.reference), most=longest)
        raise Rejected(why, field="externalId")


def _listed(unlinked: Sequence[Unlinked]) -> str:
    return ", ".join(line.sku or line.name for line in unlinked)


def _delivery(facilities: CreationAbilities, wanted: str | None) -> str:
    found = facilities.shipping.get(wanted or "")
    if found is None:
        unknown = Reason("olhubd_vendure:no-delivery-method", method=wanted)
        why = unknown if wanted else Reason("olhubd_vendure:delivery-not-mapped")
        raise Rejected(why, field="shippingMethod")
    return found


def _items(
    push: Push,
    server: ServerAbilities,
    variants: Mapping[str, wire.Variant],
    placeholder: wire.Variant | None,
    fitting: TextCutter,
) -> Iterator[PlannedLine]:
    def item(key: str, field: str, variant: wire.Variant, quantity: int, price: int, title: str) -> PlannedLine:
        return PlannedLine(
            key=mark(key, server.lengths.get("OrderLine.marketplaceLineId", LONGEST)),
            field=field,
            variant=variant.id,
            sku=variant.sku,
            quantity=quantity,
            price=price,
            title=fitting.cut(title, server.lengths.get("OrderLine.marketplaceTitle"), f"{field}.name"),
        )

    def stand_in(key: str, field: str, title: str, price: int, quantity: int = 1) -> PlannedLine:
        if placeholder is None:
            raise Rejected(Reason("olhubd_vendure:no-placeholder", title=title), field="placeholder_sku")
        if not server.own_prices:
            raise Rejected(Reason("olhubd_vendure:no-own-price", title=title), field="marketplacePrice")
        return item(key, field, placeholder, quantity, price, title)

    order = push.order
    for line in order.lines:
        field = f"lines[{line.external_id}]"
        variant = variants.get(line.external_id)
        if variant is None:
            yield stand_in(line.external_id, field, line.name, line.price.minor(), line.quantity)
        else:
            made = item(line.external_id, field, variant, line.quantity, line.price.minor(), line.name)
            yield _with_offer(made, line, push, server, fitting)
        for number, charge in enumerate(line.charges, 1):
            title = f"{charge.name or charge.kind} ({line.name})"
            part = f"{field}.charges[{number}]"
            yield stand_in(f"{line.external_id}+{number}", part, title, charge.price.minor(), charge.quantity)
    for number, charge in enumerate(order.charges, 1):
        title = charge.name or charge.kind
        yield stand_in(f"charge {number}", f"charges[{number}]", title, charge.price.minor(), charge.quantity)
    for number, discount in enumerate(order.discounts, 1):
        if discount.amount is not None and discount.amount.amount:
            title = discount.name or discount.kind
            yield stand_in(f"discount {number}", f"discounts[{number}]", title, -discount.amount.minor())


def _with_offer(
    item: PlannedLine, line: Line, push: Push, server: ServerAbilities, fitting: TextCutter
) -> PlannedLine:
    if not push.include_offer_ids or line.offer_id is None:
        return item
    length = server.lengths.get("OrderLine.marketplaceOffer")
    return msgspec.structs.replace(item, offer=fitting.cut(line.offer_id, length, f"{item.field}.offer_id"))


def _fields(
    push: Push, server: ServerAbilities, shipping: int, notify: bool, fitting: TextCutter
) -> dict[str, Any]:
    order = push.order
    texts = {
        "marketplace": push.marketplace,
        "marketplaceLogin": order.buyer.login if push.include_login else None,
        "marketplaceEmail": None if notify else order.buyer.email,
        "marketplaceDelivery": mapping.delivery_text(order.shipping),
        "marketplaceNote": order.buyer_note if push.include_note else None,
        "marketplaceInvoice": mapping.invoice_text(order.invoice),
    }
    fields: dict[str, Any] = {"externalId": push.reference, "marketplaceShipping": shipping}
    for name, text in texts.items():
        if name in server.order_fields:
            length = server.lengths.get(f"Order.{name}")
            fields[name] = None if text is None else fitting.cut(text, length, _CANONICAL[name])
    return {name: value for name, value in fields.items() if name in server.order_fields}


def _name(order: Order) -> str:
    buyer = order.buyer
    parts = " ".join(part for part in (buyer.first_name, buyer.last_name) if part)
    return parts or buyer.company or buyer.login or "-"


def _customer(push: Push, settings: VendureSettings, fitting: TextCutter) -> dict[str, Any]:
    order = push.order
    person = order.recipient
    first = order.buyer.first_name or (person.first_name if person else None) or _name(order)
    last = order.buyer.last_name or (person.last_name if person else None) or "-"
    phone = order.buyer.phone or (person.phone if person else None)
    customer = {
        "emailAddress": _address(push, settings),
        "firstName": fitting.cut(first, LONGEST, "buyer.first_name"),
        "lastName": fitting.cut(last, LONGEST, "buyer.last_name"),
    }
    return {**customer, "phoneNumber": fitting.cut(phone, LONGEST, "buyer.phone")} if phone else customer


def _address(push: Push, settings: VendureSettings) -> str:
    """Where the shop would write to. Unless it may write to the buyers that is an address which leads nowhere, the
    same for all orders of one buyer."""
    email = (push.order.buyer.email or "").strip()
    if settings.notify_buyer and len(email) <= LONGEST - 1 and _EMAIL.fullmatch(email):
        return email.lower()
    if email:
        return f"{hashlib.sha256(email.casefold().encode()).hexdigest()[:20]}@{settings.email_domain}"
    made_up = "".join(c if c.isascii() and c.isalnum() else "." for c in push.reference).strip(".").lower()
    return f"{mark(made_up, 64)}@{settings.email_domain}".replace("~", ".")


def _postal(order: Order, place: Address | None, country: str | None) -> dict[str, str]:
    if place is None:
        raise Rejected(Reason("olhubd_vendure:no-address"), field="shippingAddress")
    if not (place.country or country):
        raise Rejected(Reason("olhubd_vendure:no-country"), field="countryCode")
    return mapping.postal(place, _name(order), order.buyer.phone, country)


def _billing(order: Order, country: str | None) -> dict[str, str] | None:
    for place in (order.invoice.address if order.invoice else None, order.buyer.address):
        if place is not None and place.reachable:
            return _postal(order, place, country)
    return None


def _payment(push: Push, facilities: CreationAbilities, configured: str | None) -> tuple[str, str]:
    """The state to be reached, and the payment method for it."""
    order = push.order
    paid = order.fully_paid
    goal = push.status or ("PaymentSettled" if paid else "PaymentAuthorized" if facilities.promises else GOALS[0])
    if goal not in GOALS:
        why = Reason("olhubd_vendure:no-such-start", status=goal, possible=", ".join(GOALS))
        raise Rejected(why, field="status")
    method = push.payment_method or configured
    if goal == "PaymentAuthorized":
        if not facilities.promises:
            raise Rejected(Reason("olhubd_vendure:no-promise"), field="status")
        return goal, method if method in facilities.promises else min(facilities.promises)
    return goal, method or (order.payment.type.value if order.payment else "unknown")
