"""What may be sold of a stock item, and why."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from olhubd.control.api.schema.base import AnswerStruct, Before, Limit, Page, RequestStruct, Text
from olhubd.control.api.schema.offers import level_fields
from olhubd.engine.levels.explaining import ExplainedItem, ExplainedOffer
from olhubd.model import plain

__all__ = ["StockItemPage", "StockItemRow", "StockOfferRow", "StockQuery", "StockTermRow"]


class StockQuery(RequestStruct, frozen=True, kw_only=True):
    """All that is given must fit. `text` begins the name, or is the item's number or its mark of the seller.

    `unlinked`: no offer sells it. `sold_out`: an offer of it must show nothing, or its master has none. `uneven`:
    an offer of it does not show what it must. Pages go on by `before`, the `next` of the last one; one may be
    short, and not the last.
    """

    account: str | None = None
    unlinked: bool = False
    sold_out: bool = False
    uneven: bool = False
    text: Text | None = None
    sku: Text | None = None
    ean: Text | None = None
    before: Before | None = None
    limit: Limit = 50


class StockTermRow(msgspec.Struct, frozen=True, kw_only=True):
    """One part of the sellable number: `master`, `allocated`, `reservation`, `off-sale` or `buffer`.

    `event` is the newest event of the log when it became so. A reservation names its order and line, and where it
    was sold.
    """

    what: str
    pieces: int
    event: int | None = None
    account: str | None = None
    order_id: int | None = None
    line: str | None = None


class StockOfferRow(AnswerStruct, frozen=True, kw_only=True):
    """An offer that sells the item, `units` pieces of it at a time.

    `wanted` is what it must show and `shown` what it showed when it was read last; `confirmed_at` is when it was
    read last that the two are the same. `sent` is a number that was sent and may not show yet. `reason` says why it
    is not as wanted. `share` is how many of the pieces that may be sold are this offer's, where they are divided.
    `may_sell` is the most that it may still sell then, with what was bought by orders that have not come yet; None
    while that is not known.
    """

    account: str
    external_id: str
    name: str
    units: int
    linked_by: str
    state: str
    doubt: str | None = None
    wanted: int | None = None
    shown: int | None = None
    sent: int | None = None
    share: int | None = None
    may_sell: int | None = None
    confirmed_at: datetime | None = None
    phase: str | None = None
    reason: str | None = None
    reason_code: str | None = None
    reason_values: dict[str, Any] | None = None

    @classmethod
    def of(cls, one: ExplainedOffer) -> StockOfferRow:
        return cls(
            account=one.listed.account,
            external_id=one.listed.offer.external_id,
            name=one.listed.offer.name,
            units=one.link.units,
            linked_by=one.link.origin.value,
            state=one.listed.offer.state.value,
            doubt=plain(one.link.doubt) if one.link.doubt is not None else None,
            **level_fields(one.level),
        )


class StockItemRow(msgspec.Struct, frozen=True, kw_only=True):
    """A stock item of `account`, and how many pieces of it may be sold: the sum of `terms`, zero at the least.

    `sellable` is None where no number is known; `counting` says why: `untracked`, or `unknown` for no number yet.
    """

    id: int
    account: str
    external_id: str
    name: str
    sku: str | None
    ean: str | None
    counting: str
    on_sale: bool
    read_at: datetime
    policy: str | None
    sellable: int | None
    terms: tuple[StockTermRow, ...]
    offers: tuple[StockOfferRow, ...]

    @classmethod
    def of(cls, one: ExplainedItem) -> StockItemRow:
        level = one.item.level
        return cls(
            id=one.item.id,
            account=one.item.account,
            external_id=level.external_id,
            name=level.name,
            sku=level.sku,
            ean=level.ean,
            counting=level.counting.value,
            on_sale=level.on_sale,
            read_at=one.item.read_at,
            policy=one.rule.policy.value if one.rule is not None else None,
            sellable=one.sellable.pieces,
            terms=tuple(
                StockTermRow(
                    what=term.what,
                    pieces=term.pieces,
                    event=term.after,
                    account=term.account,
                    order_id=term.order_id,
                    line=term.line,
                )
                for term in one.terms
            ),
            offers=tuple(map(StockOfferRow.of, one.offers)),
        )


StockItemPage = Page[StockItemRow]
