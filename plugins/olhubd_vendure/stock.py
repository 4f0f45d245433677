"""What the shop has in stock: a whole reading at each pull, of which news are reported, and all by the sweep.

A sale moves no time that variants could be asked for by: `updatedAt` stands still when pieces are allocated, taken
or given back. So each pull reads the whole list, by id, and reports what is otherwise than in the reading before.
What has just changed is reported once more: the hub may have learned since of the order that it was for.

A number is what is on hand at the locations that count, less what open orders have allocated there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import ClassVar

import msgspec

from olhubd.model import Counting, Kind, Reason, StockBasis, StockLevel
from olhubd.plugin import (
    Account,
    AuthLost,
    ContractBroken,
    Cursor,
    ListPlace,
    Page,
    Rejected,
    StockFeed,
    Sweep,
    Unreadable,
    decode,
    guarded,
    require_order,
)
from olhubd_vendure import mapping, queries, wire_stock
from olhubd_vendure.settings import VendureSettings
from olhubd_vendure.shop import Shop

__all__ = ["Stock"]

_PAGE = 500
"""Variants in one question: the server looks up the levels of each one singly."""
_BEGINNING = Cursor("")
_YOUNG = timedelta(minutes=1)
_FRESH = timedelta(minutes=5)
"""For how long it is believed which locations there are, and whether the shop tracks its inventory."""

_Stocked = StockLevel | Unreadable
_Place = tuple[int, str]


class _Counted(msgspec.Struct, frozen=True):
    """By which rules the shop counts: the locations that count, and whether a variant is tracked that does not say
    so itself. `kept_back` are the pieces that the shop itself leaves unsold, where a variant has no number of its
    own."""

    locations: frozenset[str]
    tracked: bool
    kept_back: int


class _Told(msgspec.Struct, frozen=True):
    """What was reported of a variant, by its hash, and the moment since which it is so; None once it was reported
    again later."""

    mark: int
    since: float | None


class Stock(StockFeed, Sweep):
    """The stock of one channel's variants."""

    lowered_by: ClassVar[frozenset[str]] = frozenset(mapping.ALLOCATED)

    def __init__(self, account: Account[VendureSettings], shop: Shop) -> None:
        self._account = account
        self._shop = shop
        self._pause = account.settings.stock_interval.total_seconds()
        self._began: float | None = None
        self._told: dict[str, _Told] = {}
        self._warned: frozenset[str] = frozenset()

    async def start(self, since: datetime | None) -> Cursor:
        """All is read first, whatever is asked: what is there now counts."""
        return _BEGINNING

    async def pull(self, cursor: Cursor) -> Page:
        now = self._account.clock.monotonic()
        if cursor == _BEGINNING and self._began is not None and now - self._began < self._pause:
            return Page(records=(), cursor=cursor)
        records, then = await self._read(cursor)
        if cursor == _BEGINNING:
            self._began = now
        return Page(
            records=[one for one in records if self._news(one, now)],
            cursor=then or _BEGINNING,
            more=then is not None,
        )

    async def sweep(self, since: datetime, cursor: Cursor | None) -> Page:
        records, then = await self._read(cursor or _BEGINNING)
        return Page(records=records, cursor=then or cursor or _BEGINNING, more=then is not None)

    def _news(self, record: _Stocked, now: float) -> bool:
        """Whether it is reported. What is remembered saves work alone: without it, as after a restart, all of it
        comes once more."""
        told, mark = self._told.get(record.external_id), hash(record)
        if told is None or told.mark != mark:
            self._told[record.external_id] = _Told(mark, now)
            return True
        if told.since is None:
            return False
        if now - told.since >= _YOUNG.total_seconds():
            self._told[record.external_id] = _Told(mark, None)
        return True

    async def _read(self, cursor: Cursor) -> tuple[list[_Stocked], Cursor | None]:
        """One page, in the order of ids, and where the next one begins; None at the end."""
        try:
            place = msgspec.json.decode(cursor, type=ListPlace) if cursor != _BEGINNING else ListPlace()
        except msgspec.MsgspecError as error:
            raise ContractBroken(f"not a cursor of this connector: {error}") from None
        with self._shop.learning():
            counted = await self._counted()
            ean_field = await self._shop.ean_field()
            part = await self._shop.part(
                queries.stock(ean_field), wire_stock.StockAnswer, {"sort": {"id": "ASC"}}, place.offset, _PAGE
            )
        require_order(map(_key, part.rows), "id")
        fresh, then, _complete = place.after(part, _id)
        read = partial(_level, counted=counted, ean_field=ean_field)
        records = [guarded(raw, _id, read, kind=Kind.STOCK) for raw in fresh]
        return records, Cursor(msgspec.json.encode(then).decode()) if then is not None else None

    async def _counted(self) -> _Counted:
        return await self._account.remember("stock", _FRESH, self._ask_counted)

    async def _ask_counted(self) -> _Counted:
        try:
            answer = await self._shop.api.ask(queries.STOCK_SETTINGS, wire_stock.SettingsAnswer)
            locations = await self._shop.everything(queries.STOCK_LOCATIONS, wire_stock.LocationsAnswer, {})
        except AuthLost as error:
            # Where orders can be read the sign-in is not lost: what is missing is the right to these.
            await self._shop.count({})
            raise Rejected(Reason("olhubd_vendure:no-stock-right")) from error
        found = answer.global_settings
        return _Counted(self._counting(locations), found.track_inventory, max(0, found.out_of_stock_threshold))

    def _counting(self, locations: Sequence[wire_stock.Location]) -> frozenset[str]:
        """The ids of the locations that count: those that the settings name, by name or id, else the shop's first.

        One that comes later counts only when somebody names it. One that is named and not there is no zero.
        """
        named = self._shop.settings.stock_locations
        if named is None:
            first = min(locations, key=lambda one: (one.created_at, _number(one.id)), default=None)
            counting = frozenset() if first is None else frozenset({first.id})
        else:
            known = {one.id: one.id for one in locations} | {one.name: one.id for one in locations}
            for name in named:
                if name not in known:
                    raise Rejected(Reason("olhubd_vendure:no-location", name=name), field="stock_locations")
            counting = frozenset(known[name] for name in named)
        self._warn({one.id: one.name for one in locations if one.id not in counting})
        return counting

    def _warn(self, left_out: dict[str, str]) -> None:
        """Report once which locations do not count."""
        if left_out.keys() - self._warned:
            self._account.log.warning(
                "stock locations that do not count: name them in stock_locations if they are to",
                locations=sorted(left_out.values()),
            )
        self._warned = frozenset(left_out)


