"""Feeds of offers and their terms: as they should be, and those that take one state for another."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

import msgspec
from msgspec.structs import replace

from olhubd.model import EndedBy, Offer, OfferState, OfferTerms
from olhubd.plugin import (
    Account,
    ContractBroken,
    Cursor,
    OfferFeed,
    Page,
    Parts,
    Record,
    ShownLevel,
    Sweep,
    Unreadable,
    decode,
)
from olhubd_tinyshop.settings import TinySettings
from olhubd_tinyshop.stock import STATES, Levels, Ware, to_offer
from tests.kit.broken.good import GoodShop, breaks
from tests.kit.broken.wares import GoodWares

__all__ = ["GoodOffers", "GoodTerms"]


class ToldOffers(OfferFeed, Sweep):
    """Does as its connector has it, so that a broken connector is broken in one place."""

    def __init__(self, shop: GoodOffers) -> None:
        self.shop = shop

    async def start(self, since: datetime | None) -> Cursor:
        return await self.shop.begin()

    async def pull(self, cursor: Cursor) -> Page:
        return await self.shop.changes(cursor)

    async def sweep(self, since: datetime, cursor: Cursor | None) -> Page:
        return await self.shop.all(since, cursor)


class GoodOffers(GoodWares):
    """Declares its offers alone."""

    provides: ClassVar[Parts] = {**GoodShop.provides, ToldOffers: "told_offers"}

    def __init__(self, account: Account[TinySettings]) -> None:
        super().__init__(account)
        self.told_offers = ToldOffers(self)

    @classmethod
    def capabilities(cls) -> tuple[str, ...]:
        return ("OfferFeed",)

    def read(self, raw: bytes) -> Record:
        return self.offer(decode(raw, Ware))

    def offer(self, ware: Ware) -> Offer:
        return to_offer(ware)


@breaks("OFFER-01")
class ForgetsTheOffersMark(GoodOffers):
    """Knows no SKU of any offer."""

    def offer(self, ware: Ware) -> Offer:
        return replace(super().offer(ware), sku=None)


@breaks("OFFER-01", "OFFER-02", "OFFER-03", "OFFER-04", "OFFER-05", "OFFER-07", "OFFER-08", "OFFER-09")
class SaysNoWordOfState(GoodOffers):
    """Leaves the system's own word for the state out."""

    def offer(self, ware: Ware) -> Offer:
        return replace(super().offer(ware), external_state=None)


@breaks("OFFER-02", "OFFER-08")
class SellsWhatHasEnded(GoodOffers):
    """Takes an offer for one on sale that holds pieces."""

    def offer(self, ware: Ware) -> Offer:
        offer = super().offer(ware)
        return replace(offer, state=OfferState.ACTIVE) if ware.state in STATES else offer


@breaks("OFFER-03")
class LeavesTheLastPiece(GoodOffers):
    """Says that what is sold out has one piece."""

    def offer(self, ware: Ware) -> Offer:
        offer = super().offer(ware)
        return replace(offer, quantity=max(1, offer.quantity)) if offer.quantity is not None else offer


@breaks("OFFER-04")
class TakesAnyWordForTheEnd(GoodOffers):
    """Takes a state that it does not know for the end of the offer."""

    def offer(self, ware: Ware) -> Offer:
        return replace(super().offer(ware), state=STATES.get(ware.state, OfferState.ENDED))


@breaks("OFFER-05")
class TakesSilenceForSoldOut(GoodOffers):
    """Says zero where the shop says nothing."""

    def offer(self, ware: Ware) -> Offer:
        return replace(super().offer(ware), quantity=ware.left or 0)


@breaks("OFFER-06")
class TakesNothingForAMark(GoodOffers):
    """Believes that an empty SKU is one."""

    def offer(self, ware: Ware) -> Offer:
        return replace(super().offer(ware), sku=ware.sku)


@breaks("OFFER-07")
class RemembersWhatIsGone(GoodOffers):
    """Adds to a full pass what it has seen and does not find there."""

    async def all(self, since: datetime, cursor: Cursor | None) -> Page:
        page = await super().all(since, cursor)
        gone = [] if page.more else [one for key, one in self.known.items() if key not in self.found]
        return replace(page, records=[*page.records, *gone])

    def records(self, rows: list[msgspec.Raw]) -> list[Record]:
        records = super().records(rows)
        self.found.update(one.external_id for one in records)
        self.known.update({one.external_id: one for one in records if isinstance(one, Offer)})
        return records

    async def changes(self, cursor: Cursor) -> Page:
        page = await super().changes(cursor)
        self.found.clear()
        return page

    @property
    def known(self) -> dict[str, Record]:
        known: dict[str, Record] = self.__dict__.setdefault("remembered", {})
        return known

    @property
    def found(self) -> set[str]:
        found: set[str] = self.__dict__.setdefault("met", set())
        return found


