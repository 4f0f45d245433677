"""What a step of an upgrade fills by the rules of this version, where SQL alone cannot know them.

It runs within the transaction of its step, some hundred rows at a time: a file of a million orders needs no more
memory than one of a thousand.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Collection, Coroutine, Mapping
from itertools import groupby
from typing import Any, Final

import msgspec

from olhubd.model import OrderId
from olhubd.store import codec, customers
from olhubd.store.base import Parameters, Reading, Row, Transaction
from olhubd.store.orders import StoredOrder

__all__ = ["FILLS"]

_AT_ONCE = 500


class _Filling(Transaction):
    """The transaction of a step, in the thread that does it: nothing is ever waited for."""

    holder = "upgrade"
    held: Mapping[str, int] = {}

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw
        self._upcoming: dict[str, int] = {}

    async def fetch(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        return self._raw.execute(sql, parameters).fetchall()

    async def together(self, work: Reading[Any]) -> Any:
        return await work(self)

    async def execute(self, sql: str, parameters: Parameters = ()) -> int:
        return self._raw.execute(sql, parameters).rowcount

    async def executemany(self, sql: str, rows: Collection[Parameters]) -> int:
        return self._raw.executemany(sql, rows).rowcount if rows else 0

    async def next_id(self, table: str) -> int:
        if table not in self._upcoming:
            (highest,) = self._raw.execute(f"SELECT COALESCE(MAX(id), 0) FROM {table}").fetchone()
            self._upcoming[table] = highest + 1
        found = self._upcoming[table]
        self._upcoming[table] = found + 1
        return found


async def _readable(tx: Transaction, after: int) -> tuple[list[StoredOrder], int | None]:
    """Some orders after this number, with the columns that they have at this step, and the last number; None at the
    end. One whose document no version can read is left out: an upgrade must not end by it."""
    rows = await tx.fetch(
        "SELECT id, account, document, created_at, changed_at FROM orders WHERE id > ? ORDER BY id LIMIT ?",
        (after, _AT_ONCE),
    )
    found = []
    for row in rows:
        with contextlib.suppress(msgspec.DecodeError):
            found.append(
                StoredOrder(
                    id=OrderId(row[0]),
                    account=row[1],
                    order=codec.order(row[2]),
                    document=row[2],
                    digest=b"",
                    created_at=codec.moment(row[3]),
                    changed_at=codec.moment(row[4]),
                )
            )
    return found, rows[-1][0] if rows else None


async def _customers(tx: Transaction) -> None:
    """The customers of all orders that are held."""
    last: int | None = 0
    while last is not None:
        found, last = await _readable(tx, last)
        some = sorted(found, key=lambda row: (row.account, row.id))
        for account, own in groupby(some, key=lambda row: row.account):
            await customers.keep(tx, account, list(own))


def _done(work: Callable[[Transaction], Coroutine[Any, Any, None]]) -> Callable[[sqlite3.Connection], None]:
    def fill(raw: sqlite3.Connection) -> None:
        unit = work(_Filling(raw))
        try:
            unit.send(None)
        except StopIteration:
            return
        finally:
            unit.close()
        raise RuntimeError("what fills a table awaited something else than its transaction")

    return fill


FILLS: Final[Mapping[int, Callable[[sqlite3.Connection], None]]] = {42: _done(_customers)}
"""By the number of the step that they belong to."""
