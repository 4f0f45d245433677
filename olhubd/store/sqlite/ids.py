"""Identifiers of new rows, also where another process writes to the same file.

Two kinds of tables. Rows that get their number within the transaction that writes them go on from the highest there
is: under SQLite's one lock of writing nobody else can take the same, and numbers come in the order of commits. The
highest is only looked up again when another connection has written since. Rows that need a number before they are
written take it out of a block that was reserved in the file.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Final

from olhubd.store.base import StoreError

__all__ = ["Identifiers"]

_NEEDED: Final = ("orders", "events", "deliveries", "quarantine", "inputs")
"""Without one of these a file is damaged; others with such a key are found."""
_RESERVED: Final = ("runs", "alarms", "reconciliations")
_BLOCK: Final = 256
"""So many are reserved at once. A process that is killed leaves out those that it had in hand."""
_LARGEST: Final = 8192


class Identifiers:
    """Those that one open database gives. Methods that take a connection run in its thread."""

    def __init__(self) -> None:
        self._upcoming: dict[str, int] = {}
        self._blocks: dict[str, deque[int]] = {table: deque() for table in _RESERVED}
        self._sizes = dict.fromkeys(_RESERVED, _BLOCK)
        self._begun: set[str] = set()
        self._version: int | None = None

    def look(self, raw: sqlite3.Connection) -> None:
        """Go on from the highest identifiers, if another connection has written since the last look."""
        (version,) = raw.execute("PRAGMA data_version").fetchone()
        if version == self._version:
            return
        for table in self._upcoming or _counted(raw):
            (highest,) = raw.execute(f"SELECT COALESCE(MAX(id), 0) FROM {table}").fetchone()
            self._upcoming[table] = max(self._upcoming.get(table, 1), highest + 1)
        self._version = version

    def next(self, table: str) -> int:
        """The next one for a row that is written in this transaction."""
        found = self._upcoming[table]
        self._upcoming[table] = found + 1
        return found

    def take(self, table: str) -> int | None:
        """One out of the block in hand; None when that is used up."""
        block = self._blocks[table]
        return block.popleft() if block else None

    def low(self) -> list[str]:
        """The tables whose blocks should be renewed with the next transaction."""
        return [table for table, block in self._blocks.items() if len(block) <= self._sizes[table] // 2]

    def reserve(self, raw: sqlite3.Connection, tables: Iterable[str]) -> dict[str, range]:
        """Reserve blocks in the file. They are ours when this transaction is committed: then `keep` them."""
        found = {}
        for table in tables:
            if not self._blocks[table] and table in self._begun:  # used up before it was renewed
                self._sizes[table] = min(2 * self._sizes[table], _LARGEST)
            size = self._sizes[table]
            row = raw.execute("SELECT upcoming FROM sequences WHERE name = ?", (table,)).fetchone()
            if row is None:
                raise StoreError(f"the database has lost its sequence of {table}: restore a backup")
            raw.execute("UPDATE sequences SET upcoming = ? WHERE name = ?", (row[0] + size, table))
            found[table] = range(row[0], row[0] + size)
        return found

    def keep(self, reserved: Mapping[str, range]) -> None:
        """These are in hand now."""
        for table, block in reserved.items():
            self._blocks[table].extend(block)
            self._begun.add(table)

    def give_back(self, raw: sqlite3.Connection) -> None:
        """Return what is in hand, where nobody has reserved more since."""
        for table, block in self._blocks.items():
            end = block[-1] + 1 if block else 0
            first = end
            while block and block[-1] == first - 1:
                first = block.pop()
            block.clear()
            if first < end:
                raw.execute(
                    "UPDATE sequences SET upcoming = ? WHERE name = ? AND upcoming = ?", (first, table, end)
                )


def _counted(raw: sqlite3.Connection) -> list[str]:
    """The tables whose rows have a number for their key, but those whose numbers are reserved."""
    rows = raw.execute(
        "SELECT m.name FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS c"
        " WHERE m.type = 'table' AND c.name = 'id' AND c.pk = 1 AND c.type = 'INTEGER' ORDER BY m.name"
    )
    return sorted({*_NEEDED, *(name for (name,) in rows if name not in _RESERVED)})
