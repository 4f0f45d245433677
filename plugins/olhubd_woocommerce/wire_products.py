"""A product of the shop's catalogue as WooCommerce describes it, as far as this plugin reads it."""

from __future__ import annotations

import msgspec

from olhubd.plugin import Side
from olhubd_woocommerce import wire

__all__ = ["PriceRow", "ProductRow"]


class Attribute(msgspec.Struct, frozen=True):
    """What a variation is of several: `option` of the attribute `name`."""

    name: Side[str] = ""
    option: Side[str] = ""


class BundledItem(msgspec.Struct, frozen=True):
    """A part of a bundle, a kind of product that a plugin brings."""

    product_id: int
    quantity_min: Side[int] = 1


class ProductRow(msgspec.Struct, frozen=True):
    """A product or a variation as its catalogue describes it. A variation has one `image` instead of several."""

    id: int
    type: Side[str] = "simple"
    name: Side[str] = ""
    status: Side[str] = "publish"
    sku: Side[str | None] = None
    global_unique_id: Side[str | None] = None
    description: Side[str] = ""
    weight: Side[str] = ""
    images: Side[list[wire.Image]] = []
    image: Side[wire.Image | None] = None
    attributes: Side[list[Attribute]] = []
    bundled_items: list[BundledItem] = []
    tax_class: Side[str] = ""
    tax_status: Side[str] = "taxable"


class PriceRow(msgspec.Struct, frozen=True):
    """A product or a variation with its prices. Each is a text: empty where there is none."""

    id: int
    type: Side[str] = "simple"
    regular_price: str | int | float | None = None
    sale_price: str | int | float | None = None
    date_on_sale_from_gmt: str | None = None
    date_on_sale_to_gmt: str | None = None
    tax_class: Side[str] = ""
    tax_status: Side[str] = "taxable"
