"""Products: what is in a seller's own catalogue, as its stock master describes it.

What a piece costs is a `ListPrice`, and how many there are a `StockLevel`: both bear the number of the product.
"""

from __future__ import annotations

import enum
from decimal import Decimal

import msgspec

from olhubd.model.order import Tax

__all__ = ["Category", "Product", "ProductKind", "ProductState", "SetPart"]


class ProductKind(enum.StrEnum):
    """What can be bought of a product. Its word is stored, so it never changes."""

    SIMPLE = "simple"
    """The product itself."""
    PARENT = "parent"
    """One of its variants, and not the product itself."""
    VARIANT = "variant"
    """The variant itself, of the parent in `parent_id`."""
    SET = "set"
    """All of its parts together."""
    GROUP = "group"
    """Each of the products that it shows together, and not the group itself."""


class ProductState(enum.StrEnum):
    """Whether the source shows a product to buyers. Its word is stored, so it never changes."""

    LISTED = "listed"
    DRAFT = "draft"
    """It is not ready yet, or waits for somebody's approval."""
    PRIVATE = "private"
    """The seller alone sees it, or it is disabled."""
    BIN = "bin"
    """It is deleted and can be restored."""
    UNKNOWN = "unknown"


class Category(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Where a product stands in its source's catalogue."""

    external_id: str
    """Its number at the source."""
    name: str
    """What it is called there."""


class SetPart(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What one piece of a set consists of: so many pieces of another product of the same source."""

    item: str
    """The number of the product or variant at the source."""
    pieces: int = 1
    """How many of it."""


class Product(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One thing in the seller's own catalogue. None is not known, or that there is none."""

    external_id: str
    """Its number at the source; that of its stock item and its prices."""
    name: str
    """What it is called."""
    kind: ProductKind = ProductKind.SIMPLE
    """What can be bought of it."""
    state: ProductState = ProductState.LISTED
    """Whether its source shows it to buyers."""
    external_state: str | None = None
    """The source's own word for `state`."""
    on_sale: bool = True
    """Whether it may be sold elsewhere: by its state, as the account's settings say what that means."""
    shared: bool = True
    """Whether its source shares it with the hub. What is not shared is not imported."""
    sku: str | None = None
    """The seller's own mark."""
    ean: str | None = None
    """EAN, UPC or ISBN, as it is written there."""
    parent_id: str | None = None
    """The number of its parent; only of a variant."""
    parts: tuple[SetPart, ...] = ()
    """What is in it; only of a set."""
    description: str | None = None
    """What buyers read, with the source's own markup."""
    manufacturer: str | None = None
    """Who makes it, or its brand."""
    categories: tuple[Category, ...] = ()
    """The first is the main one, where the source has such."""
    images: tuple[str, ...] = ()
    """Addresses of pictures, the main one first."""
    unit: str | None = None
    """In what it is sold; None for pieces."""
    weight: Decimal | None = None
    """Of one piece, in kilograms."""
    tax: Tax | None = None
    """The tax of its price at the seller's place."""
    options: dict[str, str] = {}
    """What distinguishes a variant from its neighbours, such as Colour: white."""
    extra: dict[str, str] = {}
    """What has no field of its own."""
