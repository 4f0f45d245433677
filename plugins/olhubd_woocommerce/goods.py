"""The shop's lists of products, as its feeds walk along them: all once, then those that were changed.

Lists are read by id, since many products share one second; variations stand in no list of the whole shop, so those
of each parent are asked for. A change need not move the date by which it is found, so all is read again as a sweep.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol

import msgspec

from olhubd.model import Kind
from olhubd.plugin import (
    Cursor,
    ListPage,
    ListPlace,
    Page,
    Record,
    Unreadable,
    by_offset,
    decode,
    guarded,
    require_order,
)
from olhubd_woocommerce import wire
from olhubd_woocommerce.client import Query, Shop
from olhubd_woocommerce.feed import gmt

__all__ = ["ON_SALE", "PRODUCTS", "ProductWalk", "Reads", "moment"]

PRODUCTS = "/wc/v3/products"
ON_SALE = "publish"
"""The status of a product that buyers can buy."""
_BEGINNING = "1970-01-01T00:00:00"
_YOUNG = timedelta(minutes=1)
_TAILS = 4
_VARIABLE = "variable"
_LISTS = 10
"""Products with variations in one page at most: each is a call more, and orders wait for the page."""


class ReadRow(Protocol):
    def __call__(self, raw: bytes, *, parent: wire.ProductHead) -> Record | None: ...


class Reads(msgspec.Struct, frozen=True):
    """How a row becomes a record of one kind: under which id, and by what. `read` gives None where a row has none
    of that kind."""

    kind: Kind
    read: ReadRow
    key: Callable[[str], str] = str


_Seen = Mapping[tuple[str, str], tuple[str, Record]]
"""Records by their kinds and ids, each with the date under which its row stood in the list."""


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
    head: wire.ProductHead | Unreadable

    @property
    def calls(self) -> bool:
        """Whether it has a list of its own."""
        return isinstance(self.head, wire.ProductHead) and self.head.type == _VARIABLE


class _Row(msgspec.Struct, frozen=True):
    """A product of the list with its variations, and when it was changed by the shop's own date."""

    changed: str
    records: Sequence[Record]
    complete: bool = True
    """Off where the shop counts more variations than it shows."""


class _Part(msgspec.Struct, frozen=True):
    """A page of the list, where the next one begins, and when the shop gave it. `complete` is off at an end before
    which fewer rows came than the shop counts."""

    rows: Sequence[_Row]
    then: ListPlace | None
    at: datetime | None
    complete: bool


