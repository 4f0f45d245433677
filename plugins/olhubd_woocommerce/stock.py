"""What the shop has in stock: every product once, then those that were changed, with all of them as a sweep.

The shop's own number is without the pieces of orders that are on hold, processing or completed. A sale need not
move the date by which changes are found, so the sweep is not for rare losses here. Lists are read by id, since many
products share one second; variations stand in no list of the whole shop, so those of each parent are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
_YOUNG = timedelta(minutes=1)
_TAILS = 4

_Stocked = StockLevel | Unreadable
_Seen = Mapping[str, tuple[str, _Stocked]]
"""Records by their ids, each with the date under which its row stood in the list."""


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


class _Raw(msgspec.Struct, frozen=True):
    id: int
    raw: bytes


class _Row(msgspec.Struct, frozen=True):
    """A product of the list with its variations, and when it was changed by the shop's own date."""

    changed: str
    records: Sequence[_Stocked]


class _Part(msgspec.Struct, frozen=True):
    """A page of the list, where the next one begins, and when the shop gave it."""

    rows: Sequence[_Row]
    then: ListPlace | None
    at: datetime | None


class Stock(StockFeed, Sweep):
    """The stock of one shop."""

    lowered_by: ClassVar[frozenset[str]] = frozenset({"on-hold", "processing", "completed"})

    def __init__(self, shop: Shop, overlap: timedelta) -> None:
        self._shop = shop
        self._overlap = overlap
        self._tails: dict[Cursor, _Seen] = {}

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
        seen = self._tails.get(cursor, {})
        query = _ALL
        if at.since is not None:
            query = {**_ALL, "modified_after": self._low(at.since), "dates_are_gmt": "true"}
        part = await self._read(query, at.place)
        newest = max((row.changed for row in part.rows), default=_BEGINNING) if at.since is not None else at.newest
        newest = max(newest, at.newest)
        after = _Place(at.since, newest, part.then) if part.then is not None else _Place(newest, newest)
        self._remember(after, part, seen)
        dated = [(row.changed, one) for row in part.rows for one in row.records]
        records = [one for changed, one in dated if seen.get(one.external_id) != (changed, one)]
        return Page(records=records, cursor=after.cursor, more=part.then is not None)

    async def sweep(self, since: datetime, cursor: Cursor | None) -> Page:
        at = _Place.of(cursor)
        part = await self._read(_ALL, at.place)
        after = msgspec.structs.replace(at, place=part.then) if part.then is not None else at
        records = [one for row in part.rows for one in row.records]
        return Page(records=records, cursor=after.cursor, more=part.then is not None)

    def _low(self, since: str) -> str:
        """From when on changes are asked for: what is saved later may bear an earlier time."""
        return gmt(_moment(since) - self._overlap)

    def _remember(self, after: _Place, part: _Part, seen: _Seen) -> None:
        """Keep what the pull from `after` need not report again. It saves work alone: without it, as after a
        restart, the rows of the overlap come once more."""
        low = self._low(after.newest)
        kept = {key: one for key, one in seen.items() if one[0] >= low}
        for row in part.rows:
            # What was changed a moment ago comes again: it may be a sale of ours, which is known by then.
            if row.changed >= low and part.at is not None and _moment(row.changed) <= part.at - _YOUNG:
                kept |= {one.external_id: (row.changed, one) for one in row.records}
        self._tails.pop(after.cursor, None)
        self._tails[after.cursor] = kept
        while len(self._tails) > _TAILS:
            del self._tails[next(iter(self._tails))]

    async def _read(self, query: Query, place: ListPlace) -> _Part:
        """One page, in the order of ids."""
        part, answer = await self._shop.listed(_PATH, query, msgspec.Raw, place.offset)
        rows = [_Raw(int(_id(raw)), bytes(raw)) for raw in part.rows]
        require_order([row.id for row in rows], "id")
        listed = ListPage(rows=rows, asked=part.asked, total=part.total)
        fresh, then, _complete = place.after(listed, lambda row: str(row.id))
        return _Part([await self._row(row) for row in fresh], then, answer.dated)

    async def _row(self, row: _Raw) -> _Row:
        head = guarded(row.raw, str(row.id), _head)
        if isinstance(head, Unreadable):
            return _Row(_BEGINNING, [head])
        records: list[_Stocked] = [guarded(row.raw, str(row.id), partial(_level, parent=head))]
        if head.type == "variable":
            records += await self._variations(head)
        return _Row(head.date_modified_gmt or _BEGINNING, records)

    async def _variations(self, parent: wire.StockRow) -> list[_Stocked]:
        path = f"{_PATH}/{parent.id}/variations"

        async def fetch(offset: int) -> ListPage[msgspec.Raw]:
            return (await self._shop.listed(path, {"_fields": _FIELDS}, msgspec.Raw, offset))[0]

        rows = await whole(by_offset(fetch, _id), f"GET {path}")
        return [guarded(raw, _id, partial(_level, parent=parent)) for raw in rows]


def _moment(at: str) -> datetime:
    return datetime.fromisoformat(at).replace(tzinfo=UTC)


def _id(raw: bytes | msgspec.Raw) -> str:
    return str(decode(bytes(raw), wire.StockKey).id)


def _head(raw: bytes) -> wire.StockRow:
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
    own = row.sku if row.id == parent.id or row.sku != parent.sku else None
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
