"""Stock and offers: what is counted, and what is listed where.

An offer is one marketplace's listing of a product; a link between an offer and a stock item is a record of its own.
A stock item is what a stock master counts. Quantities are pieces that can be sold; None means the source does
not count, which is not zero.
"""

from __future__ import annotations

import enum
from datetime import datetime

import msgspec

from olhubd.model.money import Money

__all__ = [
    "CatalogueProduct",
    "Counting",
    "EndedBy",
    "LevelKind",
    "LevelStep",
    "Link",
    "LinkOrigin",
    "Linking",
    "Offer",
    "OfferContents",
    "OfferProduct",
    "OfferState",
    "OfferTerms",
    "Reservation",
    "StockBasis",
    "StockLevel",
]


class Counting(enum.StrEnum):
    """Whether a number of pieces is known. Only COUNTED is one, and zero is one too."""

    COUNTED = "counted"
    UNTRACKED = "untracked"
    """The source does not count this item."""
    UNKNOWN = "unknown"
    """The source counts it and has no number yet."""


class StockBasis(enum.StrEnum):
    """What a number of pieces means at its source."""

    ON_HAND = "on-hand"
    """Pieces on the shelf. Those that open orders of the source have taken are in `allocated`."""
    FREE = "free"
    """Pieces that can still be sold: those of the source's own open orders are off already."""


class StockLevel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What a stock master says of one stock item: a product or a variant with a count of its own.

    `quantity` is None unless `counting` is COUNTED. `on_sale` is False where the state of the product (draft, bin)
    means that it is not sold at present; its count is kept all the same.
    """

    external_id: str
    """Its number at the master."""
    name: str
    """What people call it."""
    counting: Counting
    basis: StockBasis
    """What `quantity` means."""
    quantity: int | None = None
    """Pieces; below zero where more were sold than there were."""
    allocated: int | None = None
    """Of `quantity`, what the master's open orders have taken; only where the basis is ON_HAND."""
    on_sale: bool = True
    """Whether it is sold at present."""
    external_state: str | None = None
    """The master's own word for `on_sale`."""
    sku: str | None = None
    """The seller's own mark."""
    ean: str | None = None
    """EAN, UPC or ISBN."""
    updated_at: datetime | None = None
    """When the master changed it last, by its own clock."""

    @property
    def free(self) -> int | None:
        """Pieces that can still be sold by the master's reckoning; None where there is no number."""
        if self.counting is not Counting.COUNTED or self.quantity is None:
            return None
        return self.quantity - (self.allocated or 0) if self.basis is StockBasis.ON_HAND else self.quantity


class LinkOrigin(enum.StrEnum):
    """By what an offer was linked to a stock item."""

    SKU = "sku"
    EAN = "ean"
    """By the article number and a second mark that agrees with it."""
    HAND = "hand"
    """By a person, who may have brought it in a file."""


class Linking(enum.StrEnum):
    """Whether it is known what an offer sells. Its word is stored, so it never changes."""

    LINKED = "linked"
    NONE = "none"
    """No stock item bears a mark of the offer."""
    PROPOSED = "proposed"
    """One stock item may be what it sells; one mark alone says so, so a person is asked."""
    CONFLICT = "conflict"
    """Several stock items may be."""
    LEFT = "left"
    """A person has unlinked it: it is linked by nobody else."""


