"""Between Vendure's shapes and ours. Pure: no calls, no clock.

A Vendure order gives its money twice, with promotions (`prorated...`) and without. The lines here carry the prices
without; what promotions took off is one discount of the order, so that the parts still sum to Vendure's total.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from olhubd.model import (
    Address,
    Buyer,
    Charge,
    Discount,
    Fulfilment,
    InvoiceParty,
    Line,
    Money,
    Order,
    Payment,
    PaymentType,
    PickupPoint,
    Shipment,
    Shipping,
    Stage,
    Tax,
)
from olhubd.plugin import Ladder
from olhubd_vendure import wire

__all__ = [
    "ALLOCATED",
    "AWAY",
    "CLOSED",
    "UNPLACED",
    "WAY",
    "WORDS",
    "address",
    "concerns",
    "delivery_text",
    "invoice_text",
    "order",
    "postal",
    "shipments",
]

UNPLACED = ("Created", "AddingItems", "Draft")
"""States of carts and drafts."""

_FULFILMENT = {
    "ArrangingPayment": Fulfilment.NEW,
    "PaymentAuthorized": Fulfilment.NEW,
    "PaymentSettled": Fulfilment.NEW,
    "Modifying": Fulfilment.PROCESSING,
    "ArrangingAdditionalPayment": Fulfilment.PROCESSING,
    "PartiallyShipped": Fulfilment.PROCESSING,
    "Shipped": Fulfilment.SENT,
    "PartiallyDelivered": Fulfilment.SENT,
    "Delivered": Fulfilment.DELIVERED,
    "Cancelled": Fulfilment.CANCELLED,
}

WORDS = {
    Fulfilment.SENT: "Shipped",
    Fulfilment.DELIVERED: "Delivered",
    Fulfilment.CANCELLED: "Cancelled",
}
"""Vendure's word for a state of ours, where it has one."""

WAY = Ladder(
    UNPLACED,
    "ArrangingPayment",
    "PaymentAuthorized",
    "PaymentSettled",
    "PartiallyShipped",
    "Shipped",
    "PartiallyDelivered",
    "Delivered",
)
"""The states on the way to the buyer; one off the way (Cancelled, Modifying, unknown) has no place there."""

CLOSED = (*UNPLACED, "ArrangingPayment", "Shipped", "PartiallyDelivered", "Delivered", "Cancelled")
"""States outside which an order moves without a change of its `updatedAt`; those of the shop's own process too."""

AWAY = ("Shipped", "PartiallyDelivered")
"""States of orders that have left the shop, from which most never move again."""

ALLOCATED = (
    "PaymentAuthorized",
    "PaymentSettled",
    "Modifying",
    "ArrangingAdditionalPayment",
    "PartiallyShipped",
    "Shipped",
    "PartiallyDelivered",
    "Delivered",
)
"""States in which the pieces of an order are allocated, or have left the shelf, as Vendure allocates by itself."""

_SENT = frozenset({"Shipped", "Delivered"})


def concerns(order: wire.Order) -> bool:
    """Whether it is an order, neither cart nor draft. One that waits for its payment is still the customer's cart,
    unless it is ours."""
    if order.state in UNPLACED:
        return False
    return order.order_placed_at is not None or bool(order.custom("externalId"))


def order(record: wire.Order) -> Order:
    """The canonical order."""
    currency = record.currency_code

    def money(minor: int) -> Money:
        return Money.of_minor(minor, currency)

    lines = tuple(
        Line(
            external_id=line.id,
            name=(line.custom_fields and line.custom_fields.get("marketplaceTitle")) or line.product_variant.name,
            quantity=line.quantity,
            price=money(line.unit_price_with_tax),
            offer_id=line.product_variant.id,
            sku=line.product_variant.sku or None,
            product_ids=(line.product_variant.id,),
            tax=Tax(rate=Decimal(str(line.tax_rate))),
        )
        for line in record.lines
    )
    state = record.state
    return Order(
        external_id=record.id,
        number=record.code,
        placed_at=record.order_placed_at or record.created_at,
        updated_at=record.updated_at,
        stage=_stage(record),
        external_stage=state,
        fulfilment=_FULFILMENT.get(state, Fulfilment.UNKNOWN),
        external_fulfilment=state,
        lines=lines,
        total=money(record.total_with_tax),
        buyer=_buyer(record),
        invoice=_invoice(record),
        shipping=_shipping(record, money(record.shipping_with_tax)),
        payment=_payment(record, currency),
        surcharges=tuple(_receipts(record, currency))[1:],
        charges=tuple(_charges(record, currency)),
        discounts=tuple(_discounts(record, currency)),
        shipments=shipments(record),
        reference=record.custom("externalId") or None,
    )


def _stage(record: wire.Order) -> Stage:
    if record.state == "Cancelled":
        return Stage.CANCELLED
    if record.order_placed_at is not None:
        return Stage.CONFIRMED
    return Stage.PLACED if record.state in WAY else Stage.UNKNOWN


