"""Vendure's own shapes of variants and of what is in stock, as far as they are used."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from olhubd.plugin import Side

__all__ = [
    "Key",
    "Level",
    "Location",
    "LocationsAnswer",
    "SetAnswer",
    "SettingsAnswer",
    "StockVariant",
    "VariantsAnswer",
]


class _Wire(msgspec.Struct, rename="camel", gc=False):
    pass


class Key(_Wire):
    id: str


class Level(_Wire, kw_only=True):
    """What one location holds of a variant."""

    stock_location_id: str
    stock_on_hand: int
    stock_allocated: int


class Preview(_Wire):
    """A picture, in a size for looking at."""

    preview: Side[str | None] = None


class Product(_Wire, kw_only=True):
    enabled: bool
    name: str = ""


class VariantPrice(_Wire, kw_only=True):
    """What a variant costs in one currency, as the channel keeps it: with tax or without."""

    currency_code: str
    price: int


class AppliedRate(_Wire):
    value: Decimal


class Variant(_Wire, kw_only=True):
    """What is asked of a variant whatever it is read for."""

    id: str
    name: str = ""
    sku: str
    enabled: bool
    product: Product
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


class ListedProduct(Product, kw_only=True):
    featured_asset: Side[Preview | None] = None


class StockVariant(Variant, kw_only=True):
    """A variant with what is in stock. What it costs and looks like is asked of offers alone, and decides about
    nothing else."""

    product: ListedProduct
    track_inventory: str
    use_global_out_of_stock_threshold: bool
    out_of_stock_threshold: int
    stock_levels: list[Level]
    price_with_tax: Side[int | None] = None
    prices: Side[list[VariantPrice] | None] = None
    tax_rate_applied: Side[AppliedRate | None] = None
    featured_asset: Side[Preview | None] = None
    created_at: Side[datetime | None] = None

    @property
    def picture(self) -> str | None:
        """The address of its picture: its own, else its product's."""
        asset = self.featured_asset or self.product.featured_asset
        return (asset.preview or None) if asset is not None else None

    @property
    def title(self) -> str:
        return self.name or self.product.name or self.sku

    @property
    def on_sale(self) -> bool:
        return self.enabled and self.product.enabled


class VariantsPage(_Wire):
    """Rows kept as text, so that one that cannot be read does not cost its neighbours."""

    items: list[msgspec.Raw]
    total_items: int


class VariantsAnswer(_Wire):
    product_variants: VariantsPage

    @property
    def page(self) -> VariantsPage:
        return self.product_variants


class Location(_Wire, kw_only=True):
    id: str
    name: str
    created_at: datetime


class Locations(_Wire):
    items: list[Location]
    total_items: int


class LocationsAnswer(_Wire):
    stock_locations: Locations

    @property
    def page(self) -> Locations:
        return self.stock_locations


class MoneyConfig(_Wire):
    money_strategy_precision: int


class StockSettings(_Wire):
    track_inventory: bool
    out_of_stock_threshold: int
    server_config: Side[MoneyConfig | None] = None


class PricedChannel(_Wire):
    """By which rules the channel keeps its prices."""

    default_currency_code: str
    prices_include_tax: bool
    available_currency_codes: Side[list[str]] = []


class SetAnswer(_Wire):
    update_product_variants: list[Key | None]


class SettingsAnswer(_Wire):
    global_settings: StockSettings
    active_channel: Side[PricedChannel | None] = None
