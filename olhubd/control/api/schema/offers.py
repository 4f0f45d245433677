"""The offers of the channels: what each sells, what it must show and what it shows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from olhubd.control.api.schema.base import AnswerStruct, Before, Limit, Page, RequestStruct, Text
from olhubd.control.api.schema.prices import price_fields
from olhubd.decide.stock.level import OfferLevel
from olhubd.decide.stock.linking import Verdict
from olhubd.model import Link, Linking, Money, OfferState, beside, plain
from olhubd.store.offers import StoredOffer
from olhubd.store.stock_items import StockItem

__all__ = ["LinkedItem", "OfferItem", "OfferPage", "OfferRow", "OffersFilter", "OffersQuery", "level_fields"]


class OffersFilter(RequestStruct, frozen=True, kw_only=True):
    """All that is given must fit. `text` begins the name, or is the offer's number or its mark of the seller.

    `unlinked`: it is not known what it sells. `sold_out`: it must show nothing. `uneven`: it does not show what it
    must. `doubted`: a person must look at its link.
    """

    account: str | None = None
    state: OfferState | None = None
    linking: Linking | None = None
    unlinked: bool = False
    sold_out: bool = False
    uneven: bool = False
    doubted: bool = False
    text: Text | None = None
    sku: Text | None = None
    ean: Text | None = None


class OffersQuery(OffersFilter, frozen=True, kw_only=True):
    """The newest first. Pages go on by `before`, the `next` of the last one; one may be short, and not the last."""

    before: Before | None = None
    limit: Limit = 50


class OfferItem(AnswerStruct, frozen=True, kw_only=True):
    """A stock item that an offer may sell, of the stock master `account`. `together` is how many pieces of it the
    offer takes where it sells it with the other candidates, by the products that its marketplace names."""

    id: int
    account: str
    external_id: str
    sku: str | None
    ean: str | None
    name: str
    together: int | None = None

    @classmethod
    def of(cls, item: StockItem, together: int | None = None) -> OfferItem:
        return cls(
            id=item.id,
            account=item.account,
            external_id=item.level.external_id,
            sku=item.level.sku,
            ean=item.level.ean,
            name=item.level.name,
            together=together,
        )


class LinkedItem(AnswerStruct, frozen=True, kw_only=True):
    """One part of what an offer sells: `units` of the item. `by` is what it was linked by, `made_by` who linked or
    confirmed it last, None for the hub itself. `doubt` is why a person must look at it."""

    item: OfferItem
    units: int
    by: str
    made_by: str | None
    linked_at: datetime
    doubt: str | None
    doubt_code: str | None = None
    doubt_values: dict[str, Any] | None = None

    @classmethod
    def of(cls, link: Link, item: StockItem) -> LinkedItem:
        return cls(
            item=OfferItem.of(item),
            units=link.units,
            by=link.origin.value,
            made_by=link.made_by,
            linked_at=link.linked_at,
            doubt=plain(link.doubt) if link.doubt is not None else None,
            **beside("doubt", link.doubt),
        )


class OfferRow(AnswerStruct, frozen=True, kw_only=True):
    """An offer of `account`. `quantity` is what the channel said last that it sells.

    `image` is the address of its main picture.

    `wanted` is what it must show and `shown` what it showed when it was read last; `confirmed_at` is when it was
    read last that the two are the same. `reason` says why it is not as wanted. What is not linked has `candidates`,
    and `why` it is linked to none of them by itself.

    Of its `price` the same is said. `price_sync` is the switch of the offer, None while that of its account is off,
    and `price_rule` the marketplace's own rule that sets its price.
    """

    id: int
    account: str
    external_id: str
    name: str
    sku: str | None
    ean: str | None
    state: OfferState
    external_state: str | None
    quantity: int | None
    set_size: int | None
    image: str | None
    read_at: datetime
    linking: Linking
    links: tuple[LinkedItem, ...] = ()
    candidates: tuple[OfferItem, ...] = ()
    why: str | None = None
    wanted: int | None = None
    shown: int | None = None
    sent: int | None = None
    share: int | None = None
    may_sell: int | None = None
    confirmed_at: datetime | None = None
    phase: str | None = None
    reason: str | None = None
    price: Money | None = None
    price_wanted: Money | None = None
    price_sync: bool | None = None
    price_rule: str | None = None
    price_confirmed_at: datetime | None = None
    price_reason: str | None = None
    price_reason_code: str | None = None
    price_reason_values: dict[str, Any] | None = None
    why_code: str | None = None
    why_values: dict[str, Any] | None = None
    reason_code: str | None = None
    reason_values: dict[str, Any] | None = None

    @classmethod
    def of(
        cls,
        listed: StoredOffer,
        links: Sequence[tuple[Link, StockItem]],
        level: OfferLevel | None,
        verdict: Verdict | None,
        candidates: Sequence[StockItem],
        price: OfferLevel | None,
        account_on: bool,
    ) -> OfferRow:
        offer = listed.offer
        why = verdict.why if verdict is not None else None
        return cls(
            id=listed.id,
            account=listed.account,
            external_id=offer.external_id,
            name=offer.name,
            sku=offer.sku,
            ean=offer.ean,
            state=offer.state,
            external_state=offer.external_state,
            quantity=offer.quantity,
            set_size=offer.set_size,
            image=offer.image,
            read_at=listed.read_at,
            linking=listed.linking,
            links=tuple(LinkedItem.of(link, item) for link, item in links),
            candidates=tuple(
                OfferItem.of(item, verdict.units.get(item.id) if verdict is not None else None)
                for item in candidates
            ),
            why=plain(why) if why is not None else None,
            **beside("why", why),
            **level_fields(level),
            **price_fields(listed, price, account_on),
        )


def level_fields(level: OfferLevel | None) -> dict[str, Any]:
    """What an offer must show and shows, as the fields of an answer."""
    if level is None:
        return {}
    # Why it may not be raised outlives what was said last.
    reason = level.reason or level.held
    return {
        "wanted": level.wanted,
        "shown": level.confirmed,
        "sent": level.sent,
        "share": level.wanted if level.allocated else None,
        "may_sell": level.bound,
        "confirmed_at": level.confirmed_at,
        "phase": level.phase.value,
        "reason": plain(reason) if reason is not None else None,
        **beside("reason", reason),
    }


OfferPage = Page[OfferRow]
