"""WooCommerce's own shapes, as far as this plugin reads them. Fields it does not know are skipped.

Money is text with a point; times are GMT without a suffix. Nothing here is required that an older shop may lack,
and a field marked `Side` decides about nothing: what a plugin of the shop bends there is taken as absent.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from olhubd.model import Money
from olhubd.plugin import ContractBroken, Side

__all__ = [
    "Address",
    "Applied",
    "Batch",
    "BatchRow",
    "Customer",
    "Fee",
    "FulfilmentRow",
    "Head",
    "Item",
    "Meta",
    "Option",
    "Order",
    "OrderMark",
    "Product",
    "RateRow",
    "Shipping",
    "StatusTotal",
    "Stored",
    "Tracking",
    "meta_value",
    "moment",
    "offer_number",
    "own_sku",
    "total",
]


class Meta(msgspec.Struct, frozen=True):
    key: str
    value: Any = None
    id: Side[int | str | None] = None


class Address(msgspec.Struct, frozen=True):
    first_name: Side[str] = ""
    last_name: Side[str] = ""
    company: Side[str] = ""
    address_1: Side[str] = ""
    address_2: Side[str] = ""
    city: Side[str] = ""
    state: Side[str] = ""
    postcode: Side[str] = ""
    country: Side[str] = ""
    email: Side[str] = ""
    phone: Side[str] = ""


class Applied(msgspec.Struct, frozen=True):
    """A tax rate applied to one item. Services that compute taxes put words of their own into `id`."""

    id: Side[int | str | None] = None
    total: Side[str] = ""


class Image(msgspec.Struct, frozen=True):
    src: Side[str | None] = None


class Item(msgspec.Struct, frozen=True):
    id: int
    name: Side[str] = ""
    product_id: Side[int] = 0
    variation_id: Side[int] = 0
    quantity: Decimal = Decimal(1)
    """Pieces; a fraction of one where the shop sells by weight or length."""
    tax_class: Side[str] = ""
    subtotal: Side[str] = ""
    total: str = "0"
    taxes: Side[list[Applied]] = []
    sku: Side[str | None] = None
    global_unique_id: Side[str | None] = None
    image: Side[Image | None] = None
    meta_data: Side[list[Meta]] = []


class Fee(msgspec.Struct, frozen=True):
    id: int
    name: Side[str | None] = None
    tax_class: Side[str] = ""
    total: str = "0"
    taxes: Side[list[Applied]] = []


class Shipping(msgspec.Struct, frozen=True):
    id: int
    method_id: Side[str | None] = None
    method_title: Side[str | None] = None
    instance_id: Side[str | None] = None
    total: str = "0"
    taxes: Side[list[Applied]] = []
    meta_data: Side[list[Meta]] = []


class Coupon(msgspec.Struct, frozen=True):
    code: Side[str] = ""


class TaxLine(msgspec.Struct, frozen=True):
    rate_id: Side[int | str | None] = None
    rate_percent: Side[float | None] = None


class Refund(msgspec.Struct, frozen=True):
    total: Side[str] = "0"


class Stored(msgspec.Struct, frozen=True):
    """An order as the shop's answer to a write or a look-up shows it: that it is there, and what is compared of it.

    A row that cannot be read is not there, which the comparison then reports.
    """

    id: int
    status: str
    currency: str
    total: str
    number: Side[str] = ""
    date_created_gmt: Side[str | None] = None
    date_modified_gmt: Side[str | None] = None
    date_paid_gmt: Side[str | None] = None
    customer_id: Side[int] = 0
    customer_note: Side[str] = ""
    created_via: Side[str] = ""
    payment_method: Side[str] = ""
    payment_method_title: Side[str] = ""
    transaction_id: Side[str] = ""
    billing: Side[Address] = Address()
    shipping: Side[Address] = Address()
    line_items: Side[list[Item]] = []
    shipping_lines: Side[list[Shipping]] = []
    fee_lines: Side[list[Fee]] = []
    refunds: Side[list[Refund]] = []
    meta_data: Side[list[Meta]] = []


class Order(Stored, frozen=True):
    """An order of the shop's own, of which every row, amount and date counts."""

    date_created_gmt: str | None = None
    date_modified_gmt: str | None = None
    date_paid_gmt: str | None = None
    total_tax: str = "0"
    line_items: list[Item] = []
    shipping_lines: list[Shipping] = []
    fee_lines: list[Fee] = []
    coupon_lines: Side[list[Coupon]] = []
    tax_lines: Side[list[TaxLine]] = []


