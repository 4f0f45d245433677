"""What an upgrade of the file needs and how long it takes: looked at before anything is begun, and reported to
those who wait for it.

A step says in its first line which tables it rewrites: `-- Rewrites: events, deliveries`, or `nothing`. One that
says neither counts as writing the whole file.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from olhubd.store import codec
from olhubd.store.base import PlannedUpgrade

__all__ = ["NoRoomForUpgrade", "mebibytes", "planned", "require_room"]

_REWRITES = re.compile(r"-- Rewrites: ([a-z_, ]+)\n")
_SLACK = 2**20
"""Bytes that remain to others."""
_COPIED = 40 * 2**20
_WRITTEN = 10 * 2**20
"""Bytes a second that a small machine copies, and rewrites with indexes."""


class NoRoomForUpgrade(Exception):
    """The disk has no room for the upgrade; nothing was begun."""


def planned(
    connection: sqlite3.Connection, path: Path, before: int, schema: int, steps: Iterable[str]
) -> PlannedUpgrade:
    """What these steps need, by what the file holds."""
    sizes = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
    (size,) = connection.execute(sizes).fetchone()
    rewritten = [_rewritten(sql) for sql in steps]
    known = _sizes(connection, {table for tables in rewritten for table in tables or ()})
    written = sum(
        size if tables is None else sum(known.get(table, 0) if known is not None else size for table in tables)
        for tables in rewritten
    )
    # The backup; and what is rewritten: in the log before its commit, many a page twice, then in the file.
    needs = size + 3 * written + _SLACK
    seconds = 1 + size // _COPIED + written // _WRITTEN
    return PlannedUpgrade(path=path, before=before, schema=schema, size=size, needs=needs, seconds=seconds)


def require_room(upgrade: PlannedUpgrade) -> None:
    """Raise NoRoomForUpgrade where the disk has less than it needs."""
    free = shutil.disk_usage(upgrade.path.parent).free
    if free < upgrade.needs:
        raise NoRoomForUpgrade(
            f"{upgrade.path} has schema {upgrade.before}, and bringing it to schema {upgrade.schema} needs"
            f" {mebibytes(upgrade.needs)} free beside it, of which there are {mebibytes(free)}: make room, or move"
            " the data directory to a larger disk, then start again; nothing was begun"
        )


def _rewritten(sql: str) -> list[str] | None:
    """The tables that a step rewrites; None where it does not say."""
    found = _REWRITES.match(sql)
    if found is None:
        return None
    return [name for name in found[1].split(", ") if name != "nothing"]


def _sizes(connection: sqlite3.Connection, tables: Iterable[str]) -> dict[str, int] | None:
    """Bytes of these tables with their indexes; None of an SQLite that was built without the table of pages."""
    names = list(tables)
    try:
        rows = connection.execute(
            "SELECT m.tbl_name, SUM(s.pgsize) FROM sqlite_master AS m CROSS JOIN dbstat AS s ON s.name = m.name"
            f" WHERE m.tbl_name IN ({codec.marks(names)}) AND m.rootpage > 0 AND s.aggregate = TRUE"
            " GROUP BY m.tbl_name",
            names,
        )
        return dict(rows.fetchall())
    except sqlite3.OperationalError:
        return None


def mebibytes(count: int) -> str:
    """A size for people, rounded up."""
    return f"{-(-count // 2**20):,} MiB"
