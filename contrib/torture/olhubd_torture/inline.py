"""A connection to SQLite that works in the thread of its caller, in the shape of the one that the store opens.

Not a stand-in for the database: the same file, the same statements, the same commits. Only the hand-over to a
thread is gone, which in virtual time is waited for anyway and costs more than most statements do. What a task could
see of a thread remains: after each statement the others get their turn.
"""

from __future__ import annotations

import sqlite3
import types
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from olhubd.store import Reader
from olhubd.store.sqlite.database import FileReader

__all__ = ["InlineConnection", "connect"]

T = TypeVar("T")


class InlineConnection:
    """As much of `aiosqlite.Connection` as the store uses. `broken` may raise before a statement is run."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self.raw = raw
        self.broken: Callable[[str], None] = _sound

    @property
    def in_transaction(self) -> bool:
        return self.raw.in_transaction

    async def execute(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:
        try:
            self.broken(sql)
            return self.raw.execute(sql, parameters)
        finally:
            await _turn()

    async def executemany(self, sql: str, rows: Iterable[Any]) -> sqlite3.Cursor:
        try:
            self.broken(sql)
            return self.raw.executemany(sql, rows)
        finally:
            await _turn()

    async def execute_fetchall(self, sql: str, parameters: Any = ()) -> list[Any]:
        try:
            self.broken(sql)
            return self.raw.execute(sql, parameters).fetchall()
        finally:
            await _turn()

    async def together(self, work: Callable[[Reader], Coroutine[Any, Any, T]]) -> T:
        return await work(FileReader(self))  # type: ignore[arg-type]

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            self.broken("BEGIN IMMEDIATE")
            return work(self.raw)
        finally:
            await _turn()


@asynccontextmanager
async def connect(path: Path, **named: Any) -> AsyncIterator[InlineConnection]:
    """Open the file, and close it in the end."""
    raw = sqlite3.connect(path, **named)
    try:
        yield InlineConnection(raw)
    finally:
        raw.close()


@types.coroutine
def _turn() -> Generator[None, None, None]:
    """Let the others go on."""
    yield


def _sound(_sql: str) -> None:
    pass
