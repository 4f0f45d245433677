"""The order of every marketplace and shop, in one shape.

Prices are gross unless `Order.prices_include_tax` is false. Times are UTC. A value the source did not give is None,
which is not zero. Words of the source that we do not know stay verbatim in the `external_*` fields and the enum
beside them says UNKNOWN; nothing is mapped by default.
"""

from __future__ import annotations

import enum
from datetime import datetime
from decimal import Decimal

import msgspec

from olhubd.model.money import Money, total
from olhubd.model.party import Address, Buyer, InvoiceParty, PickupPoint

__all__ = [
    "Charge",
    "Discount",
    "Fulfilment",
    "Line",
    "Order",
    "Payment",
    "PaymentType",
    "Remitter",
    "Shipment",
    "Shipping",
    "Stage",
    "Tax",
    "reference",
]


class Stage(enum.StrEnum):
    """How far the purchase itself has come."""

    PLACED = "placed"
    """Bought, yet the buyer has not finished the delivery form or the payment: reserve, never ship."""
    CONFIRMED = "confirmed"
    """Complete and the buyer's last word: to be carried out."""
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


class Fulfilment(enum.StrEnum):
    """How far the seller has come with it."""

    NEW = "new"
    PROCESSING = "processing"
    READY = "ready"
    SENT = "sent"
    DELIVERED = "delivered"
    RETURNED = "returned"
    CANCELLED = "cancelled"
    SUSPENDED = "suspended"
    UNKNOWN = "unknown"


class PaymentType(enum.StrEnum):
    ONLINE = "online"
    TRANSFER = "transfer"
    SPLIT_VAT = "split-vat"
    """The Polish VAT split payment; not a payment in parts."""
    DEFERRED = "deferred"
    CASH_ON_DELIVERY = "cash-on-delivery"
    UNKNOWN = "unknown"


class Remitter(enum.StrEnum):
    """Who pays an amount on to those it is meant for, such as a tax office."""

    SELLER = "seller"
    """The seller receives it. It is part of their turnover."""
    MARKETPLACE = "marketplace"
    """The marketplace keeps it. The buyer pays it, and the seller never receives it."""


