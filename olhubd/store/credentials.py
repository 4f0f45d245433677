"""Tokens, durable before their first use. The file's mode (0600) is their protection at rest."""

from __future__ import annotations

from datetime import datetime

import msgspec

from olhubd.store import codec, leases
from olhubd.store.base import LeaseLost, Reader, Transaction

__all__ = ["Credential", "delete", "every", "get", "mark", "put"]


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """The present token as its keeper encoded it, the one before, and since when a refresh is unfinished."""

    token: bytes
    saved_at: datetime
    previous: bytes | None = None
    refreshing_at: datetime | None = None


async def put(tx: Transaction, account: str, token: bytes, at: datetime) -> None:
    """Store a new token, keep the one before, and end the mark of a refresh under way.

    Raises LeaseLost where a process that has taken the account over has stored one. Until it does, the token that
    the holder before still receives is the newest there is: not to store it could lose the grant.
    """
    stored = await tx.execute(
        "INSERT INTO credentials (account, token, saved_at, epoch) VALUES (?,?,?,?) ON CONFLICT (account)"
        " DO UPDATE SET previous = credentials.token, token = excluded.token, refreshing_at = NULL,"
        " saved_at = excluded.saved_at, epoch = excluded.epoch WHERE credentials.epoch <= ?",
        (account, token, codec.stamp(at), tx.held.get(account, 0), leases.held(tx, account)),
    )
    if not stored:
        raise LeaseLost(account)


async def mark(tx: Transaction, account: str, at: datetime | None) -> None:
    """Remember that a refresh is being sent, or (None) that it surely did not happen.

    Raises LeaseLost where another process has taken the account over: the refresh is its business.
    """
    marked = await tx.execute(
        "UPDATE credentials SET refreshing_at = ? WHERE account = ? AND NOT EXISTS"
        " (SELECT 1 FROM leases WHERE leases.account = credentials.account AND leases.epoch > ?)",
        (codec.stamp(at), account, leases.held(tx, account)),
    )
    if not marked:
        await leases.require(tx, account)


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
