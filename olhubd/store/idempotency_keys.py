"""What was asked with a key, and how it was answered, so that asking twice does it once; for a day."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from olhubd.store import codec
from olhubd.store.base import Reader, Transaction

__all__ = ["KEPT", "RequestRow", "begin", "end", "forget", "get", "prune"]

KEPT = timedelta(days=1)


class RequestRow(msgspec.Struct, frozen=True, kw_only=True):
    """Without a `status` it was begun and its end is not known; without a `body` the answer was not to be kept."""

    digest: bytes
    at: datetime
    status: int | None
    body: bytes | None


async def get(reader: Reader, who: str, key: str) -> RequestRow | None:
    row = await reader.one("SELECT digest, at, status, body FROM requests WHERE who = ? AND key = ?", (who, key))
    return None if row is None else RequestRow(digest=row[0], at=codec.moment(row[1]), status=row[2], body=row[3])


async def begin(tx: Transaction, who: str, key: str, digest: bytes, now: datetime) -> bool:
    """Remember that it begins. A use of the key a day ago is over; False where it is in use now, which another
    process may have begun at this moment."""
    return bool(
        await tx.execute(
            "INSERT INTO requests (who, key, digest, at) VALUES (?,?,?,?) ON CONFLICT (who, key) DO UPDATE SET"
            " digest = excluded.digest, at = excluded.at, status = NULL, body = NULL WHERE requests.at < ?",
            (who, key, digest, codec.stamp(now), codec.stamp(now - KEPT)),
        )
    )


async def end(tx: Transaction, who: str, key: str, status: int, body: bytes | None) -> None:
    await tx.execute("UPDATE requests SET status = ?, body = ? WHERE who = ? AND key = ?", (status, body, who, key))


async def forget(tx: Transaction, who: str, key: str) -> None:
    """It was refused: nothing was done, and it may be asked again."""
    await tx.execute("DELETE FROM requests WHERE who = ? AND key = ?", (who, key))


async def prune(tx: Transaction, before: datetime, limit: int = 100) -> int:
    """Forget what was asked before that moment, a few at a time; returns how many."""
    return await tx.execute(
        "DELETE FROM requests WHERE (who, key) IN (SELECT who, key FROM requests WHERE at < ? LIMIT ?)",
        (codec.stamp(before), limit),
    )
