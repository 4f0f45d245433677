"""What was asked with a key, and how it was answered, so that asking twice does it once."""

from __future__ import annotations

from datetime import datetime

import msgspec

from olhubd.store import codec
from olhubd.store.database import Reader, Transaction

__all__ = ["RequestRow", "begin", "end", "forget", "get"]


class RequestRow(msgspec.Struct, frozen=True, kw_only=True):
    """Without a `status` it was begun and its end is not known; without a `body` the answer was not to be kept."""

    digest: bytes
    at: datetime
    status: int | None
    body: bytes | None


async def get(reader: Reader, who: str, key: str) -> RequestRow | None:
    row = await reader.one("SELECT digest, at, status, body FROM requests WHERE who = ? AND key = ?", (who, key))
    return None if row is None else RequestRow(digest=row[0], at=codec.moment(row[1]), status=row[2], body=row[3])


async def begin(tx: Transaction, who: str, key: str, digest: bytes, now: datetime, keep_since: datetime) -> None:
    """Remember that it begins, and forget what is older than `keep_since`."""
    await tx.execute("DELETE FROM requests WHERE at < ?", (codec.stamp(keep_since),))
    await tx.execute(
        "INSERT INTO requests (who, key, digest, at) VALUES (?,?,?,?)", (who, key, digest, codec.stamp(now))
    )


async def end(tx: Transaction, who: str, key: str, status: int, body: bytes | None) -> None:
    await tx.execute("UPDATE requests SET status = ?, body = ? WHERE who = ? AND key = ?", (status, body, who, key))


async def forget(tx: Transaction, who: str, key: str) -> None:
    """It was refused: nothing was done, and it may be asked again."""
    await tx.execute("DELETE FROM requests WHERE who = ? AND key = ?", (who, key))
