"""Feeds of one shelf as they should be: what the broken feeds of stock and of offers are made from."""

from __future__ import annotations

import abc
from datetime import datetime

import msgspec

from olhubd.plugin import Cursor, Page, Record, decode, guarded, require_order
from olhubd_tinyshop.stock import Ware, WareKey, WareList
from tests.kit.broken.full_shelf import FullShop
from tests.kit.broken.good import GoodShop

__all__ = ["GoodWares", "Row", "number"]


class Row(Ware):
    """A ware, with the SKU of the article that it is a variation of."""

    article: str | None = None


def number(raw: bytes | msgspec.Raw) -> int:
    return int(decode(bytes(raw), WareKey).id[1:])


class GoodWares(GoodShop, abc.ABC):
    """Reads the shelf by the place of the last change, and sweeps it by number."""

    stand_in = FullShop

    @abc.abstractmethod
    def read(self, raw: bytes) -> Record:
        """What a row says, as the record that the feed is about."""

    def record(self, raw: msgspec.Raw) -> Record:
        return guarded(raw, key=decode(raw, WareKey).id, read=self.read)

    def records(self, rows: list[msgspec.Raw]) -> list[Record]:
        return [self.record(raw) for raw in rows]

    async def begin(self) -> Cursor:
        return Cursor("0")

    async def rows(self, path: str, query: dict[str, str | int]) -> WareList:
        return await self.http.get(path, WareList, {**query, "limit": self.settings.page_size})

    async def changes(self, cursor: Cursor) -> Page:
        found = await self.rows("/stock", {"after": cursor})
        return Page(records=self.records(found.wares), cursor=Cursor(str(found.position)), more=found.more)

    async def all(self, since: datetime, cursor: Cursor | None) -> Page:
        found = await self.rows("/stock/list", {"after": cursor or "0"})
        require_order([number(raw) for raw in found.wares], "id")
        end = Cursor(str(number(found.wares[-1]))) if found.wares else cursor or Cursor("0")
        return Page(records=self.records(found.wares), cursor=end, more=found.more)

    async def all_by_offset(self, cursor: Cursor | None) -> Page:
        """What a sweep must not do: what leaves the list moves all behind it up."""
        found = await self.rows("/stock/list", {"offset": cursor or "0"})
        end = Cursor(str(int(cursor or "0") + len(found.wares)))
        return Page(records=self.records(found.wares), cursor=end, more=found.more)
