"""Records that could not be stored as orders: kept whole, counted, and cleared when they land after all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from olhubd.model import Quarantined
from olhubd.store import codec
from olhubd.store.database import Reader, Transaction

__all__ = ["Refused", "clear", "listing", "put", "tally"]


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A record to be put into quarantine."""

    external_id: str
    reason: str
    raw: bytes


async def put(tx: Transaction, account: str, feed: str, records: Sequence[Refused], at: datetime) -> None:
    stamp = codec.stamp(at)
    await tx.executemany(
        "INSERT INTO quarantine (id, account, feed, external_id, reason, raw, first_at, last_at, tries)"
        " VALUES (?,?,?,?,?,?,?,?,1) ON CONFLICT (account, external_id) DO UPDATE SET reason = excluded.reason,"
        " raw = excluded.raw, last_at = excluded.last_at, tries = quarantine.tries + 1",
        [(tx.next_id("quarantine"), account, feed, r.external_id, r.reason, r.raw, stamp, stamp) for r in records],
    )


async def clear(tx: Transaction, account: str, external_ids: Sequence[str]) -> int:
    """Forget those that landed; gives how many there were."""
    return await tx.execute(
        f"DELETE FROM quarantine WHERE account = ? AND external_id IN ({codec.marks(external_ids)})",
        (account, *external_ids),
    )


async def listing(reader: Reader, limit: int = 100) -> list[Quarantined]:
    rows = await reader.fetch(
        "SELECT id, account, feed, external_id, reason, raw, first_at, last_at, tries FROM quarantine"
        " ORDER BY id DESC LIMIT ?",
        (limit,),
    )
    return [
        Quarantined(
            id=row[0],
            account=row[1],
            feed=row[2],
            external_id=row[3],
            reason=row[4],
            raw=row[5],
            first_at=codec.moment(row[6]),
            last_at=codec.moment(row[7]),
            tries=row[8],
        )
        for row in rows
    ]


async def tally(reader: Reader) -> dict[str, int]:
    """How many there are by account."""
    return dict(await reader.fetch("SELECT account, COUNT(*) FROM quarantine GROUP BY account"))
