"""What an offer costs, and why."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from olhubd.control.api.schema.base import Amount, AnswerStruct, Page, RequestStruct
from olhubd.decide.stock.level import OfferLevel
from olhubd.engine.prices.explaining import PricedItem, PricedOffer
from olhubd.model import Money, beside, plain
from olhubd.store.offers import StoredOffer

__all__ = [
    "ApprovePriceRequest",
    "FollowPriceRequest",
    "ListedPrice",
    "OfferPriceAnswer",
    "PricedItemPage",
    "PricedItemRow",
    "PricedOfferRow",
    "price_fields",
]


class ApprovePriceRequest(RequestStruct, frozen=True, kw_only=True):
    """`price` is the amount that was seen to wait, in the currency of the offer; another one by now is refused."""

    price: Amount


class FollowPriceRequest(RequestStruct, frozen=True, kw_only=True):
    """Whether the price of the offer follows its product."""

    follow: bool


class OfferPriceAnswer(AnswerStruct, frozen=True, kw_only=True):
    """An offer of `account` of whose price something was said."""

    account: str
    external_id: str


class ListedPrice(AnswerStruct, frozen=True, kw_only=True):
    """The price of an item in one list of its master; None where the list has none. `basis` is `gross` or `net`."""

    price_list: str
    price: Money | None
    basis: str
    read_at: datetime


class PricedOfferRow(AnswerStruct, frozen=True, kw_only=True):
    """An offer that sells the item. `price` is what it costs as it was read last.

    `price_computed` is what the lists and the rule make of it now, `price_why` why they make nothing.
    `price_wanted` is what was newly brought and is to be sent, or was sent; None where nothing was. `price_sync` is
    the offer's own switch, None while that of its account is off. `price_reason` says why it is not as wanted.
    """

    account: str
    external_id: str
    name: str
    price: Money | None
    price_computed: Money | None = None
    price_why: str | None = None
    price_wanted: Money | None = None
    price_sync: bool | None = None
    price_rule: str | None = None
    price_confirmed_at: datetime | None = None
    price_reason: str | None = None
    price_why_code: str | None = None
    price_why_values: dict[str, Any] | None = None
    price_reason_code: str | None = None
    price_reason_values: dict[str, Any] | None = None

    @classmethod
    def of(cls, one: PricedOffer, account_on: bool) -> PricedOfferRow:
        listed = one.priced.offer
        found = one.priced.found
        return cls(
            account=listed.account,
            external_id=listed.offer.external_id,
            name=listed.offer.name,
            price_computed=found.price,
            price_why=plain(found.why) if found.why is not None else None,
            **beside("price_why", found.why),
            **price_fields(listed, one.level, account_on),
        )


class PricedItemRow(AnswerStruct, frozen=True, kw_only=True):
    """A stock item of `account`, its prices in the lists there, and its offers."""

    account: str
    external_id: str
    name: str
    sku: str | None
    listed: tuple[ListedPrice, ...]
    offers: tuple[PricedOfferRow, ...]

    @classmethod
    def of(cls, one: PricedItem, channels: frozenset[str], now: datetime) -> PricedItemRow:
        level = one.item.level
        return cls(
            account=one.item.account,
            external_id=level.external_id,
            name=level.name,
            sku=level.sku,
            listed=tuple(
                ListedPrice(
                    price_list=price.record.price_list,
                    price=price.record.at(now),
                    basis=price.record.basis.value,
                    read_at=price.read_at,
                )
                for price in one.listed
            ),
            offers=tuple(PricedOfferRow.of(offer, offer.priced.offer.account in channels) for offer in one.offers),
        )


def price_fields(listed: StoredOffer, level: OfferLevel | None, account_on: bool) -> dict[str, Any]:
    """What an offer must cost and costs, as the fields of an answer."""
    found: dict[str, Any] = {
        "price": listed.offer.price,
        "price_rule": listed.offer.price_rule,
        "price_sync": listed.price_sync if account_on else None,
    }
    if level is None:
        return found
    reason = level.reason or level.held
    wanted = level.wanted is not None and level.currency is not None
    return found | {
        "price_wanted": Money.of_minor(level.wanted, level.currency) if wanted else None,  # type: ignore[arg-type]
        "price_confirmed_at": level.confirmed_at,
        "price_reason": plain(reason) if reason is not None else None,
        **beside("price_reason", reason),
    }


PricedItemPage = Page[PricedItemRow]
