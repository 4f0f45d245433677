"""Vendure's own shapes of what is in its catalogue, as far as they are used."""

from __future__ import annotations

from typing import Any

import msgspec

from olhubd.plugin import Side
from olhubd_vendure import wire_stock

__all__ = ["CatalogueProduct", "ProductVariant", "VariantsAnswer"]


class _Wire(msgspec.Struct, rename="camel", gc=False):
    pass


class Asset(_Wire):
    source: Side[str] = ""


class Group(_Wire):
    name: Side[str] = ""


class Option(_Wire):
    name: Side[str] = ""
    group: Side[Group | None] = None


class Pictured(_Wire, kw_only=True):
    featured_asset: Side[Asset | None] = None
    assets: Side[list[Asset]] = []

    @property
    def pictures(self) -> tuple[str, ...]:
        """The addresses of its pictures, the main one first."""
        first = [self.featured_asset] if self.featured_asset is not None else []
        return tuple(dict.fromkeys(one.source for one in (*first, *self.assets) if one.source))


class CatalogueProduct(Pictured, kw_only=True):
    id: str
    enabled: bool
    name: Side[str] = ""
    description: Side[str] = ""


class ProductVariant(Pictured, kw_only=True):
    id: str
    sku: str
    enabled: bool
    product: CatalogueProduct
    name: Side[str] = ""
    options: list[Option]
    prices: list[wire_stock.VariantPrice]
    tax_rate_applied: Side[wire_stock.AppliedRate | None] = None
    custom_fields: dict[str, Any] | None = None

    @property
    def state(self) -> str:
        """In words why it is not on sale, where it is not."""
        if not self.product.enabled:
            return "product disabled"
        return "enabled" if self.enabled else "disabled"

    def ean(self, field: str | None) -> str | None:
        """Its EAN, in the custom field of this name."""
        value = (self.custom_fields or {}).get(field) if field else None
        return value if isinstance(value, str) and value else None


class VariantsPage(_Wire):
    """Rows kept as text, so that one that cannot be read does not cost its neighbours."""

    items: list[msgspec.Raw]
    total_items: int


class VariantsAnswer(_Wire):
    product_variants: VariantsPage

    @property
    def page(self) -> VariantsPage:
        return self.product_variants
