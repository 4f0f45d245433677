"""What the shop sells, where it is a channel: each product and variation that a buyer can put into the cart."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

import msgspec

from olhubd.model import Kind, Offer, OfferState
from olhubd.plugin import (
    Cursor,
    ListPage,
    OfferFeed,
    Page,
    Sweep,
    Unreadable,
    by_offset,
    decode,
    guarded,
)
from olhubd_woocommerce import wire
from olhubd_woocommerce.client import Query, Shop
from olhubd_woocommerce.goods import ON_SALE, PRODUCTS, ProductWalk, Reads
from olhubd_woocommerce.prices import buyers_price
from olhubd_woocommerce.taxes import TaxRules, TaxRulesReader
from olhubd_woocommerce.wire import offer_number

__all__ = ["NOT_SHOWN", "Offers", "place"]

_FIELDS = (
    "id,type,name,status,sku,global_unique_id,manage_stock,stock_quantity,stock_status,purchasable,"
    "regular_price,on_sale,tax_class,tax_status,date_created_gmt,date_modified_gmt,images,image"
)
_NO_OFFERS = frozenset({"variable", "grouped", "external"})
"""Products that nobody buys as such: of the first two others are bought, and the last is sold elsewhere."""
_OFF_SALE = frozenset({"draft", "pending", "private", "future", "trash", "auto-draft"})
"""Statuses of WordPress itself in which nobody can buy a product."""
_SALE = "sale_price"
"""The shop's own rule that makes a price for a time: a reduction, which a person or a plugin has set."""
NOT_SHOWN = "the shop shows fewer rows than it counts"
_NAMED = 100
"""Products that are asked for by their numbers in one call."""


def place(offer: str) -> tuple[int, int] | None:
    """The parent (0 for a product) and the product or variation; None where it is no offer's number."""
    parent, colon, own = offer.rpartition(":")
    if not colon:
        parent = "0"
    if not all(part.isascii() and part.isdecimal() and len(part) < 19 for part in (parent, own)):
        return None
    return int(parent), int(own)


class Offers(OfferFeed, Sweep):
    """The offers of one shop."""

    def __init__(self, shop: Shop, overlap: timedelta, taxes: TaxRulesReader) -> None:
        self._shop = shop
        self._taxes = taxes
        self._walk = ProductWalk(shop, overlap, _FIELDS)

    async def start(self, since: datetime | None) -> Cursor:
        return await self._walk.start()

    async def pull(self, cursor: Cursor) -> Page:
        return await self._walk.pull(cursor, await self._reads())

    async def sweep(self, since: datetime, cursor: Cursor | None) -> Page:
        return await self._walk.sweep(cursor, await self._reads())

    async def _reads(self) -> Sequence[Reads]:
        return (Reads(Kind.OFFER, partial(_read, rules=await self._taxes.book())),)

    async def read(self, offers: Sequence[str]) -> Mapping[str, Offer | Unreadable]:
        """These offers as they stand now. One that is not there, or that nobody can buy as such, is not among them.
        One that did not come in a list that is not complete is unreadable: it may be there."""
        rules = await self._taxes.book()
        rows, unsure = await self.rows(offers)
        found = {offer: _read(raw, parent=parent, rules=rules) for offer, (raw, parent) in rows.items()}
        known = {offer: one for offer, one in found.items() if one is not None}
        return {**known, **{offer: _unsure(offer) for offer in unsure}}

    async def rows(
        self, offers: Sequence[str]
    ) -> tuple[Mapping[str, tuple[bytes, wire.ProductHead]], Collection[str]]:
        """The rows of these offers, each with its parent, which of a product is the row itself. One that is not
        there is not among them. Then those that did not come and may be there: their list is not complete."""
        by_parent: dict[int, list[int]] = {}
        for parent, own in filter(None, map(place, offers)):
            by_parent.setdefault(parent, []).append(own)
        heads = [*by_parent.pop(0, []), *by_parent]
        products, missing = await self._named(PRODUCTS, {"status": "any"}, heads)
        unsure = {(0, id_) for id_ in missing}
        unsure |= {(id_, own) for id_ in missing for own in by_parent.get(id_, ())}
        known = {offer_number(id_, id_): (raw, _head(raw)) for id_, raw in products.items()}
        for parent, ids in by_parent.items():
            if parent in products:
                rows, missing = await self._named(f"{PRODUCTS}/{parent}/variations", {}, ids)
                unsure |= {(parent, id_) for id_ in missing}
                head = _head(products[parent])
                known |= {offer_number(id_, parent): (raw, head) for id_, raw in rows.items()}
        there = {offer: known[offer] for offer in offers if offer in known}
        return there, [offer for offer in offers if place(offer) in unsure and offer not in there]

    async def _named(
        self, path: str, query: Query, ids: Sequence[int]
    ) -> tuple[Mapping[int, bytes], Collection[int]]:
        """The rows of these ids, and those that are missing and may be there. What a page leaves out is not gone:
        that is known only where as many came as the shop counts."""
        found: dict[int, bytes] = {}
        unsure: set[int] = set()
        wanted = sorted(set(ids))
        for start in range(0, len(wanted), _NAMED):
            some = wanted[start : start + _NAMED]
            named = ",".join(map(str, some))
            asked: Query = {**query, "include": named, "orderby": "id", "order": "asc", "_fields": _FIELDS}
            complete = False
            async for portion in by_offset(partial(self._page, path, asked), _id):
                # A filter that is not obeyed would bring anything.
                found.update({id_: bytes(raw) for raw in portion.rows if (id_ := int(_id(raw))) in some})
                complete = portion.complete
            if not complete:
                unsure.update(id_ for id_ in some if id_ not in found)
        return found, unsure

    async def _page(self, path: str, query: Query, offset: int) -> ListPage[msgspec.Raw]:
        return (await self._shop.listed(path, query, msgspec.Raw, offset))[0]


