"""What Allegro answers about offers and about commands that change them: only what is read of it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec

from olhubd.plugin import Side

__all__ = [
    "CommandReport",
    "CommandTask",
    "CommandTasks",
    "External",
    "OfferDetails",
    "OfferEvents",
    "OfferKey",
    "OfferPage",
    "OfferProductSet",
    "OfferRow",
    "OfferStock",
    "SellingMode",
    "SoldProduct",
]


class _Wire(msgspec.Struct, rename="camel", gc=False):
    pass


class External(_Wire):
    id: Side[str | None] = None


class OfferStock(_Wire):
    available: int | None = None


class Publication(_Wire):
    status: str
    started_at: Side[datetime | None] = None
    ended_at: Side[datetime | None] = None


class OfferMoney(_Wire):
    amount: Decimal
    currency: str


class PriceRuleKey(_Wire):
    id: str


class PriceAutomation(_Wire):
    """The rule of Allegro's that sets the price by itself."""

    rule: Side[PriceRuleKey | None] = None


class SellingMode(_Wire):
    """How it is sold. `price` is the offer's own, whatever a campaign makes of it; an auction has none."""

    format: Side[str | None] = None
    price: Side[OfferMoney | None] = None
    price_automation: Side[PriceAutomation | None] = None


class Picture(_Wire):
    url: str


class OfferRow(_Wire):
    """A row of the seller's offers: what buyers meet, without its description."""

    id: str
    publication: Publication
    name: Side[str] = ""
    external: Side[External | None] = None
    stock: OfferStock | None = None
    selling_mode: Side[SellingMode | None] = None
    primary_image: Side[Picture | None] = None


class OfferPublication(_Wire):
    """How an offer is listed. `republish`: again by itself when it has ended, with the quantity it began with."""

    republish: bool | None = None
    ended_by: Side[str | None] = None


class PieceCount(_Wire):
    value: int | None = None


class ProductKey(_Wire):
    id: str | None = None


class ProductSetElement(_Wire):
    """One product that an offer sells, and how many pieces of it."""

    product: ProductKey | None = None
    quantity: PieceCount | None = None


class OfferDetails(_Wire):
    """Of an offer's details, what its row in the list does not say."""

    id: str
    publication: OfferPublication | None = None


class OfferProductSet(_Wire):
    """Of an offer's details, which products it sells. What is bent here is no set of one piece."""

    id: str
    product_set: list[ProductSetElement] | None = None


class ParameterTraits(msgspec.Struct, gc=False):
    """Whether a parameter is the article number."""

    is_gtin: bool | None = msgspec.field(default=None, name="isGTIN")


class ProductParameter(_Wire):
    options: Side[ParameterTraits | None] = None
    values: Side[list[str] | None] = None


class SoldProduct(_Wire):
    """A product of the catalogue, of which the article numbers are read."""

    id: str
    parameters: list[ProductParameter] = []


class OfferKey(_Wire):
    id: str


class OfferPage(_Wire):
    """One page of the seller's offers. Rows stay raw, so that one that cannot be read takes no other along."""

    offers: list[msgspec.Raw]
    total_count: int | None = None


class OfferEvent(_Wire):
    id: str
    offer: OfferKey


class OfferEvents(_Wire):
    offer_events: list[OfferEvent]


class CommandReport(_Wire):
    """The summary of a command. Its counts are not looked at: they stay zero for a while."""

    id: str
    completed_at: str | None = None


class CommandError(_Wire):
    code: Side[str | None] = None
    message: Side[str | None] = None
    user_message: Side[str | None] = None


class CommandTask(_Wire):
    """What became of one offer of a command."""

    offer: OfferKey
    status: str
    field: Side[str | None] = None
    message: Side[str | None] = None
    errors: Side[list[CommandError] | None] = None


class CommandTasks(_Wire):
    tasks: list[CommandTask]
