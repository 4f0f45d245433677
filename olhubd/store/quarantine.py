"""Records that could not be stored: kept whole, counted, and cleared when they land after all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from olhubd.model import Kind, Quarantined
from olhubd.store import codec
from olhubd.store.base import Reader, Row, Transaction

__all__ = ["KEPT", "QuarantineDraft", "clear", "discard", "get", "listing", "prune", "put", "tally"]

KEPT = timedelta(days=400)
"""How long a record that a person gave up is kept after that or after its source reported it last, whichever was
later. While the source reports it, it must stay, or it would wait for a person again; a source that was silent
about it for a year and a month has no reason to start again. It holds what an order holds, so it does not stay
for ever."""
_PRUNED = 100

_COLUMNS = "id, account, feed, kind, external_id, reason, raw, first_at, last_at, tries"


class QuarantineDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A record to be put into quarantine. `kind` is a `Kind`, or the name of a type that is none."""

    kind: str
    external_id: str
    reason: str
    raw: bytes


async def put(tx: Transaction, account: str, feed: str, records: Sequence[QuarantineDraft], at: datetime) -> None:
    """Keep records aside. One that a person gave up stays so until its source sends a different version."""
    stamp = codec.stamp(at)
    await tx.executemany(
        "INSERT INTO quarantine (id, account, feed, kind, external_id, reason, raw, first_at, last_at,"
        " tries) VALUES (?,?,?,?,?,?,?,?,?,1) ON CONFLICT (account, kind, external_id) DO UPDATE SET"
        " reason = excluded.reason, raw = excluded.raw, last_at = excluded.last_at, tries = quarantine.tries + 1,"
        " discarded_at = CASE WHEN quarantine.raw = excluded.raw THEN quarantine.discarded_at END,"
        " discarded_why = CASE WHEN quarantine.raw = excluded.raw THEN quarantine.discarded_why END",
        [
            (id_, account, feed, str(r.kind), r.external_id, codec.reason(r.reason), r.raw, stamp, stamp)
            for r in records
            for id_ in [await tx.next_id("quarantine")]
        ],
    )


async def clear(tx: Transaction, account: str, kind: Kind, external_ids: Sequence[str]) -> int:
    """Forget those that landed; returns how many there were."""
    return await tx.execute(
        f"DELETE FROM quarantine WHERE account = ? AND kind = ? AND external_id IN ({codec.marks(external_ids)})",
        (account, kind.value, *external_ids),
    )


async def listing(reader: Reader, *, before: int | None = None, limit: int = 100) -> list[Quarantined]:
    """The newest with a number below `before` first, without those that a person gave up."""
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM quarantine WHERE discarded_at IS NULL AND id < ? ORDER BY id DESC LIMIT ?",
        (before if before is not None else 2**62, limit),
    )
    return [_quarantined(row) for row in rows]


async def get(reader: Reader, id_: int) -> Quarantined | None:
    """One record; None when it is not there or was given up."""
    row = await reader.one(f"SELECT {_COLUMNS} FROM quarantine WHERE id = ? AND discarded_at IS NULL", (id_,))
    return _quarantined(row) if row else None


async def discard(tx: Transaction, id_: int, why: str, at: datetime) -> bool:
    """Give a record up: it waits for nobody any more. False when it waits no more already."""
    return bool(
        await tx.execute(
            "UPDATE quarantine SET discarded_at = ?, discarded_why = ? WHERE id = ? AND discarded_at IS NULL",
            (codec.stamp(at), why, id_),
        )
    )


async def prune(tx: Transaction, before: datetime) -> int:
    """Forget some that were given up before and not reported since; returns how many. Those that wait all stay."""
    at = codec.stamp(before)
    return await tx.execute(
        "DELETE FROM quarantine WHERE id IN (SELECT id FROM quarantine"
        " WHERE discarded_at IS NOT NULL AND last_at < ? AND discarded_at < ? LIMIT ?)",
        (at, at, _PRUNED),
    )


def _quarantined(row: Row) -> Quarantined:
    return Quarantined(
        id=row[0],
        account=row[1],
        feed=row[2],
        kind=row[3],
        external_id=row[4],
        reason=codec.text(row[5]),
        raw=row[6],
        first_at=codec.moment(row[7]),
        last_at=codec.moment(row[8]),
        tries=row[9],
    )


async def tally(reader: Reader) -> dict[str, int]:
    """How many there are by account."""
    rows = await reader.fetch(
        "SELECT account, COUNT(*) FROM quarantine WHERE discarded_at IS NULL GROUP BY account"
    )
    return dict(rows)
