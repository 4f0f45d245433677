"""Tiny Shop's words to ours and back. Pure: no calls, no settings."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal

import msgspec

from olhubd.model import (
    Address,
    Buyer,
    Charge,
    Discount,
    InvoiceParty,
    Line,
    Money,
    Order,
    Payment,
    PaymentType,
    PickupPoint,
    Shipping,
    Stage,
)
from olhubd.plugin import Comparison, Push, Side

STAGES = {
    "open": Stage.PLACED,
    "ready": Stage.CONFIRMED,
    "cancelled": Stage.CANCELLED,
    "refunded": Stage.CANCELLED,
}
PAYMENTS = {"card": PaymentType.ONLINE, "transfer": PaymentType.TRANSFER, "cod": PaymentType.CASH_ON_DELIVERY}
WORDS = {kind: word for word, kind in PAYMENTS.items()}


class Item(msgspec.Struct, kw_only=True):
    """A line; `price` is gross, for one piece. One without `sku` is bound to no product: a fee, say. `mark` is the
    caller's own id of it."""

    id: str = ""
    name: str
    quantity: int
    price: Decimal
    sku: str | None = None
    mark: str | None = None


class Basket(msgspec.Struct, kw_only=True):
    """An order as one gives it to the shop."""

    currency: str
    payment: str
    paid: Decimal
    buyer: Buyer
    lines: list[Item]
    delivery: str | None
    delivery_cost: Decimal
    discount: Decimal
    address: Address | None
    invoice: InvoiceParty | None
    point: PickupPoint | None
    note: Side[str | None] = None
    reference: str | None
    notify: bool = False
    """Whether the shop writes to the buyer, who has the marketplace's mail already."""

    def money(self, amount: Decimal) -> Money:
        return Money(amount, self.currency)


class Sold(Basket, kw_only=True):
    """An order as the shop gives it back."""

    id: str
    state: str
    created: datetime
    total: Decimal


def to_order(sold: Sold) -> Order:
    return Order(
        external_id=sold.id,
        placed_at=sold.created,
        stage=STAGES.get(sold.state, Stage.UNKNOWN),
        external_stage=sold.state,
        lines=tuple(
            Line(external_id=i.id, name=i.name, quantity=i.quantity, price=sold.money(i.price), sku=i.sku)
            for i in sold.lines
        ),
        discounts=(Discount(kind="shop", amount=sold.money(sold.discount)),) if sold.discount else (),
        total=sold.money(sold.total),
        buyer=sold.buyer,
        invoice=sold.invoice,
        shipping=Shipping(
            method=sold.delivery,
            cost=sold.money(sold.delivery_cost),
            address=sold.address,
            pickup_point=sold.point,
        ),
        payment=Payment(
            type=PAYMENTS.get(sold.payment, PaymentType.UNKNOWN),
            external_type=sold.payment,
            paid=sold.money(sold.paid),
        ),
        buyer_note=sold.note,
        reference=sold.reference,
    )


def to_basket(push: Push, known: Collection[str]) -> Basket:
    """`known` are the SKUs that the shop sells; a line with another one becomes a free line."""
    order, way = push.order, push.order.shipping
    lines = [
        Item(
            name=line.name,
            quantity=line.quantity,
            price=line.price.amount,
            sku=line.sku if line.sku in known else None,
            mark=line.external_id,
        )
        for line in order.lines
    ]
    charges = [*order.charges, *(charge for line in order.lines for charge in line.charges)]
    if order.tax is not None:
        charges.append(Charge(kind="tax", price=order.tax))
    return Basket(
        reference=push.reference,
        currency=order.total.currency,
        payment=WORDS.get(order.payment.type, "transfer") if order.payment else "transfer",
        paid=order.paid.amount if push.include_payment else Decimal(0),
        buyer=order.buyer,
        lines=lines + [Item(name=c.name or c.kind, quantity=c.quantity, price=c.price.amount) for c in charges],
        discount=sum((d.amount.amount for d in order.discounts if d.amount), Decimal(0)),
        delivery=push.shipping_method or way.method,
        delivery_cost=way.cost.amount if way.cost else Decimal(0),
        address=order.recipient,
        invoice=order.invoice,
        point=way.pickup_point,
        note=order.buyer_note if push.include_note else None,
    )


def compared(basket: Basket, sold: Sold) -> Comparison:
    """What the shop stored otherwise than it was given it."""
    found = Comparison()
    sent, there = ([(line.mark or line.name, line.quantity) for line in one.lines] for one in (basket, sold))
    found.lines(sent, there)
    found.word("reference", basket.reference, sold.reference)
    if basket.address != sold.address:
        found.add("recipient", "is another one")
    return found
