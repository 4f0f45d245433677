"""Orders with our mark that a target reported before the hub knew which is its copy there."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from olhubd.model import Shipment
from olhubd.store import codec
from olhubd.store.base import Reader, Row, Transaction

__all__ = [
    "KEPT",
    "Stranger",
    "StrangerAnswer",
    "answered",
    "asked",
    "by_reference",
    "discard",
    "forget",
    "known",
    "prune",
    "put",
    "unknown",
]

KEPT = timedelta(days=400)
"""How long one that is settled is kept after its target reported it last: while it is reported, it must not
start again."""
_PRUNED = 500


class StrangerAnswer(enum.StrEnum):
    """What the source of its order said when it was asked."""

    OFF = "off"
    """It is gone or cancelled there."""
    UNWANTED = "unwanted"
    """It is there, and from before the account's start: nobody waits for it."""


class Stranger(msgspec.Struct, frozen=True, kw_only=True):
    """One of them: `account` is the target, `reference` the mark, `shipments` the parcels it reported last.

    `over`: the target's order is cancelled or delivered, so that there is nothing left to be done with it.
    """

    account: str
    external_id: str
    reference: str
    shipments: tuple[Shipment, ...]
    seen_at: datetime
    number: str | None = None
    over: bool = False
    since: datetime | None = None
    asked_at: datetime | None = None
    answer: StrangerAnswer | None = None


_COLUMNS = "account, external_id, reference, shipments, seen_at, number, over, since, asked_at, answer"
_SETTLED = "(over = 1 OR discarded_at IS NOT NULL OR COALESCE(answer, '') = 'unwanted')"
_OWN = (
    "EXISTS (SELECT 1 FROM orders o WHERE o.account = substr(s.reference, 1, instr(s.reference, ':') - 1)"
    " AND o.external_id = substr(s.reference, instr(s.reference, ':') + 1))"
)
"""Whether the order is known whose mark it carries."""
_KEPT = "CASE WHEN strangers.reference = excluded.reference THEN strangers.{} ELSE {} END"
_ANEW = ", ".join(f"{name} = {_KEPT.format(name, 'NULL')}" for name in ("asked_at", "answer", "discarded_at"))
"""A target that was set back gives a number again: with another mark it is another order."""


async def put(tx: Transaction, stranger: Stranger) -> None:
    """Remember it, as it was reported last. What was answered about it, and by whom it was given up, stays."""
    await tx.execute(
        "INSERT INTO strangers (account, external_id, reference, shipments, seen_at, number, over, since)"
        " VALUES (?,?,?,?,?,?,?,?)"
        " ON CONFLICT (account, external_id) DO UPDATE SET reference = excluded.reference,"
        " shipments = excluded.shipments, seen_at = excluded.seen_at, number = excluded.number,"
        f" over = excluded.over, since = {_KEPT.format('since', 'excluded.since')}, {_ANEW}",
        (
            stranger.account,
            stranger.external_id,
            stranger.reference,
            codec.encode(stranger.shipments),
            codec.stamp(stranger.seen_at),
            stranger.number,
            int(stranger.over),
            codec.stamp(stranger.seen_at),
        ),
    )


async def known(reader: Reader) -> bool:
    """Whether there are any: nearly always there are none."""
    row = await reader.one("SELECT EXISTS (SELECT 1 FROM strangers)")
    return bool(row and row[0])


async def by_reference(reader: Reader, references: Sequence[str]) -> list[Stranger]:
    """Those that carry these marks, at any target."""
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM strangers"
        f" WHERE reference IN ({codec.marks(references)}) ORDER BY account, external_id",
        list(references),
    )
    return [_stranger(row) for row in rows]


async def unknown(reader: Reader) -> list[Stranger]:
    """Those whose own order is not known and that wait for somebody, the oldest first."""
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM strangers s WHERE NOT {_SETTLED} AND NOT {_OWN}"
        " ORDER BY since, account, external_id"
    )
    return [_stranger(row) for row in rows]


async def asked(tx: Transaction, some: Sequence[Stranger], at: datetime) -> None:
    """The source of their orders is asked for these now."""
    await tx.executemany(
        "UPDATE strangers SET asked_at = ? WHERE account = ? AND external_id = ?",
        [(codec.stamp(at), one.account, one.external_id) for one in some],
    )


async def answered(tx: Transaction, references: Sequence[str], answer: StrangerAnswer) -> None:
    """What their source said of the orders with these marks."""
    await tx.executemany(
        "UPDATE strangers SET answer = ? WHERE reference = ?", [(answer.value, mark) for mark in references]
    )


async def discard(tx: Transaction, account: str, external_id: str, at: datetime) -> bool:
    """Let one wait for nobody any more. False when it does not wait."""
    return bool(
        await tx.execute(
            f"UPDATE strangers AS s SET discarded_at = ? WHERE account = ? AND external_id = ?"
            f" AND NOT {_SETTLED} AND NOT {_OWN}",
            (codec.stamp(at), account, external_id),
        )
    )


async def forget(tx: Transaction, account: str, external_ids: Sequence[str]) -> None:
    """Those that were dealt with."""
    await tx.executemany(
        "DELETE FROM strangers WHERE account = ? AND external_id = ?", [(account, id_) for id_ in external_ids]
    )


async def prune(tx: Transaction, before: datetime) -> int:
    """Forget some that wait for nobody and were not reported since; returns how many."""
    return await tx.execute(
        "DELETE FROM strangers WHERE (account, external_id) IN (SELECT s.account, s.external_id FROM strangers s"
        f" WHERE s.seen_at < ? AND ({_SETTLED} OR {_OWN}) LIMIT ?)",
        (codec.stamp(before), _PRUNED),
    )


def _stranger(row: Row) -> Stranger:
    return Stranger(
        account=row[0],
        external_id=row[1],
        reference=row[2],
        shipments=msgspec.json.decode(row[3], type=tuple[Shipment, ...]),
        seen_at=codec.moment(row[4]),
        number=row[5],
        over=bool(row[6]),
        since=codec.moment(row[7]),
        asked_at=codec.moment(row[8]),
        answer=StrangerAnswer(row[9]) if row[9] else None,
    )
