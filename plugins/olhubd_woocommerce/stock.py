"""What the shop has in stock: every product once, then those that were changed, with all of them as a sweep.

The shop's own number is without the pieces of orders that are on hold, processing or completed. A sale need not
move the date by which changes are found, so the sweep is not for rare losses here. Lists are read by id, since many
products share one second; variations stand in no list of the whole shop, so those of each parent are asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import ClassVar

import msgspec

from olhubd.model import Counting, StockBasis, StockLevel
from olhubd.plugin import (
    ContractBroken,
    Cursor,
    ListPage,
    ListPlace,
    Page,
    Record,
    StockFeed,
    Sweep,
    Unreadable,
    by_offset,
    decode,
    guarded,
    require_order,
    whole,
)
from olhubd_woocommerce import wire
from olhubd_woocommerce.client import Query, Shop
from olhubd_woocommerce.feed import gmt

__all__ = ["Stock"]

_PATH = "/wc/v3/products"
_FIELDS = "id,type,name,status,sku,global_unique_id,manage_stock,stock_quantity,stock_status,date_modified_gmt"
_ALL: Query = {"status": "any", "orderby": "id", "order": "asc", "_fields": _FIELDS}
_BEGINNING = "1970-01-01T00:00:00"
_ON_SALE = "publish"


class _Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a reading stands. `since` is the date from which changes are read, None while all is read; `newest` the
    latest date of change that is known."""

    since: str | None = None
    newest: str = _BEGINNING
    place: ListPlace = ListPlace()

    @classmethod
    def of(cls, cursor: Cursor | None) -> _Place:
        return msgspec.json.decode(cursor, type=cls) if cursor else cls()

    @property
    def cursor(self) -> Cursor:
        return Cursor(msgspec.json.encode(self).decode())


class Stock(StockFeed, Sweep):
    """The stock of one shop."""

    lowered_by: ClassVar[frozenset[str]] = frozenset({"on-hold", "processing", "completed"})

    def __init__(self, shop: Shop, overlap: timedelta) -> None:
        self._shop = shop
        self._overlap = overlap

    async def start(self, since: datetime | None) -> Cursor:
        """All is read first, and changes from now on after that: whatever is asked, what is there now counts."""
        query: Query = {
            "status": "any",
            "orderby": "modified",
            "order": "desc",
            "per_page": 1,
            "_fields": "id,date_modified_gmt",
        }
        rows = await self._shop.get(_PATH, list[wire.StockRow], query)
        newest = rows[0].date_modified_gmt if rows else None
        return _Place(newest=newest or _BEGINNING).cursor

    async def pull(self, cursor: Cursor) -> Page:
        at = _Place.of(cursor)
        if at.since is None:
            records, then, _ = await self._read(_ALL, at.place)
            after = msgspec.structs.replace(at, place=then) if then else _Place(since=at.newest, newest=at.newest)
            return Page(records=records, cursor=after.cursor, more=then is not None)
        bound = datetime.fromisoformat(at.since).replace(tzinfo=UTC) - self._overlap
        query: Query = {
            **_ALL,
            "modified_after": gmt(bound),
            "dates_are_gmt": "true",
        }
        records, then, newest = await self._read(query, at.place)
        newest = max(newest, at.newest)
        if then is not None:
            return Page(records=records, cursor=_Place(at.since, newest, then).cursor, more=True)
        return Page(records=records, cursor=_Place(newest, newest).cursor)

    async def sweep(self, since: datetime, cursor: Cursor | None) -> Page:
        at = _Place.of(cursor)
        records, then, _ = await self._read(_ALL, at.place)
        after = msgspec.structs.replace(at, place=then) if then else at
        return Page(records=records, cursor=after.cursor, more=then is not None)

    async def _read(self, query: Query, place: ListPlace) -> tuple[Sequence[Record], ListPlace | None, str]:
        """One page, in the order of ids; and the latest date of change in it."""
        part, _answer = await self._shop.listed(_PATH, query, msgspec.Raw, place.offset)
        rows = [_Row(int(_id(raw)), bytes(raw)) for raw in part.rows]
        require_order([row.id for row in rows], "id")
        listed = ListPage(rows=rows, asked=part.asked, total=part.total)
        fresh, then, _complete = place.after(listed, lambda row: str(row.id))
        records: list[Record] = []
        newest = _BEGINNING
        for row in fresh:
            head = guarded(row.raw, str(row.id), _row)
            if isinstance(head, Unreadable):
                records.append(head)
                continue
            newest = max(newest, head.date_modified_gmt or _BEGINNING)
            records.append(guarded(row.raw, str(row.id), partial(_level, parent=head)))
            if head.type == "variable":
                records += await self._variations(head)
        return records, then, newest

    async def _variations(self, parent: wire.StockRow) -> list[Record]:
        path = f"{_PATH}/{parent.id}/variations"

        async def fetch(offset: int) -> ListPage[msgspec.Raw]:
            return (await self._shop.listed(path, {"_fields": _FIELDS}, msgspec.Raw, offset))[0]

        rows = await whole(by_offset(fetch, _id), f"GET {path}")
        return [guarded(raw, _id, partial(_level, parent=parent)) for raw in rows]


class _Row(msgspec.Struct, frozen=True):
    id: int
    raw: bytes


def _id(raw: bytes | msgspec.Raw) -> str:
    return str(decode(bytes(raw), wire.StockKey).id)


def _row(raw: bytes) -> wire.StockRow:
    return decode(raw, wire.StockRow)


def _level(raw: bytes, parent: wire.StockRow) -> StockLevel:
    """The count of a row. A variation that has its parent's count has none of its own, so it has no number."""
    row = decode(raw, wire.StockRow)
    quantity = row.stock_quantity
    if isinstance(quantity, float) and not quantity.is_integer():
        raise ContractBroken("the quantity is no whole number of pieces", field="stock_quantity")
    counted = row.manage_stock is True and row.type != "variable"
    counting = Counting.UNTRACKED
    if counted:
        counting = Counting.COUNTED if quantity is not None else Counting.UNKNOWN
    published = row.status == _ON_SALE and parent.status == _ON_SALE
    # What is not counted can be sold out all the same, by the shop's own word.
    out = row.manage_stock is False and row.type != "variable" and row.stock_status == "outofstock"
    own = row.sku if row is parent or row.sku != parent.sku else None
    return StockLevel(
        external_id=str(row.id),
        name=row.name or parent.name,
        counting=counting,
        basis=StockBasis.FREE,
        quantity=int(quantity) if counted and quantity is not None else None,
        on_sale=published and not out,
        external_state=row.status if row.status != _ON_SALE else parent.status,
        sku=own or None,  # a variation without a mark of its own reports its parent's
        ean=row.global_unique_id or None,
    )