NO_ORDERS = frozenset({"auto-draft", "checkout-draft", "draft"})
"""Half-filled forms that a shop keeps among its orders."""


class Head(msgspec.Struct, frozen=True):
    """What paging needs of an order, even of one that cannot be read otherwise."""

    id: int
    date_modified_gmt: str = "1970-01-01T00:00:00"
    date_created_gmt: Side[str | None] = None


class OrderMark(msgspec.Struct, frozen=True):
    """What a search needs of an order."""

    id: int
    status: Side[str] = ""
    meta_data: Side[list[Meta]] = []


class Product(msgspec.Struct, frozen=True):
    id: int
    type: Side[str] = "simple"
    status: Side[str] = "publish"
    parent_id: Side[int] = 0
    sku: Side[str | None] = None
    global_unique_id: Side[str | None] = None
    tax_class: Side[str] = ""
    tax_status: Side[str] = "taxable"


class RateRow(msgspec.Struct, frozen=True, rename={"tax_class": "class"}):
    id: int
    rate: Side[str] = ""
    tax_class: Side[str] = "standard"
    country: Side[str] = ""
    state: Side[str] = ""
    postcode: Side[str] = ""
    city: Side[str] = ""
    postcodes: Side[list[str]] = []
    cities: Side[list[str]] = []
    priority: Side[int] = 1
    compound: Side[bool] = False
    shipping: Side[bool] = True
    order: Side[int] = 0

    @property
    def percent(self) -> Decimal:
        """Nothing where it is no number."""
        try:
            percent = Decimal(self.rate.strip() or "0")
        except InvalidOperation:
            return Decimal(0)
        return percent if percent.is_finite() else Decimal(0)


class Option(msgspec.Struct, frozen=True):
    """One setting of the shop."""

    id: Side[str] = ""
    value: Any = None


class Slug(msgspec.Struct, frozen=True):
    slug: Side[str] = ""


class StatusTotal(msgspec.Struct, frozen=True):
    slug: Side[str] = ""
    name: Side[str] = ""


class ShippingKind(msgspec.Struct, frozen=True):
    id: str
    title: Side[str] = ""


class ShippingZone(msgspec.Struct, frozen=True):
    id: int
    name: Side[str] = ""


class ShippingWay(msgspec.Struct, frozen=True):
    instance_id: int
    method_id: str
    title: Side[str] = ""


class Gateway(msgspec.Struct, frozen=True):
    id: str
    title: Side[str] = ""
    method_title: Side[str] = ""


class Customer(msgspec.Struct, frozen=True):
    id: int
    email: Side[str] = ""
    username: Side[str] = ""


class FulfilmentRow(msgspec.Struct, frozen=True):
    id: Side[int | str | None] = None
    is_fulfilled: Side[bool] = False
    meta_data: Side[list[Meta]] = []


class Tracking(msgspec.Struct, frozen=True):
    """One parcel of the Shipment Tracking plugin."""

    tracking_number: Side[str] = ""
    tracking_provider: Side[str | None] = None
    custom_tracking_provider: Side[str | None] = None
    tracking_id: Side[str | None] = None
    tracking_link: Side[str | None] = None
    custom_tracking_link: Side[str | None] = None

    @property
    def carrier(self) -> str:
        return self.tracking_provider or self.custom_tracking_provider or ""


class Index(msgspec.Struct, frozen=True):
    """What the shop says of itself to anybody."""

    name: Side[str] = ""
    home: Side[str] = ""
    timezone_string: Side[str] = ""
    gmt_offset: Side[float | str | None] = None


def total(order: Stored) -> Money:
    """What the shop says the buyer pays. Raises ValueError."""
    try:
        amount = Decimal(order.total)
    except InvalidOperation:
        amount = Decimal("nan")
    if not amount.is_finite():
        raise ValueError("the order's total is not a number")
    return Money(amount, order.currency)