def _id(raw: bytes | msgspec.Raw) -> str:
    return decode(bytes(raw), wire_stock.Key).id


def _key(raw: msgspec.Raw) -> _Place:
    return _number(_id(raw))


def _number(id_: str) -> _Place:
    """An id as the database sorts it: numbers by their value, anything else as text."""
    return (int(id_), "") if id_.isascii() and id_.isdecimal() and len(id_) < 19 else (0, id_)


def _level(raw: bytes, counted: _Counted, ean_field: str | None) -> StockLevel:
    """The count of a variant. One without a level at any place that counts has no number, which is not zero."""
    row = decode(raw, wire_stock.StockVariant)
    levels = [one for one in row.stock_levels if one.stock_location_id in counted.locations]
    counting = Counting.COUNTED if levels else Counting.UNKNOWN
    if not _tracked(row.track_inventory, counted):
        counting = Counting.UNTRACKED
    kept_back = counted.kept_back if row.use_global_out_of_stock_threshold else max(0, row.out_of_stock_threshold)
    number = counting is Counting.COUNTED
    ean = (row.custom_fields or {}).get(ean_field) if ean_field else None
    return StockLevel(
        external_id=row.id,
        name=row.name or row.product.name or row.sku,
        counting=counting,
        basis=StockBasis.ON_HAND,
        quantity=sum(one.stock_on_hand for one in levels) - kept_back if number else None,
        allocated=sum(one.stock_allocated for one in levels) if number else None,
        on_sale=row.enabled and row.product.enabled,
        external_state=_state(row.enabled, row.product.enabled),
        sku=row.sku or None,
        ean=ean if isinstance(ean, str) and ean else None,
    )


def _tracked(word: str, counted: _Counted) -> bool:
    if word not in _TRACKED:
        raise ContractBroken("the shop tracks its inventory in a way that is not known", field="trackInventory")
    own = _TRACKED[word]
    return counted.tracked if own is None else own


_TRACKED = {"TRUE": True, "FALSE": False, "INHERIT": None}


def _state(variant: bool, product: bool) -> str:
    if not product:
        return "product disabled"
    return "enabled" if variant else "disabled"
