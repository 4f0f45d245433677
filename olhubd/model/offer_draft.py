"""What an offer is to be: how a seller describes it before it is there, or what of it is to be otherwise.

A field that is None says nothing: of a new offer the marketplace's own default holds, of one that is there it
stays. Policies, rates and producers are named as they are called at the account, or by their identifiers there.
"""

from __future__ import annotations

import msgspec

from olhubd.model.money import Money
from olhubd.model.party import Address

__all__ = ["OfferDraft", "OfferFlaw", "OfferParameter"]


class OfferParameter(msgspec.Struct, frozen=True, kw_only=True):
    """A property of the thing, by its name in the category or its identifier there, such as Colour: white.

    Values are as buyers read them, or their identifiers. Of a range they are the two ends.
    """

    name: str
    values: tuple[str, ...]


class OfferDraft(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An offer of one account, by the seller's own mark on it: no account has two offers with one mark."""

    sku: str
    """The seller's own mark: by it the offer is looked up, and linked to what it sells."""
    name: str | None = None
    """Its title."""
    ean: str | None = None
    """EAN, UPC or ISBN, by which the marketplace knows the product."""
    product: str | None = None
    """The marketplace's own identifier of the product, where it has a catalogue."""
    category: str | None = None
    """The marketplace's identifier of the category; left out, the one that it suggests for the title."""
    price: Money | None = None
    """Of one piece, with tax."""
    quantity: int | None = None
    """Pieces for sale. Where stock control keeps the account, they come from stock."""
    parameters: tuple[OfferParameter, ...] = ()
    """What the category asks of the thing. Empty says nothing."""
    description: str | None = None
    """What buyers read, with a few tags of HTML that the marketplace allows."""
    images: tuple[str, ...] = ()
    """Addresses of pictures, the main one first. Empty says nothing."""
    shipping: str | None = None
    """The price list of deliveries."""
    handling_days: int | None = None
    """Within how many days it is handed over to the carrier; 0 is at once."""
    returns: str | None = None
    """The policy of returns."""
    implied_warranty: str | None = None
    """The conditions of complaints."""
    warranty: str | None = None
    """The warranty, where the seller gives one."""
    producer: str | None = None
    """Who is responsible for the product in the European Union."""
    safety: str | None = None
    """What buyers must know to use it safely."""
    tax: str | None = None
    """The rate of the tax in per cent, or the marketplace's word for an exemption."""
    ship_from: Address | None = None
    """Where it is sent from, as it is set for the account; None is what the marketplace knows itself."""


class OfferFlaw(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with one field of a draft. `field` is its name, such as `price` or `parameters.Colour`."""

    field: str
    why: str
