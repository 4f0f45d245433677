"""Records that are to be read again, and when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from olhubd.model import Kind
from olhubd.store import codec
from olhubd.store.base import Reader, Transaction

__all__ = ["RereadRequest", "due", "forget", "forget_all", "put", "waiting"]


class RereadRequest(msgspec.Struct, frozen=True, kw_only=True):
    kind: Kind
    external_id: str
    due_at: datetime
    reason: str
    tries: int = 0


async def put(tx: Transaction, account: str, lookups: Sequence[RereadRequest]) -> None:
    """Ask for records to be read again; an earlier wish for the same one is replaced."""
    await tx.executemany(
        "INSERT INTO lookups (account, kind, external_id, due_at, reason, tries) VALUES (?,?,?,?,?,?)"
        " ON CONFLICT (account, kind, external_id) DO UPDATE SET due_at = excluded.due_at,"
        " reason = excluded.reason, tries = lookups.tries + 1",
        [
            (account, one.kind.value, one.external_id, codec.stamp(one.due_at), codec.reason(one.reason), one.tries)
            for one in lookups
        ],
    )


async def forget(tx: Transaction, account: str, lookups: Sequence[RereadRequest]) -> None:
    """Forget wishes that were met; one that was renewed meanwhile stays."""
    await tx.executemany(
        "DELETE FROM lookups WHERE account = ? AND kind = ? AND external_id = ? AND due_at = ?",
        [(account, lookup.kind.value, lookup.external_id, codec.stamp(lookup.due_at)) for lookup in lookups],
    )


async def forget_all(tx: Transaction, account: str) -> None:
    await tx.execute("DELETE FROM lookups WHERE account = ?", (account,))


async def due(reader: Reader, account: str, kind: Kind, now: datetime, limit: int = 50) -> list[RereadRequest]:
    rows = await reader.fetch(
        "SELECT external_id, due_at, reason, tries FROM lookups WHERE account = ? AND kind = ?"
        " AND due_at <= ? ORDER BY due_at LIMIT ?",
        (account, kind.value, codec.stamp(now), limit),
    )
    return [
        RereadRequest(
            kind=kind, external_id=row[0], due_at=codec.moment(row[1]), reason=codec.text(row[2]), tries=row[3]
        )
        for row in rows
    ]


async def waiting(reader: Reader, account: str, kind: Kind) -> bool:
    """Whether any are left, due or not."""
    row = await reader.one("SELECT 1 FROM lookups WHERE account = ? AND kind = ? LIMIT 1", (account, kind.value))
    return row is not None
