"""Alarms as they are kept: the open ones, and those of the past."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from olhubd.model import Alarm, AlarmId, AlarmKind
from olhubd.store import codec
from olhubd.store.base import Reader, Row, Transaction

__all__ = ["KEPT", "listing", "prune", "put", "recent"]

KEPT = timedelta(days=400)
"""How long an alarm that is over is kept: a year and a month, so that this season can be laid beside the last. That
it was there stays in the log of events."""
_PRUNED = 500

_COLUMNS = "id, kind, subject, detail, raised_at, cleared_at, told, told_at"


async def put(tx: Transaction, alarms: Sequence[Alarm]) -> None:
    await tx.executemany(
        f"INSERT INTO alarms ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?) ON CONFLICT (id) DO UPDATE SET"
        " detail = excluded.detail, cleared_at = excluded.cleared_at, told = excluded.told,"
        " told_at = excluded.told_at",
        [
            (
                alarm.id,
                alarm.kind.value,
                alarm.subject,
                codec.reason(alarm.detail),
                codec.stamp(alarm.raised_at),
                codec.stamp(alarm.cleared_at),
                codec.encode(alarm.told),
                codec.stamp(alarm.told_at),
            )
            # What was cleared makes room for what is raised.
            for alarm in sorted(alarms, key=lambda alarm: alarm.open)
        ],
    )


async def prune(tx: Transaction, before: datetime) -> int:
    """Forget some that were over before; returns how many. The newest stays, since numbers go on from it."""
    return await tx.execute(
        "DELETE FROM alarms WHERE id IN (SELECT id FROM alarms WHERE cleared_at IS NOT NULL AND cleared_at < ?"
        " AND id < (SELECT MAX(id) FROM alarms) LIMIT ?)",
        (codec.stamp(before), _PRUNED),
    )


async def recent(reader: Reader, since: datetime) -> list[Alarm]:
    """The open ones and those cleared since then, in the order in which they were raised."""
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM alarms WHERE cleared_at IS NULL OR cleared_at >= ? ORDER BY id",
        (codec.stamp(since),),
    )
    return [_alarm(row) for row in rows]


async def listing(
    reader: Reader,
    *,
    past: bool = False,
    kind: AlarmKind | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[Alarm]:
    """The open ones, or those of the past; the newest first."""
    where = ["id < ?", "cleared_at IS NOT NULL" if past else "cleared_at IS NULL"]
    parameters: list[Any] = [before if before is not None else 2**62]
    if kind is not None:
        where.append("kind = ?")
        parameters.append(kind.value)
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM alarms WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT ?", [*parameters, limit]
    )
    return [_alarm(row) for row in rows]


def _alarm(row: Row) -> Alarm:
    return Alarm(
        id=AlarmId(row[0]),
        kind=AlarmKind(row[1]),
        subject=row[2],
        detail=codec.text(row[3]),
        raised_at=codec.moment(row[4]),
        cleared_at=codec.moment(row[5]),
        told=msgspec.json.decode(row[6], type=dict[str, str]),
        told_at=codec.moment(row[7]),
    )
