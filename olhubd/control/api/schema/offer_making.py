"""Offers that the hub makes, changes and ends: what is asked, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import msgspec

from olhubd.control.api.schema.base import AnswerStruct, Before, Limit, Name, Page, RequestStruct, Text
from olhubd.engine.operator.offer_making import Made
from olhubd.model import Delivery, Money, OfferDraft, OfferParameter, beside, plain
from olhubd.store.offer_drafts import StoredDraft

__all__ = [
    "ChangeOfferRequest",
    "CopyOfferRequest",
    "CreateOfferRequest",
    "DraftFields",
    "DraftPage",
    "DraftRow",
    "DraftsQuery",
    "EndOfferRequest",
    "MadeOfferAnswer",
    "ParameterField",
    "WrongField",
]

_MOST_DIGITS = 11
_Description = Annotated[str, msgspec.Meta(min_length=1, max_length=50_000)]
_Images = Annotated[tuple[Text, ...], msgspec.Meta(max_length=50)]


class ParameterField(RequestStruct, frozen=True, kw_only=True):
    """A property that the category asks for, by its name or its number there; of a range the two ends."""

    name: Name
    values: Annotated[tuple[Text, ...], msgspec.Meta(min_length=1, max_length=50)]


class DraftFields(RequestStruct, frozen=True, kw_only=True):
    """What an offer is to be. What is left out comes from the product, or stays as it is, or is the marketplace's.

    `price` is a decimal as text, with tax, in `currency`. `category` and `product` are the marketplace's numbers;
    without a category the suggested one is taken. `shipping`, `returns`, `implied_warranty`, `warranty` and
    `producer` are named as the account calls them. `handling_days` is within how many days it is handed over. `tax`
    is a rate in per cent, or the marketplace's word for an exemption.
    """

    name: Text | None = None
    ean: Text | None = None
    product: Text | None = None
    category: Text | None = None
    price: Text | None = None
    currency: Text = "PLN"
    quantity: int | None = None
    parameters: Annotated[tuple[ParameterField, ...], msgspec.Meta(max_length=100)] = ()
    description: _Description | None = None
    images: _Images = ()
    shipping: Text | None = None
    handling_days: int | None = None
    returns: Text | None = None
    implied_warranty: Text | None = None
    warranty: Text | None = None
    producer: Text | None = None
    safety: _Description | None = None
    tax: Text | None = None

    def draft(self, sku: str) -> OfferDraft:
        """As a draft with this mark of the seller. Raises ArithmeticError where the price is no number."""
        said = {name: getattr(self, name) for name in OfferDraft.__struct_fields__ if hasattr(self, name)}
        price = Money(Decimal(self.price.replace(",", ".")), self.currency) if self.price is not None else None
        if price is not None and price.exact and price.amount.adjusted() > _MOST_DIGITS:
            raise InvalidOperation  # nothing can be computed with it
        parameters = tuple(OfferParameter(name=one.name, values=one.values) for one in self.parameters)
        return OfferDraft(**{**said, "sku": sku, "price": price, "parameters": parameters})


class CreateOfferRequest(DraftFields, frozen=True, kw_only=True):
    """An offer to be made on `account`. `sku` is the seller's mark, by which it is never made twice.

    `source` is a product that was imported, by its mark, its EAN, or its number at its stock master: it fills what
    is left out. With `publish` off it stays a draft. With `check` nothing is made, and the answer shows what would
    be sent.
    """

    account: Name
    sku: Text | None = None
    source: Text | None = None
    publish: bool = True
    check: bool = False


class ChangeOfferRequest(DraftFields, frozen=True, kw_only=True):
    """What of the offer is to be otherwise. `publish`, alone, lets buyers buy one that is a draft."""

    publish: bool = False
    check: bool = False


class EndOfferRequest(RequestStruct, frozen=True, kw_only=True):
    """The offer is to be ended, and stock control does not bring it back."""


class CopyOfferRequest(DraftFields, frozen=True, kw_only=True):
    """The account that the same offer is to be made on. What is given counts instead of what the offer has."""

    to: Name
    sku: Text | None = None
    check: bool = False


class WrongField(AnswerStruct, frozen=True, kw_only=True):
    """What is wrong with one field, by its name in the request."""

    field: str
    why: str
    why_code: str | None = None
    why_values: dict[str, Any] | None = None


class MadeOfferAnswer(AnswerStruct, frozen=True, kw_only=True):
    """What became of what was asked: `accepted`, `unchanged` (it was asked before), `refused` with what is `wrong`,
    or `checked`.

    `sends` is the request in the marketplace's own words, `category` what its category is called. `unchecked` is
    why the marketplace could not be asked for its rules; they are looked at before it is sent.
    """

    outcome: str
    account: str
    sku: str
    offer: str | None = None
    wrong: tuple[WrongField, ...] = ()
    sends: dict[str, Any] = msgspec.field(default_factory=dict)
    category: str | None = None
    unchecked: str | None = None
    unchecked_code: str | None = None
    unchecked_values: dict[str, Any] | None = None

    @classmethod
    def of(cls, account: str, made: Made, offer: str | None = None) -> MadeOfferAnswer:
        prepared = made.prepared
        return cls(
            outcome=made.outcome.value,
            account=account,
            sku=made.draft.sku,
            offer=offer or (made.stored.offer if made.stored is not None else None),
            wrong=tuple(
                WrongField(field=one.field, why=plain(one.why), **beside("why", one.why)) for one in made.flaws
            ),
            sends=dict(prepared.body) if prepared is not None else {},
            category=prepared.category if prepared is not None else None,
            unchecked=plain(made.unchecked) if made.unchecked is not None else None,
            **beside("unchecked", made.unchecked),
        )


class DraftsQuery(RequestStruct, frozen=True, kw_only=True):
    """The newest first. Pages go on by `before`, the `next` of the last one."""

    account: str | None = None
    before: Before | None = None
    limit: Limit = 50


class DraftRow(AnswerStruct, frozen=True, kw_only=True):
    """An offer that was asked for: its mark, and the `offer` that was made. `state` is that of the last delivery of
    it, `reason` why it waits. `published` says whether buyers are to buy it."""

    id: int
    account: str
    sku: str
    name: str | None
    offer: str | None
    published: bool
    made_by: str
    changed_at: datetime
    delivery: int | None = None
    action: str | None = None
    state: str | None = None
    reason: str | None = None
    reason_code: str | None = None
    reason_values: dict[str, Any] | None = None

    @classmethod
    def of(cls, one: StoredDraft, deliveries: Sequence[Delivery]) -> DraftRow:
        last = deliveries[-1] if deliveries else None
        waiting = next((row for row in deliveries if row.state.open), last)
        why = waiting.reason or waiting.error if waiting is not None else None
        return cls(
            id=one.id,
            account=one.account,
            sku=one.draft.sku,
            name=one.draft.name,
            offer=one.offer,
            published=one.publish,
            made_by=one.made_by,
            changed_at=one.changed_at,
            delivery=waiting.id if waiting is not None else None,
            action=waiting.action.value if waiting is not None else None,
            state=waiting.state.value if waiting is not None else None,
            reason=plain(why) if why is not None else None,
            **beside("reason", why),
        )


DraftPage = Page[DraftRow]