def _charges(record: wire.Order, currency: str) -> Iterator[Charge]:
    for one in record.surcharges:
        yield Charge(
            kind="surcharge",
            price=Money.of_minor(one.price_with_tax, currency),
            name=one.description or None,
            external_id=one.id,
        )
    # Net catalogue prices are taxed per line, so the line is not always the piece times its number.
    rounding = sum(line.line_price_with_tax - line.unit_price_with_tax * line.quantity for line in record.lines)
    if rounding:
        yield Charge(kind="rounding", price=Money.of_minor(rounding, currency))


def _discounts(record: wire.Order, currency: str) -> Iterator[Discount]:
    taken = sum(line.line_price_with_tax - line.prorated_line_price_with_tax for line in record.lines)
    if taken:
        names = ", ".join(dict.fromkeys(one.description for one in record.discounts))
        yield Discount(kind="promotion", amount=Money.of_minor(taken, currency), name=names or None)


def _buyer(record: wire.Order) -> Buyer:
    customer = record.customer
    if customer is None:
        return Buyer(guest=True)
    return Buyer(
        external_id=customer.id,
        email=record.custom("marketplaceEmail") or customer.email_address,
        first_name=customer.first_name or None,
        last_name=customer.last_name or None,
        phone=customer.phone_number or None,
        guest=customer.user is None,
        address=address(record.billing_address),
    )


def _invoice(record: wire.Order) -> InvoiceParty | None:
    billing = address(record.billing_address)
    return InvoiceParty(address=billing) if billing is not None and billing.company else None


def _shipping(record: wire.Order, cost: Money) -> Shipping:
    method = record.shipping_lines[0].shipping_method if record.shipping_lines else None
    return Shipping(
        method_id=method.code if method else None,
        method=(method.name or method.code) if method else None,
        cost=cost,
        address=address(record.shipping_address),
    )


def _receipts(record: wire.Order, currency: str) -> Iterator[Payment]:
    """Each payment; a promised one (authorized) has received nothing yet, a failed one is none."""
    for one in record.payments or []:
        if one.state in ("Settled", "Authorized"):
            settled = one.state == "Settled"
            yield Payment(
                type=_payment_type(one.method),
                external_type=one.method,
                external_id=one.transaction_id or one.id,
                paid=Money.of_minor(one.kept, currency),
                finished_at=one.created_at if settled else None,
            )


def _payment(record: wire.Order, currency: str) -> Payment | None:
    return next(_receipts(record, currency), None)


def _payment_type(method: str) -> PaymentType:
    try:
        return PaymentType(method)
    except ValueError:
        return PaymentType.UNKNOWN


def shipments(record: wire.Order) -> tuple[Shipment, ...]:
    """The parcels on their way that have a number."""
    return tuple(
        Shipment(
            waybill=one.tracking_code,
            carrier=one.method,
            external_id=one.id,
            line_ids=tuple(line.order_line_id for line in one.lines),
            created_at=one.created_at,
        )
        for one in record.fulfillments or []
        if one.tracking_code and one.state in _SENT
    )


def address(record: wire.Address | None) -> Address | None:
    """Ours from theirs. The name is one field there; the last word is taken as the last name."""
    if record is None or not any((record.street_line1, record.city, record.full_name)):
        return None
    first, _, last = (record.full_name or "").strip().rpartition(" ")
    street = " ".join(part for part in (record.street_line1, record.street_line2) if part)
    return Address(
        first_name=first or None,
        last_name=last or None,
        company=record.company or None,
        street=street or None,
        postcode=record.postal_code or None,
        city=record.city or None,
        region=record.province or None,
        country=record.country_code or None,
        phone=record.phone_number or None,
    )


def postal(
    party: Address, name: str | None = None, phone: str | None = None, country: str | None = None
) -> dict[str, str]:
    """Theirs from ours; `name`, `phone` and `country` where the address itself has none."""
    own = " ".join(part for part in (party.first_name, party.last_name) if part)
    fields = {
        "fullName": own or name or party.company,
        "company": party.company,
        "streetLine1": party.street or "-",
        "city": party.city,
        "province": party.region,
        "postalCode": party.postcode,
        "countryCode": party.country or country,
        "phoneNumber": party.phone or phone,
    }
    return {key: value for key, value in fields.items() if value is not None}


def delivery_text(shipping: Shipping) -> str | None:
    """What the buyer chose, in words for the people who pack it."""
    return "\n".join(part for part in (shipping.method, _point_text(shipping.pickup_point)) if part) or None


def _point_text(point: PickupPoint | None) -> str | None:
    if point is None:
        return None
    place = point.address
    where = (place.street, place.postcode, place.city) if place else ()
    return ", ".join(part for part in (point.id, point.name, *where) if part)


def invoice_text(party: InvoiceParty | None) -> str | None:
    """To whom the invoice goes, with the tax numbers, for which Vendure has no field."""
    if party is None:
        return None
    place = party.address
    name = place.company or " ".join(part for part in (place.first_name, place.last_name) if part)
    numbers = [f"{number.kind} {number.value}" for number in party.tax_ids]
    return ", ".join(part for part in (name, *numbers) if part) or None
