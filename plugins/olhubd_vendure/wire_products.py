"""Vendure's own shapes of what is in its catalogue, as far as they are used."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from olhubd.plugin import Side
from olhubd_vendure import wire_stock

__all__ = ["CatalogueProduct", "ProductVariant"]


class _Wire(msgspec.Struct, rename="camel", gc=False):
    pass


class Asset(_Wire):
    source: Side[str] = ""


class Group(_Wire):
    name: Side[str] = ""


class Option(_Wire):
    name: Side[str] = ""
    group: Side[Group | None] = None


class CatalogueProduct(wire_stock.Product, kw_only=True):
    id: str
    name: Side[str] = ""
    description: Side[str] = ""
    featured_asset: Side[Asset | None] = None
    assets: Side[list[Asset]] = msgspec.field(default_factory=list)

    @property
    def pictures(self) -> tuple[str, ...]:
        return _pictures(self.featured_asset, self.assets)


class ProductVariant(wire_stock.Variant, kw_only=True):
    product: CatalogueProduct
    name: Side[str] = ""
    options: list[Option]
    prices: list[wire_stock.VariantPrice]
    tax_rate_applied: Side[wire_stock.AppliedRate | None] = None
    featured_asset: Side[Asset | None] = None
    assets: Side[list[Asset]] = msgspec.field(default_factory=list)

    @property
    def pictures(self) -> tuple[str, ...]:
        return _pictures(self.featured_asset, self.assets)


def _pictures(main: Asset | None, others: Sequence[Asset]) -> tuple[str, ...]:
    """The addresses of pictures, the main one first."""
    first = [main] if main is not None else []
    return tuple(dict.fromkeys(one.source for one in (*first, *others) if one.source))
