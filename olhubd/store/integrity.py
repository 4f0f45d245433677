"""Whether the file of a database is sound, asked over a connection of its own that only reads.

It is for a daemon that works as well as for a file at rest. Nothing is mended here.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import quote

import aiosqlite

from olhubd.store import migrate

__all__ = ["damage", "schema"]

_MOST = 20


async def damage(path: Path, within: float | None = None) -> list[str]:
    """What SQLite finds wrong; nothing when all is well. Raises TimeoutError after `within` seconds."""
    async with aiosqlite.connect(_address(path), uri=True, isolation_level=None) as connection:
        try:
            async with asyncio.timeout(within):
                rows = list(await connection.execute_fetchall(f"PRAGMA quick_check({_MOST})"))
        except TimeoutError:
            await connection.interrupt()
            raise
        except aiosqlite.DatabaseError as error:
            return [str(error)]
    return [line for (text,) in rows if text != "ok" for line in str(text).splitlines()]


async def schema(path: Path) -> tuple[int, int]:
    """The schema of the file, and the one that this version needs. Raises aiosqlite.Error."""
    async with aiosqlite.connect(_address(path), uri=True, isolation_level=None) as connection:
        rows = list(await connection.execute_fetchall("PRAGMA user_version"))
    return rows[0][0], migrate.latest()


def _address(path: Path) -> str:
    return f"file:{quote(str(path))}?mode=ro"
