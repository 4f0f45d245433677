"""Tokens, durable before their first use. The file's mode (0600) is their protection at rest."""

from __future__ import annotations

from datetime import datetime

import msgspec

from olhubd.store import codec
from olhubd.store.base import Reader, Transaction

__all__ = ["Credential", "delete", "every", "get", "mark", "put"]


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """The present token as its keeper encoded it, the one before, and since when a refresh is unfinished."""

    token: bytes
    saved_at: datetime
    previous: bytes | None = None
    refreshing_at: datetime | None = None


async def put(tx: Transaction, account: str, token: bytes, at: datetime) -> None:
    """Store a new token, keep the one before, and end the mark of a refresh under way."""
    await tx.execute(
        "INSERT INTO credentials (account, token, saved_at) VALUES (?,?,?) ON CONFLICT (account) DO UPDATE SET"
        " previous = credentials.token, token = excluded.token, refreshing_at = NULL, saved_at = excluded.saved_at",
        (account, token, codec.stamp(at)),
    )


async def mark(tx: Transaction, account: str, at: datetime | None) -> None:
    """Remember that a refresh is being sent, or (None) that it surely did not happen."""
    await tx.execute("UPDATE credentials SET refreshing_at = ? WHERE account = ?", (codec.stamp(at), account))


async def get(reader: Reader, account: str) -> Credential | None:
    row = await reader.one(
        "SELECT token, previous, refreshing_at, saved_at FROM credentials WHERE account = ?", (account,)
    )
    if row is None:
        return None
    return Credential(
        token=row[0], previous=row[1], refreshing_at=codec.moment(row[2]), saved_at=codec.moment(row[3])
    )


async def every(reader: Reader) -> frozenset[str]:
    """The accounts that have signed in."""
    return frozenset(row[0] for row in await reader.fetch("SELECT account FROM credentials"))


async def delete(tx: Transaction, account: str) -> None:
    await tx.execute("DELETE FROM credentials WHERE account = ?", (account,))
