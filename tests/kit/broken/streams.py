"""Feeds beside that of orders, as they should be, and what such a feed may lose, hide or repeat."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

import msgspec
from msgspec.structs import replace

from olhubd.model import Kind, Offer, OfferState, Product
from olhubd.plugin import (
    Account,
    ContractBroken,
    Cursor,
    Feed,
    NotFound,
    Page,
    Parts,
    Record,
    Temporary,
    Unreadable,
    decode,
    guarded,
)
from olhubd_kit.conformance.rule import FEED
from olhubd_tinyshop.settings import TinySettings
from tests.kit.broken.good import GoodShop, breaks
from tests.kit.broken.shelves import Shelves

__all__ = ["GoodStreams"]


class Key(msgspec.Struct):
    id: str
    what: Kind
    place: int


class Row(Key):
    name: str


class Rows(msgspec.Struct):
    rows: list[msgspec.Raw]
    more: bool


def thing(raw: bytes) -> Record:
    row = decode(raw, Row)
    if row.what is Kind.PRODUCT:
        return Product(external_id=row.id, name=row.name)
    return Offer(external_id=row.id, name=row.name, state=OfferState.ACTIVE)


def last(rows: Sequence[msgspec.Raw], cursor: Cursor) -> Cursor:
    return Cursor(str(decode(rows[-1], Key).place)) if rows else cursor


class Wares(Feed):
    """Products and offers on one page, by the place of their last change."""

    name = "wares"
    kinds = frozenset({Kind.PRODUCT, Kind.OFFER})

    def __init__(self, shop: GoodStreams) -> None:
        self.shop = shop

    async def start(self, since: datetime | None) -> Cursor:
        return await self.shop.begin()

    async def pull(self, cursor: Cursor) -> Page:
        return await self.shop.wares_page(cursor)


class Inbox(Feed):
    """Messages about offers, which wait until they are acknowledged."""

    name = "inbox"
    kinds = frozenset({Kind.OFFER})

    def __init__(self, shop: GoodStreams) -> None:
        self.shop = shop

    async def start(self, since: datetime | None) -> Cursor:
        return Cursor("0")

    async def pull(self, cursor: Cursor) -> Page:
        return await self.shop.inbox_page(cursor)

    async def landed(self, cursor: Cursor) -> None:
        await self.shop.acknowledge(cursor)


class GoodStreams(GoodShop):
    """Declares its feeds of wares and messages, by one name. What they do stands here, to break it in one place."""

    stand_in = Shelves
    provides: ClassVar[Parts] = {**GoodShop.provides, Wares: "wares", Inbox: "inbox"}

    def __init__(self, account: Account[TinySettings]) -> None:
        super().__init__(account)
        self.wares, self.inbox = Wares(self), Inbox(self)

    @classmethod
    def capabilities(cls) -> tuple[str, ...]:
        # Products and offers are things in a list here; what they must say is tried on feeds of their own.
        return (FEED,)

    async def begin(self) -> Cursor:
        return Cursor("0")

    def ware(self, raw: msgspec.Raw) -> Record:
        key = decode(raw, Key)
        return guarded(raw, key=key.id, read=thing, kind=key.what)

    async def rows(self, path: str, query: dict[str, str | int]) -> Rows:
        return await self.http.get(path, Rows, {**query, "limit": self.settings.page_size})

    async def wares_page(self, cursor: Cursor) -> Page:
        found = await self.rows("/wares", {"after": cursor})
        return Page(
            records=[self.ware(raw) for raw in found.rows], cursor=last(found.rows, cursor), more=found.more
        )

    async def inbox_page(self, cursor: Cursor) -> Page:
        found = await self.rows("/inbox", {})
        return Page(
            records=[self.ware(raw) for raw in found.rows], cursor=last(found.rows, cursor), more=found.more
        )

    async def acknowledge(self, cursor: Cursor) -> None:
        # All up to a place is acknowledged, so twice is once.
        await self.http.call("PUT", "/inbox/read", int, query={"last": cursor}, repeatable=True)


@breaks(*(f"STREAM-{number:02}" for number in (1, 2, 5, 6, 7, 8, 9)))
class TakesAllForProducts(GoodStreams):
    """Tells an offer of the list as the product of the same number."""

    async def wares_page(self, cursor: Cursor) -> Page:
        page = await super().wares_page(cursor)
        return replace(page, records=[self.product(record) for record in page.records])

    def product(self, record: Record) -> Record:
        if isinstance(record, Offer):
            return Product(external_id=record.external_id, name=record.name)
        return replace(record, kind=Kind.PRODUCT) if isinstance(record, Unreadable) else record


class Half(Wares):
    kinds = frozenset({Kind.PRODUCT})


@breaks(*(f"STREAM-{number:02}" for number in (1, 2, 5, 6, 7, 8, 9)))
class SaysHalfOfWhatItTells(GoodStreams):
    """Tells of offers in a feed that is said to be about products."""

    provides: ClassVar[Parts] = {**GoodShop.provides, Half: "wares", Inbox: "inbox"}

    def __init__(self, account: Account[TinySettings]) -> None:
        super().__init__(account)
        self.wares = Half(self)


@breaks("STREAM-02")
class BeginsInTheMiddle(GoodStreams):
    """Begins a list neither at its first row nor at its end."""

    async def begin(self) -> Cursor:
        return Cursor(str(await self.http.get("/wares/place", int) // 2))


@breaks("STREAM-03")
class CountsItsPulls(GoodStreams):
    """Gives a new cursor though nothing happened."""

    async def wares_page(self, cursor: Cursor) -> Page:
        page = await super().wares_page(cursor)
        return page if page.records else replace(page, cursor=Cursor(f"0{page.cursor}"))


@breaks("STREAM-04")
class KnowsItsPlaceByHeart(GoodStreams):
    """Keeps in memory where it is, and believes its own memory more than the cursor."""

    at: Cursor | None = None

    async def wares_page(self, cursor: Cursor) -> Page:
        page = await super().wares_page(self.at or cursor)
        self.at = page.cursor
        return page


@breaks("STREAM-05", "STREAM-06", "STREAM-07")
class TakesOnePageForAll(GoodStreams):
    """Takes the first page for the whole list."""

    async def wares_page(self, cursor: Cursor) -> Page:
        page = await super().wares_page(cursor)
        end = Cursor(str(await self.http.get("/wares/place", int)))
        return replace(page, more=False, cursor=end) if page.more else page


@breaks("STREAM-06")
class TakesAShortPageForTheLast(GoodStreams):
    """Sees the end of a list in a page that is not full."""

    async def wares_page(self, cursor: Cursor) -> Page:
        page = await super().wares_page(cursor)
        if page.more and len(page.records) < self.settings.page_size:
            end = Cursor(str(await self.http.get("/wares/place", int)))
            return replace(page, more=False, cursor=end)
        return page


@breaks("STREAM-07", "STREAM-11")
class CountsRows(GoodStreams):
    """Goes on behind as many rows as it has read, whatever became of them."""

    async def wares_page(self, cursor: Cursor) -> Page:
        found = await self.rows("/wares", {"offset": cursor})
        end = Cursor(str(int(cursor) + len(found.rows)))
        return Page(records=[self.ware(raw) for raw in found.rows], cursor=end, more=found.more)


@breaks("STREAM-08")
class GoesOnWithoutAPage(GoodStreams):
    """Passes over a page that cannot be read just now."""

    async def wares_page(self, cursor: Cursor) -> Page:
        try:
            return await super().wares_page(cursor)
        except Temporary:
            return Page(records=[], cursor=Cursor(str(await self.http.get("/wares/place", int))))


@breaks("STREAM-09")
class FallsOverOneBadWare(GoodStreams):
    """Lets one unreadable ware stop the whole feed."""

    async def wares_page(self, cursor: Cursor) -> Page:
        page = await super().wares_page(cursor)
        if any(isinstance(record, Unreadable) for record in page.records):
            raise ContractBroken("a ware cannot be read")
        return page


@breaks("STREAM-09")
class NamesNoKind(GoodStreams):
    """Does not say which of its kinds an unreadable record is of."""

    def ware(self, raw: msgspec.Raw) -> Record:
        return guarded(raw, key=lambda raw: decode(raw, Key).id, read=thing)


@breaks("STREAM-04", "STREAM-08", "STREAM-10")
class AcknowledgesWhatItReads(GoodStreams):
    """Acknowledges a message before anybody has stored it."""

    async def inbox_page(self, cursor: Cursor) -> Page:
        page = await super().inbox_page(cursor)
        await self.acknowledge(page.cursor)
        return page


@breaks("STREAM-05", "STREAM-06", "STREAM-07", "STREAM-08", "STREAM-10", "STREAM-11")
class AcknowledgesAll(GoodStreams):
    """Acknowledges whatever waits, be it read or not."""

    async def acknowledge(self, cursor: Cursor) -> None:
        await super().acknowledge(Cursor("999999") if cursor != "0" else cursor)


@breaks("STREAM-03", "STREAM-06", "STREAM-07", "STREAM-08", "STREAM-10", "STREAM-11", "FAIL-05")
class AcknowledgesOnce(GoodStreams):
    """Takes the second word about a cursor for a mistake."""

    heard: frozenset[Cursor] = frozenset()

    async def acknowledge(self, cursor: Cursor) -> None:
        if cursor in self.heard:
            raise NotFound("no such message")
        await super().acknowledge(cursor)
        self.heard |= {cursor}


@breaks("STREAM-11")
class TellsNoChanges(GoodStreams):
    """Tells of each ware once, as a list that is only read for what is new."""

    async def wares_page(self, cursor: Cursor) -> Page:
        page = await super().wares_page(cursor)
        return replace(page, records=[one for one in page.records if ", blue" not in getattr(one, "name", "")])