def _unsure(offer: str) -> Unreadable:
    return Unreadable(external_id=offer, reason=NOT_SHOWN, raw=b"", kind=Kind.OFFER)


def _id(raw: bytes | msgspec.Raw) -> str:
    return str(decode(bytes(raw), wire.StockKey).id)


def _head(raw: bytes) -> wire.ProductHead:
    return decode(raw, wire.ProductHead)


def _read(raw: bytes, *, parent: wire.ProductHead, rules: TaxRules) -> Offer | Unreadable | None:
    key = offer_number(int(_id(raw)), parent.id)
    return guarded(raw, key, partial(_offer, parent=parent, rules=rules), kind=Kind.OFFER)


def _offer(raw: bytes, parent: wire.ProductHead, rules: TaxRules) -> Offer | None:
    """What buyers see of a row; None where nobody can buy it as such.

    How many is not known where the shop does not count it: buyers can buy any number, and the hub does not switch
    counting on. Nor is it known where the count is no whole number. With one below zero nothing is left.
    """
    row = decode(raw, wire.OfferRow)
    if row.type in _NO_OFFERS:
        return None
    pieces = row.stock_quantity if row.manage_stock is True else None
    if row.manage_stock is False and row.stock_status == "outofstock":
        pieces = 0
    return Offer(
        external_id=offer_number(row.id, parent.id),
        name=row.name or parent.name,
        state=_state(row, parent),
        external_state=row.status if row.status != ON_SALE else parent.status,
        sku=wire.own_sku(row, parent),
        ean=row.global_unique_id or None,
        price=buyers_price(row, parent, rules),
        price_rule=_SALE if row.on_sale else None,
        listed_at=row.created_at,
        quantity=None if pieces is None else max(0, pieces),
        image=row.picture,
    )


def _state(row: wire.OfferRow, parent: wire.ProductHead) -> OfferState:
    """Whether buyers can buy it. A status that a plugin brought says neither yes nor no."""
    words = {row.status, parent.status}
    if words & _OFF_SALE or row.purchasable is False:
        return OfferState.INACTIVE
    return OfferState.ACTIVE if words == {ON_SALE} else OfferState.UNKNOWN
