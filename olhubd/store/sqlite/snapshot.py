"""A database of a daemon, read only, as it was at one moment; also while the daemon works on it.

Nothing is migrated here and nothing can be written: that is for the one process that owns the file.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import aiosqlite

from olhubd.model import Kind
from olhubd.store import codec
from olhubd.store.base import Reader, StoreError, Transaction
from olhubd.store.sqlite import migrate
from olhubd.store.sqlite.database import FileReader

__all__ = ["any_before", "opened", "others", "plant", "settled", "unmoved"]

_PART = 200
_ABOUT = ("events", "deliveries", "remarks")
"""What names the subject that it is about."""


@contextlib.asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Reader]:
    """The file at `path`. Raises StoreError with what to do about it."""
    if not await asyncio.to_thread(path.is_file):
        raise StoreError(f"{path} is not there: name the file of the database, olhubd.sqlite in the data directory")
    async with contextlib.AsyncExitStack() as stack:
        try:
            opening = aiosqlite.connect(f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None)
            connection = await stack.enter_async_context(opening)
            await connection.execute("PRAGMA query_only = ON")
            await connection.execute("PRAGMA busy_timeout = 5000")
            await connection.execute("BEGIN")
            reader = FileReader(connection)
            row = await reader.one("PRAGMA user_version")
            version = row[0] if row else 0
            tables = await reader.fetch("SELECT name FROM sqlite_master WHERE name = 'orders'")
        except aiosqlite.Error as error:
            raise StoreError(f"{path} cannot be read: {error}") from error
        if not tables:
            raise StoreError(f"{path} is no database of olhubd")
        if version != migrate.latest():
            raise StoreError(
                f"{path} has schema {version}, this olhubd {migrate.latest()}: use the olhubd that it belongs to,"
                " or start this one with it once, which brings it to its schema"
            )
        yield reader


_LATEST = 2**62
"""Later than any event."""


async def any_before(reader: Reader, event: int | None) -> bool:
    """Whether there is an event from before that one; None stands for no event at all, which all are before."""
    return await reader.one("SELECT id FROM events WHERE id < ? LIMIT 1", (event or _LATEST,)) is not None


async def unmoved(reader: Reader, event: int | None, since: datetime) -> list[int]:
    """The orders with which nothing has happened since that event and time, nor is about to."""
    at, event = codec.stamp(since), event or _LATEST
    rows = await reader.fetch(
        "SELECT id FROM orders AS o WHERE changed_at < ?"
        " AND NOT EXISTS (SELECT 1 FROM events AS e WHERE e.subject_kind = 'order' AND e.subject_id = o.id"
        " AND e.id >= ?)"
        " AND NOT EXISTS (SELECT 1 FROM deliveries AS d WHERE d.subject_kind = 'order' AND d.subject_id = o.id"
        " AND (d.finished_at >= ? OR d.state IN ('pending', 'retry', 'sent', 'hold'))) ORDER BY id",
        (at, event, at),
    )
    return [row[0] for row in rows]


async def others(reader: Reader, event: int | None, than: Collection[int]) -> set[tuple[int, str, str]]:
    """The orders from before that event which are not among these: each with its account and external id."""
    rows = await reader.fetch(
        "SELECT id, account, external_id FROM orders AS o WHERE EXISTS (SELECT 1 FROM events AS e"
        " WHERE e.subject_kind = 'order' AND e.subject_id = o.id AND e.id < ?)",
        (event or _LATEST,),
    )
    return {(row[0], row[1], row[2]) for row in rows if row[0] not in than}


async def settled(reader: Reader, kind: Kind, event: int | None, since: datetime) -> tuple[list[int], set[int]]:
    """The records of a kind from before that event, by what is in the log: those with which nothing has happened
    since then, nor is about to; and the others, whose state then is not known."""
    at, event = codec.stamp(since), event or _LATEST
    rows = await reader.fetch(
        "SELECT subject_id, MAX(id) FROM events WHERE subject_kind = ? GROUP BY subject_id HAVING MIN(id) < ?",
        (kind.value, event),
    )
    busy = await reader.fetch(
        "SELECT DISTINCT subject_id FROM deliveries WHERE subject_kind = ?"
        " AND (finished_at >= ? OR state IN ('pending', 'retry', 'sent', 'hold'))",
        (kind.value, at),
    )
    moved = {row[0] for row in rows if row[1] >= event} | {row[0] for row in busy}
    old = {row[0] for row in rows}
    return sorted(old - moved), old & moved


async def plant(
    reader: Reader, tx: Transaction, kind: Kind, tables: Sequence[tuple[str, str]], ids: Sequence[int]
) -> None:
    """Copy these records of a kind, which is stored in `tables`, with all that happened to them into an empty
    database."""
    # A superseded order points to the one that has its lines, which may come later.
    await tx.execute("PRAGMA defer_foreign_keys = ON")
    keys = [*tables, *((table, f"subject_kind = '{kind.value}' AND subject_id") for table in _ABOUT)]
    for start in range(0, len(ids), _PART):
        part = ids[start : start + _PART]
        for table, key in keys:
            rows = await reader.fetch(f"SELECT * FROM {table} WHERE {key} IN ({codec.marks(part)})", part)
            if rows:
                await tx.executemany(f"INSERT INTO {table} VALUES ({codec.marks(rows[0])})", rows)
