"""Each account's days as the source and the hub counted them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from olhubd.model import Reconciliation
from olhubd.store import codec
from olhubd.store.base import Reader, Row, Transaction

__all__ = ["KEPT", "different", "listing", "prune", "put", "since"]

KEPT = timedelta(days=400)
"""How long a day is kept after it was looked at last: a year and a month, so that this season can be laid beside
the last. A day that differs is looked at again for a month, and after that by nobody."""
_PRUNED = 500

_COLUMNS = "id, account, day, since, until, source, hub, missing, surplus, names, looks, looked_at"


async def put(tx: Transaction, found: Reconciliation) -> None:
    """Store a look at a day; a later one replaces it."""
    await tx.execute(
        f"INSERT INTO reconciliations ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)"
        " ON CONFLICT (account, day) DO UPDATE SET source = excluded.source, hub = excluded.hub,"
        " missing = excluded.missing, surplus = excluded.surplus, names = excluded.names,"
        " since = excluded.since, until = excluded.until, looks = excluded.looks, looked_at = excluded.looked_at",
        (
            found.id,
            found.account,
            found.day.isoformat(),
            codec.stamp(found.since),
            codec.stamp(found.until),
            found.source,
            found.hub,
            found.missing,
            found.surplus,
            codec.encode(found.names),
            found.looks,
            codec.stamp(found.looked_at),
        ),
    )


async def since(reader: Reader, account: str, day: date) -> dict[date, Reconciliation]:
    """One account's days from `day` on."""
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM reconciliations WHERE account = ? AND day >= ?", (account, day.isoformat())
    )
    return {found.day: found for found in map(_reconciliation, rows)}


async def prune(tx: Transaction, before: datetime) -> int:
    """Forget some days that were looked at last before; returns how many."""
    return await tx.execute(
        "DELETE FROM reconciliations WHERE id IN (SELECT id FROM reconciliations WHERE looked_at < ? LIMIT ?)",
        (codec.stamp(before), _PRUNED),
    )


async def different(reader: Reader, after: datetime) -> list[Reconciliation]:
    """The days that ended after that moment and still differ."""
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM reconciliations WHERE (missing > 0 OR surplus > 0) AND until > ?",
        (codec.stamp(after),),
    )
    # In their order only here: asked for it, SQLite would walk through all days in the index that has it.
    return sorted(map(_reconciliation, rows), key=lambda found: (found.account, found.day))


async def listing(
    reader: Reader,
    *,
    account: str | None = None,
    differing: bool = False,
    before: int | None = None,
    limit: int = 50,
) -> list[Reconciliation]:
    """The newest first."""
    where, parameters = ["id < ?"], [before if before is not None else 2**62]
    wanted: list[Any] = list(parameters)
    if account is not None:
        where.append("account = ?")
        wanted.append(account)
    if differing:
        where.append("(missing > 0 OR surplus > 0)")
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM reconciliations WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT ?",
        [*wanted, limit],
    )
    return [_reconciliation(row) for row in rows]


def _reconciliation(row: Row) -> Reconciliation:
    return Reconciliation(
        id=row[0],
        account=row[1],
        day=date.fromisoformat(row[2]),
        since=codec.moment(row[3]),
        until=codec.moment(row[4]),
        source=row[5],
        hub=row[6],
        missing=row[7],
        surplus=row[8],
        names=msgspec.json.decode(row[9], type=tuple[str, ...]),
        looks=row[10],
        looked_at=codec.moment(row[11]),
    )
