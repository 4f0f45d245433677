"""Reading orders along one of their times: first their keys, which cost the server little, then those that are new.

Only one field is sorted by. GraphQL reads an input object in the order of the schema's fields, not in that of the
document, so of two fields the server chooses which comes first; and the order of one is checked on what came.
Orders of one instant have no order among themselves. Where more of them were seen already than a page holds, they
are therefore read by their id, which is theirs alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from olhubd.plugin import ContractBroken, ListPage, Unavailable, by_offset, require_order, whole
from olhubd_vendure import wire
from olhubd_vendure.feed import PAGE, StreamPosition
from olhubd_vendure.shop import KeyPage, OrderRecord, Shop

__all__ = ["follow"]

_Timed = list[tuple[wire.Key, datetime]]


async def follow(
    shop: Shop, position: StreamPosition, field: str, only: Mapping[str, Any]
) -> tuple[list[OrderRecord], StreamPosition, bool]:
    """The orders after `position` by their time `field`, where that leads, and whether there are more."""
    take = PAGE + len(position.seen)
    page = await _keys(shop, field, {**only, field: position.since()}, take)
    fresh = _fresh(page, position, field)
    if not fresh and page.more:
        # All of this page was seen before, and the rest of the overlap is longer than a page.
        everything = await _everything(shop, {**only, field: position.overlap()})
        fresh = sorted(_fresh(everything, position, field), key=lambda pair: pair[1])
        if not fresh:
            page = await _keys(shop, field, {**only, field: position.beyond()}, PAGE)
            fresh = _fresh(page, position, field)
            if not fresh and page.more:
                raise ContractBroken("the list of orders gives the same page again and again", field=field)
        page = page.with_more(everything)
    taken = fresh[:PAGE]
    # What has no time to go by is read each time, so that it is reported.
    timeless = [key.id for key in page.items if not key.sound]
    read = await _read(shop, [*timeless, *(key.id for key, _ in taken)])
    rows = list({row.key.id: row for row in (*page.unreadable, *read)}.values())
    moved = position.moved((key.id, at, key.state) for key, at in taken)
    return rows, moved, bool(taken) and (page.more or len(fresh) > len(taken))


def _fresh(page: KeyPage, position: StreamPosition, field: str) -> _Timed:
    return [(key, at) for key, at in _timed(page, field) if position.fresh(key.id, at, key.state)]


def _timed(page: KeyPage, field: str) -> _Timed:
    return [(key, at) for key in page.items if key.sound and (at := key.time(field)) is not None]


async def _keys(shop: Shop, field: str, only: Mapping[str, Any], take: int) -> KeyPage:
    page = await shop.keys({"take": take, "sort": {field: "ASC"}, "filter": only})
    require_order((at for _, at in _timed(page, field)), field)
    return page


async def _everything(shop: Shop, only: Mapping[str, Any]) -> KeyPage:
    """All keys that fit, read by their ids. Raises Unavailable where the pages do not come to what was counted."""
    unreadable: dict[str, OrderRecord] = {}

    async def fetch(offset: int) -> ListPage[wire.Key]:
        page = await shop.keys({"take": shop.most, "skip": offset, "sort": {"id": "ASC"}, "filter": only})
        unreadable.update({row.key.id: row for row in page.unreadable})
        rows = [*page.items, *(row.key for row in page.unreadable)]
        return ListPage(rows=rows, asked=shop.most, total=page.total)

    keys = await whole(by_offset(fetch, lambda key: key.id), "the list of orders")
    found = [key for key in keys if key.id not in unreadable]
    return KeyPage(items=found, unreadable=list(unreadable.values()), total=len(keys))


async def _read(shop: Shop, ids: Sequence[str]) -> list[OrderRecord]:
    """The orders of these ids, in this order."""
    rows: list[OrderRecord] = []
    for start in range(0, len(ids), shop.page):
        some = ids[start : start + shop.page]
        page = await shop.rows({"take": len(some), "filter": {"id": {"in": list(some)}}})
        if len(page.rows) < len(some):
            # Listed a moment ago: to pass over it would be to lose it.
            lost = next(id_ for id_ in some if id_ not in {row.key.id for row in page.rows})
            raise Unavailable(f"order {lost} was listed and could not be read")
        rows += page.rows
    place = {id_: number for number, id_ in enumerate(ids)}
    asked = [row for row in rows if row.key.id in place]
    strange = [row.refused("the shop gave another order than was asked for") for row in rows if row not in asked]
    return [*sorted(asked, key=lambda row: place[row.key.id]), *strange]