class Link(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An offer sells pieces of a stock item: `units` of it in each piece of the offer.

    An offer of a set has several links. `offer` and `item` are the hub's numbers.
    """

    offer: int
    item: int
    origin: LinkOrigin
    """By what it was linked."""
    linked_at: datetime
    """When."""
    units: int = 1
    gtin: str | None = None
    """The article number that the offer had when it was linked; see `olhubd.model.check.gtin`."""
    set_size: int | None = None
    """The offer's set size then."""
    made_by: str | None = None
    """Who linked it; None for the hub itself."""
    doubt: str | None = None
    """Why a person must look at it before the offer shows more than it does."""


class Reservation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Pieces of a stock item that one line of an order needs.

    `taken` of the `pieces` are off the master's own stock since the event `taken_after` of the log: its copy of the
    order lowers it, or they were sent. A reading of the master that was asked for later shows them off.
    """

    order_id: int
    """The hub's number of the order."""
    line: str
    """The line's `external_id`."""
    item: int
    """The hub's number of the stock item."""
    account: str
    """Where it was sold."""
    pieces: int
    opened_after: int
    """The newest event when it was made: why it is there."""
    opened_at: datetime
    """When it was made."""
    taken: int = 0
    taken_after: int | None = None

    def unseen(self, read_after: int) -> int:
        """Pieces that a reading of the master does not show, if it was asked for after the event `read_after`."""
        seen = self.taken if self.taken_after is not None and self.taken_after <= read_after else 0
        return max(0, self.pieces - seen)


class LevelKind(enum.StrEnum):
    """What of an offer must be so. Its word is stored, so it never changes."""

    QUANTITY = "quantity"
    """How many pieces buyers can buy."""
    PRICE = "price"
    """What one piece costs, in the smallest coin of its currency."""


class LevelStep(enum.StrEnum):
    """What a write does to an offer. Its word is stored, so it never changes."""

    SHOW = "show"
    """Buyers can buy so many of it."""
    FILL = "fill"
    """An offer that has ended holds so many, and stays ended."""
    ACTIVATE = "activate"
    """An offer that has ended and holds so many can be bought again."""


class OfferState(enum.StrEnum):
    ACTIVE = "active"
    INACTIVE = "inactive"
    ENDED = "ended"
    UNKNOWN = "unknown"


class EndedBy(enum.StrEnum):
    """Who or what ended an offer. Its word is stored."""

    SELLER = "seller"
    """The seller, or a program of the seller's: the hub is one of them."""
    SOLD_OUT = "sold-out"
    EXPIRED = "expired"
    """Its time was over."""
    MARKETPLACE = "marketplace"
    """An administrator, or a rule of the marketplace."""
    UNKNOWN = "unknown"


class OfferTerms(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """By which terms an offer is listed, and how it ended. None is not known."""

    offer: str
    """Its number at the marketplace."""
    state: OfferState
    """Whether it can be bought."""
    buy_now: bool | None = None
    """Whether it is sold at a price and not by bids."""
    renews: bool | None = None
    """Whether the marketplace lists it again by itself when it has ended, with the quantity that it began with."""
    ended_at: datetime | None = None
    """When it ended last."""
    ended_by: EndedBy | None = None
    """Who ended it, where it has ended."""


class OfferProduct(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A product of a marketplace's catalogue that an offer sells."""

    product: str
    """Its number in the catalogue."""
    pieces: int = 1
    """So many of it a buyer gets with one piece of the offer."""


class OfferContents(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What an offer sells, by the catalogue of its marketplace. Several products, or several pieces, are a set."""

    offer: str
    """Its number at the marketplace."""
    products: tuple[OfferProduct, ...] = ()
    """Without one it is tied to no product of the catalogue."""


class CatalogueProduct(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the catalogue of a marketplace says of a product."""

    product: str
    """Its number in the catalogue."""
    eans: tuple[str, ...] = ()
    """Its article numbers (EAN, UPC, ISBN), as they are written there."""


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
    """Of one piece, as the seller has set it: what a campaign makes of it for a time is not meant."""
    price_rule: str | None = None
    """The marketplace's own rule that sets the price by itself; None where there is none, or none is reported."""
    listed_at: datetime | None = None
    """When it could be bought first, or again; None where it is not reported."""
    quantity: int | None = None
    set_size: int | None = None
    """Pieces of its product that a buyer gets with one piece of the offer; None where it is not reported."""
    image: str | None = None
    """Address of its main picture."""
    updated_at: datetime | None = None
    """When it was changed last."""
    extra: dict[str, str] = {}
    """What has no field of its own."""

    @property
    def buyable(self) -> int | None:
        """Pieces that buyers can still buy; None where its state or its quantity is not known."""
        if self.state is OfferState.UNKNOWN:
            return None
        return self.quantity if self.state is OfferState.ACTIVE else 0