class Tax(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The tax within a line's price, or for which the price has none.

    `rate` is in per cent (23 is 23 %); None where the source does not say, which is not 0 %. `amount` is the tax of
    all pieces of the line, where the source gives it. `remitter` is the marketplace where it sells in its own name
    for tax (the import one-stop shop below 150 EUR, British and Norwegian imports): one of `rate` and `amount` must
    be known then.
    """

    rate: Decimal | None = None
    exemption: str | None = None
    """Why no tax is due, in the source's word."""
    subject: str | None = None
    """What the tax is on, goods or service, in the source's word."""
    amount: Money | None = None
    remitter: Remitter = Remitter.SELLER


class Discount(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A reduction. With an `amount` it counts in the order's sum; without one it only says why a price is low."""

    kind: str
    """What it is, in the source's word."""
    amount: Money | None = None
    name: str | None = None
    """What the buyer reads, such as a coupon's code."""


class Charge(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Something the buyer pays beside the goods: a service on a line, a deposit, a surcharge. `price` is for one.

    `remitter` is the marketplace for what it adds to the seller's prices and keeps, such as sales tax in the
    United States or what eBay calls collect and remit.
    """

    kind: str
    """What it is: service, deposit, fee, surcharge, rounding, sales-tax, or the source's own word."""
    price: Money
    quantity: int = 1
    """How many of it."""
    name: str | None = None
    """What the buyer reads."""
    external_id: str | None = None
    """Its number at the source."""
    remitter: Remitter = Remitter.SELLER

    @property
    def sum(self) -> Money:
        return self.price * self.quantity


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One offer bought. `price` is for one piece, after discounts; `original_price` before them.

    `external_id` is unique within the account and follows the purchase through merges and splits.
    `reimbursed` is what the marketplace pays the seller back for discounts it gave.
    """

    external_id: str
    name: str
    """What the source calls it, with its variant."""
    quantity: int
    """Pieces, at least 1."""
    price: Money
    original_price: Money | None = None
    offer_id: str | None = None
    """The offer at the source."""
    sku: str | None = None
    """The seller's own mark."""
    ean: str | None = None
    """EAN, UPC or ISBN, as the source gives it."""
    product_ids: tuple[str, ...] = ()
    """Its numbers in catalogues of the source."""
    tax: Tax | None = None
    """The tax of its price."""
    discounts: tuple[Discount, ...] = ()
    """Why its price is low. `price` has them taken off already, so they are in no sum."""
    charges: tuple[Charge, ...] = ()
    """Services and deposits bought with it; they add to its sum."""
    vouchers: tuple[str, ...] = ()
    """Codes of vouchers that were used for it."""
    reimbursed: Money | None = None
    bought_at: datetime | None = None
    """When it was bought, where that is not when the order was placed."""
    image: str | None = None
    """Address of a picture."""
    extra: dict[str, str] = {}
    """What has no field of its own, by names of the connector's."""

    @property
    def sum(self) -> Money:
        """What the buyer pays for the line with its charges."""
        if not self.charges:
            return self.price * self.quantity
        return total((self.price * self.quantity, *(charge.sum for charge in self.charges)), self.price.currency)

    @property
    def remitted_tax(self) -> Money | None:
        """The tax within the price of all pieces that the marketplace remits; None where the amount is not
        known."""
        goods, tax = self.price * self.quantity, self.tax
        if tax is None or tax.remitter is Remitter.SELLER:
            return Money(Decimal(0), goods.currency)
        if tax.amount is not None:
            return tax.amount
        if tax.rate is None:
            return None
        return Money(goods.amount * tax.rate / (100 + tax.rate), goods.currency).rounded()


class Shipping(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What the buyer chose for the way to them. `address` is the recipient's; dispatch and delivery are windows."""

    method_id: str | None = None
    """The source's id of the method; routes map it, else `method`."""
    method: str | None = None
    """The source's name of the method."""
    cost: Money | None = None
    """What the buyer pays for it."""
    address: Address | None = None
    pickup_point: PickupPoint | None = None
    """Where the buyer fetches it, if so."""
    dispatch_from: datetime | None = None
    """When it is to be sent at the earliest."""
    dispatch_by: datetime | None = None
    """When it is to be sent at the latest."""
    deliver_from: datetime | None = None
    """When it is to arrive at the earliest."""
    deliver_by: datetime | None = None
    """When it is to arrive at the latest."""
    address_changed_at: datetime | None = None
    """When the buyer changed the address last."""
    packages: int | None = None
    """How many parcels the source reckons with."""
    subscription: bool = False
    """The marketplace's free-delivery subscription paid for it (Allegro Smart, Amazon Prime)."""


class Payment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """How and how much was paid. `paid` is the money received: None when not known, zero when nothing."""

    type: PaymentType
    """How it is paid; routes map it."""
    external_type: str | None = None
    """The source's own word for `type`, verbatim."""
    external_id: str | None = None
    """Its number at the source."""
    provider: str | None = None
    """Who handles it, such as PayU."""
    paid: Money | None = None
    finished_at: datetime | None = None
    """When it was over. Without `paid` it means that the whole total was paid."""
    features: tuple[str, ...] = ()
    """Marks of the source's on it."""
    reimbursed: Money | None = None
    """What the marketplace pays the seller back for discounts it gave."""


class Shipment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A parcel on its way. `carrier` is a carrier code; `carrier_name` what people call it."""

    waybill: str
    """The number by which it is followed."""
    carrier: str
    carrier_name: str | None = None
    external_id: str | None = None
    """Its number at the source."""
    line_ids: tuple[str, ...] = ()
    """The lines in it, by their `external_id`; empty is all of the order."""
    url: str | None = None
    """Where it can be followed."""
    created_at: datetime | None = None
    """When it was registered."""

    @property
    def key(self) -> tuple[str, str]:
        """Identity: the same number of the same carrier, however it was typed."""
        return self.carrier.strip().upper(), "".join(self.waybill.split()).upper()


class Order(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One order of one account.

    `total` is what the buyer pays: lines with charges, shipping and order charges, less order discounts. It
    includes what the marketplace remits; `remitted` says how much that is.
    `reference` is set when this order carries a mark of ours, which means the hub itself pushed it there.
    `surcharges` are payments beside the first one; `paid` adds them up.
    """

    external_id: str
    """Its number at the source, by which it is known for ever; unique within the account."""
    placed_at: datetime
    """When it was bought."""
    stage: Stage
    """How far the purchase is."""
    external_stage: str
    """The source's own word for `stage`, verbatim."""
    lines: tuple[Line, ...]
    """What was bought; an order of charges alone has none."""
    total: Money
    buyer: Buyer
    """Who bought."""
    number: str | None = None
    """The number that people see, where it is not `external_id`."""
    revision: str | None = None
    """The source's mark of this version, where it has one."""
    updated_at: datetime | None = None
    """When the source changed it last, by its own clock."""
    fulfilment: Fulfilment = Fulfilment.NEW
    """How far the seller is."""
    external_fulfilment: str | None = None
    """The source's own word for `fulfilment`, verbatim."""
    fulfilled_by_marketplace: bool = False
    """The marketplace itself sends it, from its own warehouse."""
    marketplace: str | None = None
    """Which of the account's marketplaces it was bought at, such as allegro-pl; None where there is only one."""
    invoice: InvoiceParty | None = None
    """To whom an invoice was asked for; None where none was."""
    shipping: Shipping = Shipping()
    """The way to the buyer."""
    payment: Payment | None = None
    """The first payment, or how it is to be paid."""
    surcharges: tuple[Payment, ...] = ()
    charges: tuple[Charge, ...] = ()
    """Charges of the whole order. Those of one line belong to the line."""
    discounts: tuple[Discount, ...] = ()
    """Discounts of the whole order. Those with an amount are taken off."""
    shipments: tuple[Shipment, ...] = ()
    """Its parcels so far."""
    prices_include_tax: bool = True
    """Whether prices of lines, charges and delivery are gross."""
    tax: Money | None = None
    """Tax on top of the lines, where `prices_include_tax` is false."""
    tax_remitter: Remitter = Remitter.SELLER
    """Who remits `tax`."""
    buyer_note: str | None = None
    """What the buyer wrote to the seller."""
    seller_note: str | None = None
    """What the seller noted at the source."""
    reference: str | None = None
    extra: dict[str, str] = {}
    """What has no field of its own, by names of the connector's; `refunded` is the sum that the buyer has back."""

    @property
    def cash_on_delivery(self) -> bool:
        return self.payment is not None and self.payment.type is PaymentType.CASH_ON_DELIVERY

    @property
    def money_told(self) -> bool:
        """Whether the source says what was received, even if that is nothing."""
        payments = (self.payment, *self.surcharges) if self.payment else self.surcharges
        return any(payment.paid is not None for payment in payments) or self._finished

    @property
    def _finished(self) -> bool:
        """Whether the payment is said to be over, without its amount: not known is not zero."""
        payment = self.payment
        return payment is not None and payment.paid is None and payment.finished_at is not None

    @property
    def paid(self) -> Money:
        """All money received so far; the total where the source says only that the payment is over."""
        if self._finished and not self.cash_on_delivery:
            return self.total
        if not self.surcharges and self.payment is not None and self.payment.paid is not None:
            return self.payment.paid
        payments = (self.payment, *self.surcharges) if self.payment else self.surcharges
        return total([p.paid for p in payments if p.paid is not None], self.total.currency)

    @property
    def fully_paid(self) -> bool:
        return not self.cash_on_delivery and self.paid.amount >= self.total.amount

    @property
    def has_remitted(self) -> bool:
        """Whether the marketplace remits anything of it, even an amount of zero."""
        theirs = Remitter.MARKETPLACE
        if self.tax_remitter is theirs:
            return True
        for line in self.lines:
            if line.tax is not None and line.tax.remitter is theirs:
                return True
            for charge in line.charges:
                if charge.remitter is theirs:
                    return True
        return any(charge.remitter is theirs for charge in self.charges) if self.charges else False

    @property
    def remitted(self) -> Money:
        """What the marketplace collects from the buyer and pays on itself; never part of the seller's turnover."""
        if not self.has_remitted:
            return Money(Decimal(0), self.total.currency)
        parts = [charge.sum for charge in self.charges if charge.remitter is Remitter.MARKETPLACE]
        for line in self.lines:
            parts.extend(charge.sum for charge in line.charges if charge.remitter is Remitter.MARKETPLACE)
            within = line.remitted_tax if line.tax is not None and self.prices_include_tax else None
            if within is not None and within.amount:
                parts.append(within)
        if self.tax is not None and self.tax_remitter is Remitter.MARKETPLACE:
            parts.append(self.tax)
        return total(parts, self.total.currency)

    @property
    def sellers_total(self) -> Money:
        """What the buyer pays to the seller: the total without what the marketplace remits."""
        return self.total - self.remitted if self.has_remitted else self.total

    @property
    def recipient(self) -> Address | None:
        """Where to send it: the delivery address, else the pick-up point's, else the buyer's own."""
        point = self.shipping.pickup_point
        for address in (self.shipping.address, point.address if point else None, self.buyer.address):
            if address is not None and address.reachable:
                return address
        return None

    def expected_total(self) -> Money:
        """What the parts sum up to. Raises CurrencyMismatch when they are not of one currency."""
        currency = self.total.currency
        parts = [line.sum for line in self.lines]
        parts.extend(charge.sum for charge in self.charges)
        if self.shipping.cost is not None:
            parts.append(self.shipping.cost)
        if self.tax is not None:
            parts.append(self.tax)
        parts.extend(-discount.amount for discount in self.discounts if discount.amount is not None)
        return total(parts, currency)


def reference(account: str, external_id: str) -> str:
    """Our mark on an order that we push somewhere: made of what outlives even our own database."""
    return f"{account}:{external_id}"
