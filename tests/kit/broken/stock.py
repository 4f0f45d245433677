"""Feeds of stock: one as it should be, and those that take one number for another."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import ClassVar

import msgspec
from msgspec.structs import replace

from olhubd.model import Counting, StockBasis, StockLevel
from olhubd.plugin import Account, Cursor, Page, Parts, Record, StockFeed, Sweep, Unreadable, decode
from olhubd_tinyshop.settings import TinySettings
from olhubd_tinyshop.stock import Stock, to_level
from tests.kit.broken.good import GoodShop, breaks
from tests.kit.broken.wares import GoodWares, Row

__all__ = ["GoodStock"]


class ToldStock(StockFeed, Sweep):
    """Does as its connector has it, so that a broken connector is broken in one place."""

    lowered_by: ClassVar[frozenset[str]] = Stock.lowered_by

    def __init__(self, shop: GoodStock) -> None:
        self.shop = shop

    async def start(self, since: datetime | None) -> Cursor:
        return await self.shop.begin()

    async def pull(self, cursor: Cursor) -> Page:
        return await self.shop.changes(cursor)

    async def sweep(self, since: datetime, cursor: Cursor | None) -> Page:
        return await self.shop.all(since, cursor)


class GoodStock(GoodWares):
    """Declares its stock alone."""

    provides: ClassVar[Parts] = {**GoodShop.provides, ToldStock: "told_stock"}

    def __init__(self, account: Account[TinySettings]) -> None:
        super().__init__(account)
        self.told_stock = ToldStock(self)

    @classmethod
    def capabilities(cls) -> tuple[str, ...]:
        return ("StockFeed",)

    def read(self, raw: bytes) -> Record:
        return self.level(decode(raw, Row))

    def level(self, row: Row) -> StockLevel:
        level = to_level(row)
        return replace(level, sku=None) if row.article is not None and row.sku == row.article else level


@breaks("STOCK-01", "STOCK-03")
class TakesZeroForNoNumber(GoodStock):
    """Says of what is sold out that nobody knows how many there are."""

    def level(self, row: Row) -> StockLevel:
        level = super().level(row)
        return level if level.quantity != 0 else replace(level, quantity=None, counting=Counting.UNKNOWN)


@breaks("STOCK-02")
class CallsWhatIsFreeOnHand(GoodStock):
    """Declares a number to hold what open orders have taken, which they are off already."""

    def level(self, row: Row) -> StockLevel:
        return replace(super().level(row), basis=StockBasis.ON_HAND)


@breaks("STOCK-03")
class TakesUncountedForSoldOut(GoodStock):
    """Says zero of what the shop does not count."""

    def level(self, row: Row) -> StockLevel:
        level = super().level(row)
        return level if row.counted else replace(level, quantity=0, counting=Counting.COUNTED)


@breaks("STOCK-04")
class TakesUnknownForUncounted(GoodStock):
    """Lets sell without an end what the shop counts and has no number of."""

    def level(self, row: Row) -> StockLevel:
        level = super().level(row)
        return level if level.quantity is not None else replace(level, counting=Counting.UNTRACKED)


@breaks("STOCK-04")
class TakesUnknownForSoldOut(GoodStock):
    """Says zero of what nobody has counted yet."""

    def level(self, row: Row) -> StockLevel:
        level = super().level(row)
        unknown = level.counting is Counting.UNKNOWN
        return replace(level, quantity=0, counting=Counting.COUNTED) if unknown else level


@breaks("STOCK-05")
class SellsDrafts(GoodStock):
    """Takes each item for one on sale."""

    def level(self, row: Row) -> StockLevel:
        return replace(super().level(row), on_sale=True)


@breaks("STOCK-05")
class SaysNoWordOfDrafts(GoodStock):
    """Does not say in which state an item is."""

    def level(self, row: Row) -> StockLevel:
        return replace(super().level(row), external_state=None)


@breaks("STOCK-01", "STOCK-06")
class LeavesTheMarkOut(GoodStock):
    """Knows no SKU of anything."""

    def level(self, row: Row) -> StockLevel:
        return replace(super().level(row), sku=None)


@breaks("STOCK-06")
class InheritsTheMark(GoodStock):
    """Tells a variation with the SKU of its article, so that all of them are one."""

    def level(self, row: Row) -> StockLevel:
        return to_level(row)


@breaks("STOCK-07")
class StopsAtZero(GoodStock):
    """Takes no number below zero."""

    def level(self, row: Row) -> StockLevel:
        level = super().level(row)
        return replace(level, quantity=max(0, level.quantity)) if level.quantity is not None else level


class Loose(Row):
    left: float | None = None  # type: ignore[assignment]


@breaks("STOCK-08")
class Rounds(GoodStock):
    """Makes whole pieces of what are none."""

    def read(self, raw: bytes) -> Record:
        row = decode(raw, Loose)
        return self.level(replace(row, left=None if row.left is None else int(row.left)))


@breaks("STOCK-09")
class GivesTheArticleUp(GoodStock):
    """Leaves the neighbours of a variation out that it cannot read."""

    def records(self, rows: list[msgspec.Raw]) -> list[Record]:
        found = super().records(rows)
        articles = [decode(raw, Named).article for raw in rows]
        pairs = list(zip(found, articles, strict=True))
        torn = {article for one, article in pairs if isinstance(one, Unreadable) and article}
        return [one for one, article in pairs if article not in torn or isinstance(one, Unreadable)]


class Named(msgspec.Struct):
    article: str | None = None


@breaks("STOCK-10")
class ReadsOnePageOfVariations(GoodStock):
    """Takes the first hundred variations of an article for all."""

    def records(self, rows: list[msgspec.Raw]) -> list[Record]:
        seen: Counter[str] = self.__dict__.setdefault("seen", Counter())
        kept = []
        for raw in rows:
            article = decode(raw, Named).article
            seen[article or ""] += 1
            if article is None or seen[article] <= 100:
                kept.append(raw)
        return super().records(kept)


@breaks("STOCK-02", "STOCK-05", "STOCK-11", "STREAM-04", "STREAM-11")
class TellsOfEachItemOnce(GoodStock):
    """Takes the second word about an item for a repetition."""

    def records(self, rows: list[msgspec.Raw]) -> list[Record]:
        known: set[str] = self.__dict__.setdefault("known", set())
        new = [one for one in super().records(rows) if one.external_id not in known]
        known.update(one.external_id for one in new)
        return new


class Placed(msgspec.Struct):
    place: int


@breaks("STOCK-12")
class TakesDisorderForRepeats(GoodStock):
    """Leaves out what stands behind a row that changed later, as if it had come before."""

    async def changes(self, cursor: Cursor) -> Page:
        found = await self.rows("/stock", {"after": cursor})
        newest, rows = 0, []
        for raw in found.wares:
            place = decode(raw, Placed).place
            if place > newest:
                rows.append(raw)
            newest = max(newest, place)
        return Page(records=self.records(rows), cursor=Cursor(str(found.position)), more=found.more)


@breaks("STOCK-13")
class SweepsStockByOffset(GoodStock):
    """Takes how many rows it has read for a place in the list."""

    async def all(self, since: datetime, cursor: Cursor | None) -> Page:
        return await self.all_by_offset(cursor)


@breaks("STOCK-13")
class EndsAFullPassEarly(GoodStock):
    """Sees the end of all stock in a page that is not full."""

    async def all(self, since: datetime, cursor: Cursor | None) -> Page:
        page = await super().all(since, cursor)
        return replace(page, more=page.more and len(page.records) >= self.settings.page_size)


class LowersNothing(ToldStock):
    lowered_by: ClassVar[frozenset[str]] = frozenset({"cancelled"})


@breaks("STOCK-14")
class DeclaresWhatLowersNothing(GoodStock):
    """Says that its numbers hold the pieces of open orders, which they do not."""

    provides: ClassVar[Parts] = {**GoodShop.provides, LowersNothing: "told_stock"}

    def __init__(self, account: Account[TinySettings]) -> None:
        super().__init__(account)
        self.told_stock = LowersNothing(self)

    @classmethod
    def capabilities(cls) -> tuple[str, ...]:
        return ("StockFeed", "OrderSink")
