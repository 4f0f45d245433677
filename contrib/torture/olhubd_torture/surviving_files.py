"""Whether all that was acknowledged outlived a cut of the power."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

__all__ = ["gone"]


def gone(old: Path | None, new: Path) -> list[str]:
    """What differs between the file as its processes saw it and the file that was found after the cut.

    Without `old` it is only asked whether the file is whole.
    """
    try:
        with closing(sqlite3.connect(new)) as connection:
            (whole,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if whole != "ok":
            return [f"power: the file is damaged: {whole}"]
        before, after = _rows(old) if old else {}, _rows(new)
    except sqlite3.DatabaseError as error:
        return [f"power: the file cannot be read: {error}"]
    return [
        f"power: {table} had {len(before[table])} rows, and {len(set(before[table]) - set(after[table]))} of them"
        " are gone or changed"
        for table in before
        if before[table] != after.get(table)
    ]


def _rows(file: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(file)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
        return {name: connection.execute(f'SELECT * FROM "{name}"').fetchall() for (name,) in tables}
