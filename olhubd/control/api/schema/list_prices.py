"""The price lists of the stock masters, and the prices in them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec

from olhubd.control.api.schema.base import AnswerStruct, Before, Limit, Page, RequestStruct, Text, shape
from olhubd.model import Money, PriceBasis, Reduction, Tax
from olhubd.store.list_prices import PriceCount, StoredPrice

__all__ = [
    "Currency",
    "ListPricePage",
    "ListPriceRow",
    "ListPricesQuery",
    "PriceListPage",
    "PriceListRow",
    "PriceListsQuery",
]

Currency = Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$", **shape("shape.currency"))]


class PriceListsQuery(RequestStruct, frozen=True, kw_only=True):
    """Of one stock master, or of all."""

    account: str | None = None


class PriceListRow(AnswerStruct, frozen=True, kw_only=True):
    """A price list of the stock master `account`.

    `prices` is how many products it has a price for, by currency, `unpriced` how many it names without one.
    `found_at` is when the first was read, `channels` are the accounts whose offers cost what this list says.
    """

    account: str
    name: str
    prices: dict[str, int]
    unpriced: int
    found_at: datetime
    channels: tuple[str, ...] = ()

    @classmethod
    def of(cls, counts: Sequence[PriceCount], channels: Sequence[str]) -> PriceListRow:
        """`counts` are all of one list."""
        return cls(
            account=counts[0].account,
            name=counts[0].name,
            prices={one.currency: one.prices for one in counts if one.currency is not None and one.prices},
            unpriced=sum(one.prices for one in counts if one.currency is None),
            found_at=min(one.found_at for one in counts),
            channels=tuple(channels),
        )


class ListPricesQuery(RequestStruct, frozen=True, kw_only=True):
    """All that is given must fit. `item` is the product's or variant's number at the master, `sku` its mark of the
    seller. Pages go on by `before`, the `next` of the last one; one may be short, and not the last."""

    account: str | None = None
    price_list: Text | None = None
    currency: Currency | None = None
    item: Text | None = None
    sku: Text | None = None
    before: Before | None = None
    limit: Limit = 50


class ListPriceRow(AnswerStruct, frozen=True, kw_only=True):
    """The price of one product or variant of `account` in one list. `name` and `sku` are None where not known.

    `price` is what one piece costs now, `regular` what it costs without the `reduction`. Both are None where the
    list has no price for it. `basis` says whether tax is in them, `changes_at` when the price changes by the clock.
    """

    id: int
    account: str
    item: str
    name: str | None
    sku: str | None
    price_list: str
    price: Money | None
    regular: Money | None
    basis: PriceBasis
    tax: Tax | None
    reduction: Reduction | None
    read_at: datetime
    changes_at: datetime | None

    @classmethod
    def of(cls, one: StoredPrice, name: str | None, sku: str | None, now: datetime) -> ListPriceRow:
        record = one.record
        return cls(
            id=one.id,
            account=one.account,
            item=record.item,
            name=name,
            sku=sku,
            price_list=record.price_list,
            price=record.at(now),
            regular=record.price,
            basis=record.basis,
            tax=record.tax,
            reduction=record.reduction,
            read_at=one.read_at,
            changes_at=record.changes_after(now),
        )


PriceListPage = Page[PriceListRow]
ListPricePage = Page[ListPriceRow]
