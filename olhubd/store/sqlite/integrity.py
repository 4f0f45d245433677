"""Whether the file of a database is sound, asked over a connection of its own that only reads.

It is for a daemon that works as well as for a file at rest. Nothing is mended here.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import quote

import aiosqlite
import msgspec

from olhubd.store.base import StoreError
from olhubd.store.sqlite import migrate

__all__ = ["IntegrityReport", "examine"]

_MOST = 20


class IntegrityReport(msgspec.Struct, frozen=True, kw_only=True):
    """The schema of the file, the one that this version needs, and what SQLite finds wrong."""

    schema: int
    needs: int
    damage: tuple[str, ...] = ()


async def examine(path: Path, within: float | None = None) -> IntegrityReport:
    """Read the whole file. Raises StoreError when it cannot be opened, TimeoutError after `within` seconds."""
    schema = 0
    try:
        address = f"file:{quote(str(path))}?mode=ro"
        async with aiosqlite.connect(address, uri=True, isolation_level=None) as connection:
            rows = list(await connection.execute_fetchall("PRAGMA user_version"))
            schema = rows[0][0]
            try:
                async with asyncio.timeout(within):
                    found = list(await connection.execute_fetchall(f"PRAGMA quick_check({_MOST})"))
            except TimeoutError:
                await connection.interrupt()
                raise
    except aiosqlite.OperationalError as error:
        raise StoreError(f"it cannot be opened for reading: {error}") from error
    except aiosqlite.DatabaseError as error:
        return IntegrityReport(schema=schema, needs=migrate.latest(), damage=(str(error),))
    damage = tuple(line for (text,) in found if text != "ok" for line in str(text).splitlines())
    return IntegrityReport(schema=schema, needs=migrate.latest(), damage=damage)
