"""Products, offers and customers: what is sold, where, and to whom.

A product is the seller's; an offer is one marketplace's listing of it; a link between them is a record of its
own. Quantities are pieces that can be sold; None means the source does not count, which is not zero.
"""

from __future__ import annotations

import enum
from datetime import datetime

import msgspec

from olhubd.model.money import Money
from olhubd.model.order import Tax
from olhubd.model.party import Address, TaxId

__all__ = ["Customer", "CustomerKind", "Offer", "OfferState", "Product"]


class Product(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One thing in the seller's own catalogue. `parent_id` is set for a variant."""

    external_id: str
    """Its number at the source."""
    name: str
    """What it is called."""
    sku: str | None = None
    """The seller's own mark."""
    ean: str | None = None
    """EAN, UPC or ISBN."""
    parent_id: str | None = None
    price: Money | None = None
    """Of one piece."""
    tax: Tax | None = None
    """The tax of its price."""
    quantity: int | None = None
    """Pieces that can be sold; None is not counted."""
    updated_at: datetime | None = None
    """When the source changed it last."""
    images: tuple[str, ...] = ()
    """Addresses of pictures."""
    extra: dict[str, str] = {}
    """What has no field of its own."""


class OfferState(enum.StrEnum):
    ACTIVE = "active"
    INACTIVE = "inactive"
    ENDED = "ended"
    UNKNOWN = "unknown"


class Offer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One listing. `sku` is the seller's own mark on it; `quantity` what the marketplace still sells."""

    external_id: str
    """Its number at the marketplace."""
    name: str
    """Its title."""
    state: OfferState
    """Whether it can be bought."""
    external_state: str | None = None
    """The marketplace's own word for `state`."""
    sku: str | None = None
    ean: str | None = None
    """EAN, UPC or ISBN."""
    price: Money | None = None
    """Of one piece."""
    quantity: int | None = None
    updated_at: datetime | None = None
    """When it was changed last."""
    extra: dict[str, str] = {}
    """What has no field of its own."""


class CustomerKind(enum.StrEnum):
    DOMESTIC = "domestic"
    INTRA_EU = "intra-eu"
    EXTRA_EU = "extra-eu"


class Customer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A buyer across orders. `key` is stable per marketplace buyer and never made from a masked e-mail."""

    key: str
    account: str
    """Where they buy."""
    kind: CustomerKind | None = None
    """Where they are, seen from the seller, for tax."""
    email: str | None = None
    """To write to them."""
    email_masked: bool = False
    """Whether `email` is a mask of the marketplace's."""
    address: Address | None = None
    """Their own address."""
    delivery_address: Address | None = None
    """Where their last order went."""
    tax_ids: tuple[TaxId, ...] = ()
    """Their tax and register numbers."""
