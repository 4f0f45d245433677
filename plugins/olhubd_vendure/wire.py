"""Vendure's own shapes, as far as they are used. Money is an integer of minor units; unknown fields are skipped."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

__all__ = [
    "Address",
    "Administrator",
    "Channel",
    "Core",
    "CustomFields",
    "Customer",
    "Fulfillment",
    "History",
    "Key",
    "Line",
    "Method",
    "Order",
    "Orders",
    "Outcome",
    "Payment",
    "Product",
    "Refund",
    "Refusal",
    "Variant",
]


class _Wire(msgspec.Struct, rename="camel", gc=False):
    pass


class Outcome(_Wire, kw_only=True):
    """What any mutation answers at least: the type, and for an ErrorResult why."""

    typename: str | None = msgspec.field(default=None, name="__typename")
    error_code: str | None = None
    message: str | None = None
    transition_error: str | None = None
    result: str | None = None
    id: str | None = None
    state: str | None = None
    order: Ref | None = None
    refusal: Refusal | None = None


class Ref(_Wire, kw_only=True):
    id: str


class Refusal(_Wire, kw_only=True):
    """Why the server plugin did not make an order. `about` names the part, `line` is the place of a line."""

    error_code: str
    message: str
    about: str | None = None
    line: int | None = None


class User(_Wire, kw_only=True):
    identifier: str


class Customer(_Wire, kw_only=True):
    id: str
    email_address: str
    first_name: str = ""
    last_name: str = ""
    phone_number: str | None = None
    user: User | None = None


class Address(_Wire, kw_only=True):
    full_name: str | None = None
    company: str | None = None
    street_line1: str | None = None
    street_line2: str | None = None
    city: str | None = None
    province: str | None = None
    postal_code: str | None = None
    country_code: str | None = None
    phone_number: str | None = None


class Product(_Wire, kw_only=True):
    enabled: bool = True


class Variant(_Wire, kw_only=True):
    id: str
    sku: str
    name: str = ""
    enabled: bool = True
    product: Product | None = None
    custom_fields: dict[str, Any] | None = None

    @property
    def for_sale(self) -> bool:
        """Whether the shop puts it into orders."""
        return self.enabled and (self.product is None or self.product.enabled)


class Discount(_Wire, kw_only=True):
    description: str
    amount_with_tax: int


class Line(_Wire, kw_only=True):
    """`quantity` falls when pieces are cancelled, `order_placed_quantity` does not."""

    id: str
    quantity: int
    order_placed_quantity: int
    unit_price_with_tax: int
    line_price_with_tax: int
    prorated_line_price_with_tax: int
    tax_rate: float
    product_variant: Variant
    custom_fields: dict[str, Any] | None = None


class Surcharge(_Wire, kw_only=True):
    id: str
    description: str
    sku: str | None = None
    price_with_tax: int


class Code(_Wire, kw_only=True):
    code: str


class Method(_Wire, kw_only=True):
    """A delivery method."""

    id: str
    code: str
    name: str = ""
    calculator: Code | None = None


class ShippingLine(_Wire, kw_only=True):
    shipping_method: Method


class Refund(_Wire, kw_only=True):
    id: str
    total: int
    state: str


class Payment(_Wire, kw_only=True):
    id: str
    method: str
    amount: int
    state: str
    created_at: datetime
    transaction_id: str | None = None
    refunds: list[Refund] = []

    @property
    def kept(self) -> int:
        """What was received and not paid back, in minor units."""
        received = self.amount if self.state == "Settled" else 0
        return received - sum(one.total for one in self.refunds if one.state == "Settled")


class FulfillmentLine(_Wire, kw_only=True):
    order_line_id: str
    quantity: int


class Fulfillment(_Wire, kw_only=True):
    id: str
    state: str
    method: str
    created_at: datetime
    tracking_code: str | None = None
    lines: list[FulfillmentLine]


class Core(_Wire, kw_only=True):
    """What is needed of an order to know that it is there. No other field decides about that."""

    id: str
    code: str = ""
    state: str
    currency_code: str
    total_with_tax: int
    custom_fields: dict[str, Any] | None = None

    def custom(self, name: str) -> Any:
        return (self.custom_fields or {}).get(name)


class Order(Core, kw_only=True):
    code: str
    active: bool
    created_at: datetime
    updated_at: datetime
    order_placed_at: datetime | None = None
    shipping_with_tax: int
    customer: Customer | None = None
    shipping_address: Address | None = None
    billing_address: Address | None = None
    lines: list[Line]
    surcharges: list[Surcharge] = []
    discounts: list[Discount] = []
    shipping_lines: list[ShippingLine] = []
    payments: list[Payment] | None = None
    fulfillments: list[Fulfillment] | None = None


class Orders(_Wire, kw_only=True):
    """A page of records kept as text, so that one that cannot be read does not cost its neighbours."""

    items: list[msgspec.Raw]
    total_items: int


class Key(_Wire, kw_only=True):
    """What says that an order is there and when it moved, however little else of it can be read."""

    id: str
    created_at: datetime | None = None
    updated_at: datetime | None = None
    order_placed_at: datetime | None = None
    state: str | None = None

    @property
    def sound(self) -> bool:
        """Whether it has times that a feed can go by."""
        times = (self.created_at, self.updated_at, self.order_placed_at)
        known = [at for at in times if at is not None]
        return None not in times[:2] and all(map(_placeable, known))

    def time(self, field: str) -> datetime | None:
        """The time that the server calls `field`."""
        times = {"createdAt": self.created_at, "updatedAt": self.updated_at, "orderPlacedAt": self.order_placed_at}
        return times[field]


def _placeable(at: datetime) -> bool:
    """Whether a time compares with others, and with those a little before and after it."""
    return at.tzinfo is not None and 1970 <= at.year < 9999


class Field(_Wire, kw_only=True):
    """A custom field. `length` is how many letters it holds, where it says so."""

    name: str
    type: str | None = None
    length: int | None = None


class CustomFields(_Wire, kw_only=True):
    entity_name: str
    custom_fields: list[Field]


class OrderState(_Wire, kw_only=True):
    name: str


class Channel(_Wire, kw_only=True):
    id: str
    code: str
    default_currency_code: str


class Administrator(_Wire, kw_only=True):
    id: str


class HistoryEntry(_Wire, kw_only=True):
    id: str
    administrator: Administrator | None = None
    data: dict[str, Any] = {}


class History(_Wire, kw_only=True):
    items: list[HistoryEntry]
    total_items: int = 0
