"""The seller's offers in: the whole list once, then the journal of offers, with the list behind it as a sweep.

The journal of offers keeps 24 hours and says only that something of an offer is otherwise, so each offer that it
names is read. The list is no snapshot: its rows move while it is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

import msgspec

from olhubd.model import Kind, Money, Offer, OfferState
from olhubd.plugin import (
    Client,
    ContractBroken,
    Cursor,
    ListPage,
    ListPlace,
    OfferFeed,
    Page,
    Record,
    Sweep,
    Unreadable,
    by_offset,
    decode,
    gathered,
    guarded,
    whole,
)
from olhubd_allegro import wire_offers

__all__ = ["OFFERS", "STATES", "Offers"]

OFFERS = "/sale/offers"
_EVENTS = "/sale/offer-events"
_ENGLISH = {"Accept-Language": "en-US"}
"""The only language of the journal."""
_LIMIT = 1000
_NAMED = 50
"""Offers that are asked for by their numbers in one call: more would make the address too long for proxies."""
_ALL = "all:"
_BEGINNING = "0"
"""Stands for the beginning of the journal, which is 24 hours ago."""
_KINDS = (
    "OFFER_ACTIVATED",
    "OFFER_CHANGED",
    "OFFER_ENDED",
    "OFFER_STOCK_CHANGED",
    "OFFER_PRICE_CHANGED",
    "OFFER_ARCHIVED",
)
STATES = {
    "ACTIVE": OfferState.ACTIVE,
    "ACTIVATING": OfferState.INACTIVE,
    "INACTIVE": OfferState.INACTIVE,
    "ENDED": OfferState.ENDED,
}


class Offers(OfferFeed, Sweep):
    """The offers of one account. The cursor is the last event, or where the first reading of the list stands."""

    def __init__(self, api: Client) -> None:
        self._api = api

    async def start(self, since: datetime | None) -> Cursor:
        """All offers are read first, whatever is asked: what buyers can buy now is what counts."""
        return Cursor(_ALL)

    async def pull(self, cursor: Cursor) -> Page:
        if cursor.startswith(_ALL):
            place = msgspec.json.decode(cursor[len(_ALL) :], type=ListPlace) if cursor != _ALL else ListPlace()
            records, then = await self._list(place)
            # What has changed since the list was begun, the journal still reports.
            after = _ALL + msgspec.json.encode(then).decode() if then is not None else _BEGINNING
            return Page(records=records, cursor=Cursor(after), more=True)
        query: list[tuple[str, str | int]] = [("limit", _LIMIT), *(("type", kind) for kind in _KINDS)]
        if cursor != _BEGINNING:
            query.append(("from", cursor))
        journal, _ = await self._api.fetch("GET", _EVENTS, wire_offers.OfferEvents, query=query, headers=_ENGLISH)
        events = journal.offer_events
        if not events:
            return Page(records=(), cursor=cursor)
        named = dict.fromkeys(event.offer.id for event in events)
        found = await self.read(list(named))
        return Page(records=found, cursor=Cursor(events[-1].id), more=len(events) >= _LIMIT)

    async def sweep(self, since: datetime, cursor: Cursor | None) -> Page:
        place = msgspec.json.decode(cursor, type=ListPlace) if cursor else ListPlace()
        records, then = await self._list(place)
        return Page(
            records=records,
            cursor=Cursor(msgspec.json.encode(then or place).decode()),
            more=then is not None,
        )

    async def read(self, offers: Sequence[str]) -> list[Record]:
        """These offers as they stand now. One that is archived, or another seller's, is not among them. One that
        did not come in a list that shows fewer than it counts is unreadable: it may be there."""
        return [record for record, _raw in await self._named(offers)]

    async def listed(self, offers: Sequence[str]) -> list[wire_offers.OfferRow]:
        """The rows of these offers in the list. One that cannot be read is not among them."""
        found = []
        for _, raw in await self._named(offers):
            with suppress(ContractBroken):
                found.append(decode(raw, wire_offers.OfferRow))
        return found

    async def bearing(self, sku: str) -> list[Offer]:
        """The offers that bear this mark of the seller. Raises Unavailable where the list shows fewer than it
        counts, and ContractBroken where one of them cannot be read."""

        async def fetch(offset: int) -> ListPage[msgspec.Raw]:
            query: dict[str, str | int] = {"external.id": sku, "limit": _LIMIT, "offset": offset}
            page = await self._api.get(OFFERS, wire_offers.OfferPage, query)
            return ListPage(rows=page.offers, asked=_LIMIT, total=page.total_count)

        rows = await whole(by_offset(fetch, lambda raw: decode(raw, wire_offers.OfferKey).id), f"GET {OFFERS}")
        # A filter that is not obeyed would bring anything.
        return [one for one in map(_offer, rows) if one.sku == sku]

    async def _named(self, offers: Sequence[str]) -> list[tuple[Record, msgspec.Raw]]:
        found: list[tuple[Record, msgspec.Raw]] = []
        for start in range(0, len(offers), _NAMED):
            found += await self._some(offers[start : start + _NAMED])
        return found

    async def _some(self, offers: Sequence[str]) -> list[tuple[Record, msgspec.Raw]]:
        async def fetch(offset: int) -> ListPage[tuple[Record, msgspec.Raw]]:
            asked: tuple[tuple[str, str | int], ...] = (("limit", _LIMIT), ("offset", offset))
            query = [*asked, *(("offer.id", one) for one in offers)]
            page = await self._api.get(OFFERS, wire_offers.OfferPage, query)
            rows = [(_record(raw), raw) for raw in page.offers]
            return ListPage(rows=rows, asked=_LIMIT, total=page.total_count)

        # What a page leaves out is not gone: that is known only where as many came as are counted.
        rows, complete = await gathered(by_offset(fetch, lambda row: row[0].external_id))
        # A filter that is not obeyed would bring anything.
        found = [row for row in rows if row[0].external_id in offers]
        came = {record.external_id for record, _ in found}
        unsure = [] if complete else [one for one in offers if one not in came]
        return [*found, *((_not_shown(one), msgspec.Raw()) for one in unsure)]

    async def _list(self, place: ListPlace) -> tuple[Sequence[Record], ListPlace | None]:
        page = await self._api.get(OFFERS, wire_offers.OfferPage, {"limit": _LIMIT, "offset": place.offset})
        rows = [_record(raw) for raw in page.offers]
        part = ListPage(rows=rows, asked=_LIMIT, total=page.total_count)
        fresh, then, _complete = place.after(part, lambda row: row.external_id)
        return fresh, then


def _not_shown(offer: str) -> Unreadable:
    why = "the list of offers shows fewer rows than it counts"
    return Unreadable(external_id=offer, reason=why, raw=b"", kind=Kind.OFFER)


def _record(raw: msgspec.Raw) -> Offer | Unreadable:
    return guarded(raw, lambda raw: decode(raw, wire_offers.OfferKey).id, _offer)


def _offer(raw: bytes) -> Offer:
    row = decode(raw, wire_offers.OfferRow)
    word = row.publication.status
    return Offer(
        external_id=row.id,
        name=row.name,
        state=STATES.get(word, OfferState.UNKNOWN),
        external_state=word,
        sku=row.external.id if row.external is not None else None,
        price=_price(row.selling_mode),
        price_rule=_price_rule(row.selling_mode),
        listed_at=row.publication.started_at,
        quantity=row.stock.available if row.stock is not None else None,
        image=row.primary_image.url if row.primary_image is not None else None,
    )


def _price(mode: wire_offers.SellingMode | None) -> Money | None:
    """What a piece costs; None for an auction, and where it is not said."""
    if mode is None or mode.price is None or mode.format not in (None, "BUY_NOW"):
        return None
    return Money(mode.price.amount, mode.price.currency)


def _price_rule(mode: wire_offers.SellingMode | None) -> str | None:
    rule = mode.price_automation.rule if mode is not None and mode.price_automation is not None else None
    return rule.id if rule is not None else None