class ProductWalk:
    """One walk along the products of a shop. `fields` are those that a row is asked for; `reads` say what it
    becomes, the first of them also where nothing can be made of it."""

    def __init__(self, shop: Shop, overlap: timedelta, fields: str) -> None:
        self._shop = shop
        self._overlap = overlap
        self._fields = fields
        self._all: Query = {"status": "any", "orderby": "id", "order": "asc", "_fields": fields}
        self._tails: dict[Cursor, _Seen] = {}

    async def start(self) -> Cursor:
        """All is read first, and changes from now on after that: whatever is asked, what is there now counts."""
        query: Query = {
            "status": "any",
            "orderby": "modified",
            "order": "desc",
            "per_page": 1,
            "_fields": "id,date_modified_gmt",
        }
        rows = await self._shop.get(PRODUCTS, list[wire.ProductHead], query)
        newest = rows[0].date_modified_gmt if rows else None
        return _Place(newest=newest or _BEGINNING).cursor

    async def pull(self, cursor: Cursor, reads: Sequence[Reads]) -> Page:
        at = _Place.of(cursor)
        seen = self._tails.get(cursor, {})
        query = self._all
        if at.since is not None:
            query = {**self._all, "modified_after": self._low(at.since), "dates_are_gmt": "true"}
        part = await self._read(query, at.place, reads)
        newest = max((row.changed for row in part.rows), default=_BEGINNING) if at.since is not None else at.newest
        newest = max(newest, at.newest)
        after = _Place(at.since, newest, part.then) if part.then is not None else _Place(newest, newest)
        self._remember(after, part, seen)
        dated = [(row.changed, one) for row in part.rows for one in row.records]
        records = [one for changed, one in dated if seen.get(_key(one)) != (changed, one)]
        return Page(records=records, cursor=after.cursor, more=part.then is not None, complete=part.complete)

    async def sweep(self, cursor: Cursor | None, reads: Sequence[Reads]) -> Page:
        at = _Place.of(cursor)
        part = await self._read(self._all, at.place, reads)
        after = msgspec.structs.replace(at, place=part.then) if part.then is not None else at
        records = [one for row in part.rows for one in row.records]
        return Page(records=records, cursor=after.cursor, more=part.then is not None, complete=part.complete)

    def _low(self, since: str) -> str:
        """From when on changes are asked for: what is saved later may bear an earlier time."""
        return gmt(moment(since) - self._overlap)

    def _remember(self, after: _Place, part: _Part, seen: _Seen) -> None:
        """Keep what the pull from `after` need not report again. It saves work alone: without it, as after a
        restart, the rows of the overlap come once more."""
        low = self._low(after.newest)
        kept = {key: one for key, one in seen.items() if one[0] >= low}
        for row in part.rows:
            # What was changed a moment ago comes again: it may be a sale of ours, which is known by then.
            if row.changed >= low and part.at is not None and moment(row.changed) <= part.at - _YOUNG:
                kept |= {_key(one): (row.changed, one) for one in row.records}
        self._tails.pop(after.cursor, None)
        self._tails[after.cursor] = kept
        while len(self._tails) > _TAILS:
            del self._tails[next(iter(self._tails))]

    async def _read(self, query: Query, place: ListPlace, reads: Sequence[Reads]) -> _Part:
        """One page, in the order of ids."""
        part, answer = await self._shop.listed(PRODUCTS, query, msgspec.Raw, place.offset)
        rows = [_raw(bytes(raw), reads[0].kind) for raw in part.rows]
        require_order([row.id for row in rows], "id")
        kept = _bounded(rows, place.last)
        total = part.total
        if len(kept) < len(rows) and total is not None and total < place.offset + len(rows):
            total = None  # it counts something else, and must not end the list where the page was cut
        listed = ListPage(rows=kept, asked=part.asked, total=total)
        fresh, then, complete = place.after(listed, lambda row: str(row.id))
        rows_read = [await self._row(row, reads) for row in fresh]
        complete = (complete or then is not None) and all(row.complete for row in rows_read)
        return _Part(rows_read, then, answer.dated, complete)

    async def _row(self, row: _Raw, reads: Sequence[Reads]) -> _Row:
        head = row.head
        if isinstance(head, Unreadable):
            return _Row(_BEGINNING, [head])
        changed, records = head.date_modified_gmt or _BEGINNING, _records(row.raw, str(row.id), head, reads)
        if not row.calls:
            return _Row(changed, records)
        variations, complete = await self._variations(head)
        if not complete:
            records = _kept_aside(row, len(variations), reads)
        found = (record for raw in variations for record in _records(bytes(raw), _id(raw), head, reads))
        return _Row(changed, [*records, *found], complete)

    async def _variations(self, parent: wire.ProductHead) -> tuple[list[msgspec.Raw], bool]:
        """The rows of its variations, and whether as many came as the shop counts."""
        path = f"{PRODUCTS}/{parent.id}/variations"

        async def fetch(offset: int) -> ListPage[msgspec.Raw]:
            return (await self._shop.listed(path, {"_fields": self._fields}, msgspec.Raw, offset))[0]

        rows: list[msgspec.Raw] = []
        complete = False
        async for portion in by_offset(fetch, _id):
            rows.extend(portion.rows)
            complete = portion.complete
        return rows, complete


def _raw(raw: bytes, kind: Kind) -> _Raw:
    number = _id(raw)
    return _Raw(int(number), raw, guarded(raw, number, _head, kind=kind))


def _kept_aside(row: _Raw, shown: int, reads: Sequence[Reads]) -> list[Record]:
    """A product of whose variations not all are shown, as a person is to hear of it. Those that are shown count,
    and no other product waits for it."""
    why = f"GET {PRODUCTS}/{row.id}/variations shows {shown} variations, and the shop counts more"
    return [Unreadable(external_id=one.key(str(row.id)), reason=why, raw=row.raw, kind=one.kind) for one in reads]


def _bounded(rows: Sequence[_Raw], last: str | None) -> Sequence[_Raw]:
    """As many rows as a page may have: those behind `last` ask for so many lists of their own at most."""
    begin = next((at + 1 for at, row in enumerate(rows) if str(row.id) == last), 0)
    calling = [at for at, row in enumerate(rows) if at >= begin and row.calls]
    return rows[: calling[_LISTS]] if len(calling) > _LISTS else rows


def _records(raw: bytes, number: str, parent: wire.ProductHead, reads: Sequence[Reads]) -> list[Record]:
    """What a row is, as a record of each kind."""
    found = (guarded(raw, one.key(number), partial(one.read, parent=parent), kind=one.kind) for one in reads)
    return [record for record in found if record is not None]


def moment(at: str) -> datetime:
    """The moment of a date in UTC. Raises ValueError."""
    return datetime.fromisoformat(at).replace(tzinfo=UTC)


def _id(raw: bytes | msgspec.Raw) -> str:
    return str(decode(bytes(raw), wire.StockKey).id)


def _head(raw: bytes) -> wire.ProductHead:
    return decode(raw, wire.ProductHead)


def _key(record: Record) -> tuple[str, str]:
    """By which a record is known among those of several kinds."""
    kind = record.kind if isinstance(record, Unreadable) else type(record).__name__
    return kind, record.external_id
