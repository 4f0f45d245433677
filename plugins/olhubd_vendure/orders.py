"""Orders in: the feed, its sweep, one order by its id, and how many there are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from olhubd.plugin import (
    Clock,
    Cursor,
    Gone,
    OrderCount,
    OrderFeed,
    OrderLookup,
    Page,
    Record,
    Sweep,
    Unreadable,
    guarded,
)
from olhubd_vendure import feed, mapping, wire
from olhubd_vendure.feed import FeedCursor, StreamPosition, SweepCursor
from olhubd_vendure.shop import Shop
from olhubd_vendure.stream import follow

__all__ = ["Orders"]

_LISTED: dict[str, Any] = {"state": {"notIn": list(mapping.UNPLACED)}}
_DAY = timedelta(days=1)
_FAR = timedelta(days=60)
"""How much longer ago than the sweep's window an order may have been placed that ended since yesterday."""
_BEGINNING = datetime(1970, 1, 2, tzinfo=UTC)


class Orders(OrderFeed, Sweep, OrderCount, OrderLookup):
    """The orders of one channel."""

    def __init__(self, clock: Clock, shop: Shop) -> None:
        self._clock = clock
        self._shop = shop
        self._far_at: float | None = None

    async def start(self, since: datetime | None) -> Cursor:
        position = StreamPosition(since or self._clock.now())
        return feed.save(FeedCursor(position, position))

    async def pull(self, cursor: Cursor) -> Page:
        state = feed.load(cursor, FeedCursor)
        updated, moved, more = await follow(self._shop, state.updated, "updatedAt", _LISTED)
        placed, arrived, rest = await follow(self._shop, state.placed, "orderPlacedAt", _LISTED)
        if not updated and not placed:
            return Page(records=(), cursor=cursor)
        rows = {row.key.id: row for row in (*updated, *placed)}
        return Page(
            records=_records(rows.values()),
            cursor=feed.save(FeedCursor(moved, arrived)),
            more=more or rest,
        )

    async def sweep(self, since: datetime, cursor: Cursor | None) -> Page:
        # The walk goes along the time of creation, which never changes, so that nothing is skipped on the way.
        state = feed.load(cursor, SweepCursor) if cursor is not None else SweepCursor(_BEGINNING, far=self._far())
        touched = [
            {"updatedAt": {"after": since.isoformat()}},
            {"orderPlacedAt": {"after": since.isoformat()}},
            # Not by a list of open ones: the shop may have states of its own.
            {"state": {"notIn": list(mapping.CLOSED)}},
        ]
        if state.far:
            touched.append({"state": {"in": list(mapping.AWAY)}})
            placed = {"after": (since - _FAR).isoformat()}
            touched.append({"_and": [{"state": {"eq": "Delivered"}}, {"orderPlacedAt": placed}]})
        only = {**_LISTED, "_or": touched}
        rows, moved, more = await follow(self._shop, state, "createdAt", only)
        if state.far and not more:
            self._far_at = self._clock.monotonic()
        place = SweepCursor(moved.at, moved.seen, moved.states, state.far)
        return Page(records=_records(rows), cursor=feed.save(place), more=more)

    def _far(self) -> bool:
        """Whether it is time again to read what left the shop long ago: once a day, since it is much."""
        now = self._clock.monotonic()
        return self._far_at is None or now - self._far_at >= _DAY.total_seconds()

    async def count_orders(self, since: datetime, until: datetime) -> int:
        placed = {"after": (since - timedelta(milliseconds=1)).isoformat(), "before": until.isoformat()}
        return await self._shop.count({**_LISTED, "orderPlacedAt": placed})

    async def read_order(self, external_id: str) -> Record:
        order = await self._shop.order(external_id)
        if order is None or order.state in mapping.UNPLACED:
            return Gone(external_id=external_id)
        return _record(external_id, order, msgspec.json.encode(order))


def _records(rows: Any) -> list[Record]:
    records: list[Record] = []
    for row in rows:
        if row.order is None:
            records.append(Unreadable(external_id=row.key.id, reason=row.reason or "unreadable", raw=row.raw))
        elif mapping.concerns(row.order):
            records.append(_record(row.key.id, row.order, row.raw))
    return records


def _record(external_id: str, order: wire.Order, raw: bytes) -> Record:
    return guarded(raw, external_id, lambda _: mapping.order(order))
