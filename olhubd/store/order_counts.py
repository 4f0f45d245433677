"""When the orders of an account were placed: for what watches whether they come, and whether all have come.

By the time of the purchase, not of the landing: an outage of ours moves no order to another hour.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from olhubd.model import Fulfilment, RunState, Stage
from olhubd.store import codec
from olhubd.store.base import Reader

__all__ = ["count", "known", "last", "live", "missed", "read_at", "unfinished"]

_HOUR = 3_600_000_000
_GOING = (Stage.PLACED.value, Stage.CONFIRMED.value)
_UNSENT = (Fulfilment.NEW.value, Fulfilment.PROCESSING.value, Fulfilment.READY.value)


async def count(reader: Reader, account: str, since: datetime, until: datetime) -> dict[datetime, int]:
    """How many orders were placed in each hour, by its beginning; empty hours are left out."""
    rows = await reader.fetch(
        "SELECT placed_at / ? AS hour, COUNT(*) FROM orders"
        " WHERE account = ? AND placed_at >= ? AND placed_at < ? GROUP BY hour",
        (_HOUR, account, codec.stamp(since), codec.stamp(until)),
    )
    return {codec.moment(row[0] * _HOUR): row[1] for row in rows}


async def last(reader: Reader, account: str, until: datetime) -> datetime | None:
    """When the last order before `until` was placed."""
    row = await reader.one(
        "SELECT MAX(placed_at) FROM orders WHERE account = ? AND placed_at < ?", (account, codec.stamp(until))
    )
    found: datetime | None = codec.moment(row[0]) if row else None
    return found


async def live(reader: Reader, account: str, since: datetime, until: datetime) -> dict[str, bool]:
    """The orders placed in that time by external id, and whether the source must still list each.

    It may list one that is cancelled, and lists none that was taken over by another.
    """
    rows = await reader.fetch(
        "SELECT external_id, superseded_by IS NULL AND stage <> ? FROM orders"
        " WHERE account = ? AND placed_at >= ? AND placed_at < ?",
        (Stage.CANCELLED.value, account, codec.stamp(since), codec.stamp(until)),
    )
    return {row[0]: bool(row[1]) for row in rows}


async def known(reader: Reader, account: str, external_ids: Sequence[str]) -> set[str]:
    """Those of them that the hub knows of: as an order, as the copy of one that it brought there itself, or as a
    record in quarantine, which has an alarm of its own until it lands or a person gives it up.
    """
    found: set[str] = set()
    for start in range(0, len(external_ids), 500):
        part = external_ids[start : start + 500]
        marks = codec.marks(part)
        rows = await reader.fetch(
            f"SELECT external_id FROM orders WHERE account = ? AND external_id IN ({marks})"
            f" UNION ALL SELECT external_id FROM copies WHERE account = ? AND external_id IN ({marks})"
            f" UNION ALL SELECT external_id FROM quarantine WHERE account = ? AND external_id IN ({marks})",
            (account, *part, account, *part, account, *part),
        )
        found.update(row[0] for row in rows)
    return found


async def unfinished(
    reader: Reader, account: str, after: tuple[datetime, int], until: datetime, limit: int
) -> list[tuple[str, tuple[datetime, int]]]:
    """The orders placed before `until` that are neither sent nor cancelled, the oldest first, each with its place.

    They follow the one at the place `after`.
    """
    moment, number = codec.stamp(after[0]), after[1]
    rows = await reader.fetch(
        "SELECT external_id, placed_at, id FROM orders WHERE account = ? AND placed_at >= ? AND placed_at < ?"
        " AND (placed_at > ? OR id > ?) AND stage IN (?, ?) AND fulfilment IN (?, ?, ?) AND superseded_by IS NULL"
        " ORDER BY placed_at, id LIMIT ?",
        (account, moment, codec.stamp(until), moment, number, *_GOING, *_UNSENT, limit),
    )
    return [(row[0], (codec.moment(row[1]), row[2])) for row in rows]


async def read_at(reader: Reader, account: str, feed: str) -> datetime | None:
    """When a feed of the account was last read without failing."""
    row = await reader.one(
        "SELECT ended_at FROM runs WHERE account = ? AND feed = ? AND state = ? ORDER BY id DESC LIMIT 1",
        (account, feed, RunState.DONE.value),
    )
    found: datetime | None = codec.moment(row[0]) if row else None
    return found


async def missed(reader: Reader, now: datetime, within: timedelta) -> dict[str, int]:
    """By account, how many orders sweeps found of late that the feed had not reported."""
    # What is added keeps SQLite from walking through all runs in an index that has the accounts in their order.
    rows = await reader.fetch(
        "SELECT account || '' AS whose, SUM(missed) FROM runs WHERE missed > 0 AND started_at >= ? GROUP BY whose",
        (codec.stamp(now - within),),
    )
    return {row[0]: row[1] for row in rows}