class ToldOnce(OfferFeed):
    """The journal of offers alone, with nothing behind it."""

    def __init__(self, shop: BelievesTheJournal) -> None:
        self.shop = shop

    async def start(self, since: datetime | None) -> Cursor:
        return await self.shop.begin()

    async def pull(self, cursor: Cursor) -> Page:
        return await self.shop.changes(cursor)


@breaks("OFFER-08")
class BelievesTheJournal(GoodOffers):
    """Reads a journal that keeps a day, and never the list."""

    provides: ClassVar[Parts] = {**GoodShop.provides, ToldOnce: "told_once"}

    def __init__(self, account: Account[TinySettings]) -> None:
        super().__init__(account)
        self.told_once = ToldOnce(self)

    async def changes(self, cursor: Cursor) -> Page:
        found = await self.rows("/stock/recent", {"after": cursor})
        end = Cursor(str(found.position)) if found.wares else cursor
        return Page(records=self.records(found.wares), cursor=end)


@breaks("OFFER-09")
class FallsOverInAFullPass(GoodOffers):
    """Lets one unreadable offer stop the pass over all."""

    async def all(self, since: datetime, cursor: Cursor | None) -> Page:
        page = await super().all(since, cursor)
        if any(isinstance(one, Unreadable) for one in page.records):
            raise ContractBroken("an offer cannot be read")
        return page


@breaks("OFFER-10")
class SweepsOffersByOffset(GoodOffers):
    """Takes how many rows it has read for a place in the list."""

    async def all(self, since: datetime, cursor: Cursor | None) -> Page:
        return await self.all_by_offset(cursor)


@breaks("OFFER-10")
class SweepsWhatIsOnSale(GoodOffers):
    """Leaves what has ended out of the pass over all."""

    async def all(self, since: datetime, cursor: Cursor | None) -> Page:
        page = await super().all(since, cursor)
        return replace(page, records=[one for one in page.records if getattr(one, "buyable", 1) != 0])


class Terms(msgspec.Struct):
    id: str
    state: str
    ended_by: EndedBy | None
    ended_at: datetime | None
    renews: bool


class ToldLevels(Levels):
    """Quantities of offers that come back and renew themselves."""

    resumes = True
    renews = True

    def __init__(self, shop: GoodTerms) -> None:
        super().__init__(shop.http, shop.settings.page_size)
        self.shop = shop

    async def read_levels(self, offers: Sequence[str]) -> Sequence[ShownLevel]:
        return [self.shop.shown(one) for one in await super().read_levels(offers)]

    async def read_terms(self, offers: Sequence[str]) -> Sequence[OfferTerms]:
        found = await self.http.get("/stock/terms", list[Terms], {"ids": ",".join(offers)})
        return [self.shop.terms(one) for one in found]


class GoodTerms(GoodOffers):
    """Declares its quantities too, with the terms of its offers."""

    provides: ClassVar[Parts] = {**GoodOffers.provides, ToldLevels: "told_levels"}

    def __init__(self, account: Account[TinySettings]) -> None:
        super().__init__(account)
        self.told_levels = ToldLevels(self)

    @classmethod
    def capabilities(cls) -> tuple[str, ...]:
        return ("OfferFeed", "LevelSink")

    def shown(self, one: ShownLevel) -> ShownLevel:
        return one

    def terms(self, one: Terms) -> OfferTerms:
        return OfferTerms(
            offer=one.id,
            state=STATES.get(one.state, OfferState.UNKNOWN),
            buy_now=True,
            renews=one.renews,
            ended_at=one.ended_at,
            ended_by=one.ended_by,
        )


@breaks("OFFER-11")
class BlamesTheSeller(GoodTerms):
    """Takes each end for the seller's own, so that what an administrator ended comes back."""

    def terms(self, one: Terms) -> OfferTerms:
        terms = super().terms(one)
        return replace(terms, ended_by=EndedBy.SELLER) if terms.ended_by is not None else terms


@breaks("OFFER-12")
class KnowsNothingThatRenews(GoodTerms):
    """Says of no offer that it is listed again by itself."""

    def terms(self, one: Terms) -> OfferTerms:
        return replace(super().terms(one), renews=False)


@breaks("OFFER-13", "LEVEL-15", "LEVEL-16")
class ShowsZeroWhereItCannotSay(GoodTerms):
    """Takes what it cannot read for sold out."""

    def shown(self, one: ShownLevel) -> ShownLevel:
        return one if one.quantity is not None else replace(one, quantity=0, active=False)
