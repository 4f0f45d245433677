"""What a step of an upgrade fills by the rules of this version, where SQL alone cannot know them.

It runs within the transaction of its step, some hundred rows at a time: a file of a million orders needs no more
memory than one of a thousand.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

import msgspec

from olhubd.model import OrderId
from olhubd.store import customers, orders
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


async def _readable(tx: Transaction, ids: Sequence[OrderId]) -> list[StoredOrder]:
    """These orders, but those whose document no version can read: an upgrade must not end by one of them."""
    try:
        return list((await orders.read(tx, ids)).values())
    except msgspec.DecodeError:
        if len(ids) == 1:
            return []
    return [row for id_ in ids for row in await _readable(tx, [id_])]


async def _customers(tx: Transaction) -> None:
    """The customers of all orders that are held."""
    last = 0
    while rows := await tx.fetch("SELECT id FROM orders WHERE id > ? ORDER BY id LIMIT ?", (last, _AT_ONCE)):
        ids = [OrderId(row[0]) for row in rows]
        some = sorted(await _readable(tx, ids), key=lambda row: (row.account, row.id))
        for account, own in groupby(some, key=lambda row: row.account):
            await customers.keep(tx, account, list(own))
        last = ids[-1]


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
