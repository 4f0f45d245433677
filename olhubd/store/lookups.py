"""Orders that are to be read again, and when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from olhubd.store import codec
from olhubd.store.database import Reader, Transaction

__all__ = ["Lookup", "due", "forget", "forget_all", "put", "waiting"]


class Lookup(msgspec.Struct, frozen=True, kw_only=True):
    external_id: str
    due_at: datetime
    reason: str
    tries: int = 0


async def put(tx: Transaction, account: str, lookups: Sequence[Lookup]) -> None:
    """Ask for orders to be read again; an earlier wish for the same order is replaced."""
    await tx.executemany(
        "INSERT INTO lookups (account, external_id, due_at, reason, tries) VALUES (?,?,?,?,?)"
        " ON CONFLICT (account, external_id) DO UPDATE SET due_at = excluded.due_at, reason = excluded.reason,"
        " tries = lookups.tries + 1",
        [
            (account, lookup.external_id, codec.stamp(lookup.due_at), lookup.reason, lookup.tries)
            for lookup in lookups
        ],
    )


async def forget(tx: Transaction, account: str, lookups: Sequence[Lookup]) -> None:
    """Forget wishes that were met; one that was renewed meanwhile stays."""
    await tx.executemany(
        "DELETE FROM lookups WHERE account = ? AND external_id = ? AND due_at = ?",
        [(account, lookup.external_id, codec.stamp(lookup.due_at)) for lookup in lookups],
    )


async def forget_all(tx: Transaction, account: str) -> None:
    await tx.execute("DELETE FROM lookups WHERE account = ?", (account,))


async def due(reader: Reader, account: str, now: datetime, limit: int = 50) -> list[Lookup]:
    rows = await reader.fetch(
        "SELECT external_id, due_at, reason, tries FROM lookups WHERE account = ? AND due_at <= ?"
        " ORDER BY due_at LIMIT ?",
        (account, codec.stamp(now), limit),
    )
    return [Lookup(external_id=row[0], due_at=codec.moment(row[1]), reason=row[2], tries=row[3]) for row in rows]


async def waiting(reader: Reader, account: str) -> bool:
    """Whether any are left, due or not."""
    return await reader.one("SELECT 1 FROM lookups WHERE account = ? LIMIT 1", (account,)) is not None