def moment(text: str) -> datetime:
    """The UTC time of a `*_gmt` field. Raises ValueError."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def meta_value(rows: list[Meta], key: str) -> str | None:
    """The text under `key`, None when it is missing, empty or no text."""
    for row in rows:
        if row.key == key and (text := _text(row)):
            return text
    return None


def _text(row: Meta) -> str:
    value = row.value
    return str(value).strip() if isinstance(value, str | int) else ""


class StockKey(msgspec.Struct, frozen=True):
    id: int


def offer_number(id_: int, parent: int) -> str:
    """The number of an offer: a product's own, whose parent is itself; of a variation its parent's and its own,
    "100:101", since the shop writes a variation below its parent only."""
    return str(id_) if id_ == parent else f"{parent}:{id_}"


class Named(msgspec.Struct, frozen=True):
    """A category, a tag or a brand."""

    id: int
    name: Side[str] = ""
    slug: Side[str] = ""


class ProductHead(msgspec.Struct, frozen=True):
    """What is needed of a product to read it and its variations."""

    id: int
    type: Side[str] = "simple"
    name: Side[str] = ""
    status: Side[str] = "publish"
    sku: Side[str | None] = None
    tax_class: Side[str] = ""
    tax_status: Side[str] = "taxable"
    date_modified_gmt: Side[str | None] = None
    categories: Side[list[Named]] = []
    brands: Side[list[Named]] = []
    tags: Side[list[Named]] = []


class StockRow(msgspec.Struct, frozen=True):
    """A product or a variation with its count. `manage_stock` is "parent" where a variation has its parent's."""

    id: int
    type: Side[str] = "simple"
    name: Side[str] = ""
    status: Side[str] = "publish"
    sku: Side[str | None] = None
    global_unique_id: Side[str | None] = None
    manage_stock: bool | str = False
    stock_quantity: int | float | None = None
    stock_status: Side[str] = "instock"
    date_modified_gmt: Side[str | None] = None

    @property
    def pieces(self) -> int | None:
        """The count; None where there is none. Raises ContractBroken where it is no number of whole pieces."""
        if isinstance(self.stock_quantity, float) and not self.stock_quantity.is_integer():
            raise ContractBroken("the quantity is no whole number of pieces", field="stock_quantity")
        return None if self.stock_quantity is None else int(self.stock_quantity)


class OfferRow(msgspec.Struct, frozen=True):
    """A product or a variation as buyers see it."""

    id: int
    status: str
    type: Side[str] = "simple"
    name: Side[str] = ""
    sku: Side[str | None] = None
    global_unique_id: Side[str | None] = None
    manage_stock: Side[bool | str | None] = None
    stock_quantity: Side[int | None] = None
    stock_status: Side[str] = "instock"
    purchasable: Side[bool | None] = None
    regular_price: Side[str | int | float | None] = None
    on_sale: Side[bool] = False
    tax_class: Side[str] = ""
    tax_status: Side[str] = "taxable"
    images: Side[list[Image]] = msgspec.field(default_factory=list)
    """Of a product, the main one first."""
    image: Side[Image | None] = None
    """Of a variation."""
    date_created_gmt: Side[str | None] = None

    @property
    def created_at(self) -> datetime | None:
        """When it was made; None where the shop does not say it as a date."""
        try:
            return moment(self.date_created_gmt) if self.date_created_gmt else None
        except ValueError:
            return None

    @property
    def picture(self) -> str | None:
        """The address of its main picture."""
        main = self.image if self.image is not None else next(iter(self.images), None)
        return (main.src or None) if main is not None else None


def own_sku(row: StockRow | OfferRow, parent: ProductHead) -> str | None:
    """The mark of a row: a variation without one of its own reports its parent's."""
    return (row.sku or None) if row.id == parent.id or row.sku != parent.sku else None


class BatchErrorData(msgspec.Struct, frozen=True):
    params: Side[dict[str, Any]] = {}


class BatchError(msgspec.Struct, frozen=True):
    code: Side[str] = ""
    message: Side[str] = ""
    data: Side[BatchErrorData] = BatchErrorData()

    @property
    def field(self) -> str | None:
        """The field that is refused, where the shop names one."""
        return next(iter(self.data.params), None)


class BatchRow(msgspec.Struct, frozen=True):
    """What became of one row of a batch; `error` where it failed."""

    id: int = 0
    error: BatchError | None = None


class Batch(msgspec.Struct, frozen=True):
    update: list[BatchRow] = []
