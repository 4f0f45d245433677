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
    name: str
    sku: str | None = None
    ean: str | None = None
    parent_id: str | None = None
    price: Money | None = None
    tax: Tax | None = None
    quantity: int | None = None
    updated_at: datetime | None = None
    images: tuple[str, ...] = ()
    extra: dict[str, str] = {}


class OfferState(enum.StrEnum):
    ACTIVE = "active"
    INACTIVE = "inactive"
    ENDED = "ended"
    UNKNOWN = "unknown"


class Offer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One listing. `sku` is the seller's own mark on it; `quantity` what the marketplace still sells."""

    external_id: str
    name: str
    state: OfferState
    external_state: str | None = None
    sku: str | None = None
    ean: str | None = None
    price: Money | None = None
    quantity: int | None = None
    updated_at: datetime | None = None
    extra: dict[str, str] = {}


class CustomerKind(enum.StrEnum):
    DOMESTIC = "domestic"
    INTRA_EU = "intra-eu"
    EXTRA_EU = "extra-eu"


class Customer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A buyer across orders. `key` is stable per marketplace buyer and never made from a masked e-mail."""

    key: str
    account: str
    kind: CustomerKind | None = None
    email: str | None = None
    email_masked: bool = False
    address: Address | None = None
    delivery_address: Address | None = None
    tax_ids: tuple[TaxId, ...] = ()
