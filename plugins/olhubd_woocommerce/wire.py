"""WooCommerce's own shapes, as far as this plugin reads them. Fields it does not know are skipped.

Money is text with a point; times are GMT without a suffix. Nothing here is required that an older shop may lack.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

__all__ = [
    "Address",
    "Applied",
    "Customer",
    "Fee",
    "FulfilmentRow",
    "Head",
    "Item",
    "Meta",
    "Option",
    "Order",
    "OrderMeta",
    "Product",
    "RateRow",
    "Shipping",
    "StatusTotal",
    "Tracking",
    "meta_value",
    "moment",
]


class Meta(msgspec.Struct, frozen=True):
    key: str
    value: Any = None
    id: int | None = None


class Address(msgspec.Struct, frozen=True):
    first_name: str = ""
    last_name: str = ""
    company: str = ""
    address_1: str = ""
    address_2: str = ""
    city: str = ""
    state: str = ""
    postcode: str = ""
    country: str = ""
    email: str = ""
    phone: str = ""


class Applied(msgspec.Struct, frozen=True):
    """A tax rate applied to one item."""

    id: int
    total: str = ""


class Image(msgspec.Struct, frozen=True):
    src: str | None = None


class Item(msgspec.Struct, frozen=True):
    id: int
    name: str = ""
    product_id: int = 0
    variation_id: int = 0
    quantity: int = 1
    tax_class: str = ""
    subtotal: str = ""
    total: str = "0"
    taxes: list[Applied] = []
    sku: str | None = None
    global_unique_id: str | None = None
    image: Image | None = None
    meta_data: list[Meta] = []


class Fee(msgspec.Struct, frozen=True):
    id: int
    name: str | None = None
    tax_class: str = ""
    total: str = "0"
    taxes: list[Applied] = []


class Shipping(msgspec.Struct, frozen=True):
    id: int
    method_id: str | None = None
    method_title: str | None = None
    instance_id: str | None = None
    total: str = "0"
    taxes: list[Applied] = []
    meta_data: list[Meta] = []


class Coupon(msgspec.Struct, frozen=True):
    code: str = ""


class TaxLine(msgspec.Struct, frozen=True):
    rate_id: int
    rate_percent: float | None = None


class Refund(msgspec.Struct, frozen=True):
    total: str = "0"


class Order(msgspec.Struct, frozen=True):
    id: int
    status: str
    currency: str
    total: str
    date_created_gmt: str | None
    number: str = ""
    date_modified_gmt: str | None = None
    date_paid_gmt: str | None = None
    total_tax: str = "0"
    customer_id: int = 0
    customer_note: str = ""
    created_via: str = ""
    payment_method: str = ""
    payment_method_title: str = ""
    transaction_id: str = ""
    billing: Address = Address()
    shipping: Address = Address()
    line_items: list[Item] = []
    shipping_lines: list[Shipping] = []
    fee_lines: list[Fee] = []
    coupon_lines: list[Coupon] = []
    tax_lines: list[TaxLine] = []
    refunds: list[Refund] = []
    meta_data: list[Meta] = []


class Head(msgspec.Struct, frozen=True):
    """What paging needs of an order, even of one that cannot be read otherwise."""

    id: int
    date_modified_gmt: str = "1970-01-01T00:00:00"
    date_created_gmt: str | None = None


class OrderMeta(msgspec.Struct, frozen=True):
    id: int
    meta_data: list[Meta] = []


class Product(msgspec.Struct, frozen=True):
    id: int
    type: str = "simple"
    parent_id: int = 0
    sku: str | None = None
    global_unique_id: str | None = None
    tax_class: str = ""
    tax_status: str = "taxable"


class RateRow(msgspec.Struct, frozen=True, rename={"tax_class": "class"}):
    id: int
    rate: str
    tax_class: str
    country: str = ""
    state: str = ""
    postcode: str = ""
    city: str = ""
    postcodes: list[str] = []
    cities: list[str] = []
    priority: int = 1
    compound: bool = False
    shipping: bool = True
    order: int = 0


class Option(msgspec.Struct, frozen=True):
    """One setting of the shop."""

    id: str
    value: Any = None


class Slug(msgspec.Struct, frozen=True):
    slug: str


class StatusTotal(msgspec.Struct, frozen=True):
    slug: str
    name: str


class Customer(msgspec.Struct, frozen=True):
    id: int
    email: str = ""
    username: str = ""


class FulfilmentRow(msgspec.Struct, frozen=True):
    id: int | str | None = None
    is_fulfilled: bool = False
    meta_data: list[Meta] = []


class Tracking(msgspec.Struct, frozen=True):
    """One parcel of the Shipment Tracking plugin."""

    tracking_number: str = ""
    tracking_provider: str | None = None
    custom_tracking_provider: str | None = None
    tracking_id: str | None = None
    tracking_link: str | None = None
    custom_tracking_link: str | None = None

    @property
    def carrier(self) -> str:
        return self.tracking_provider or self.custom_tracking_provider or ""


class Index(msgspec.Struct, frozen=True):
    """What the shop says of itself to anybody."""

    name: str = ""
    home: str = ""
    timezone_string: str = ""
    gmt_offset: float | str | None = None


def moment(text: str) -> datetime:
    """The UTC time of a `*_gmt` field. Raises ValueError."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def meta_value(rows: list[Meta], key: str) -> str | None:
    """The text under `key`, None when it is missing, empty or no text."""
    for row in rows:
        if row.key == key and isinstance(row.value, str | int) and str(row.value).strip():
            return str(row.value).strip()
    return None
