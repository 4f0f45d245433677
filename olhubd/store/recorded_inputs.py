"""The inputs: what came from outside and was decided upon, kept for a time so that it can be decided again.

What an input says is the business of `olhubd.engine.replay.recording`; here it is a packed document with its place
in the order of commits.
"""

from __future__ import annotations

import zlib
from datetime import datetime

import msgspec

from olhubd.store import codec
from olhubd.store.base import Reader, Row, Transaction

__all__ = ["RecordedInput", "earliest", "first_event", "following", "pack", "prune", "put", "tally", "unpack"]

_LEVEL = 1
"""Orders are alike, so even the quickest packing leaves a tenth of them."""
_COLUMNS = "id, at, kind, event, document"


class RecordedInput(msgspec.Struct, frozen=True, kw_only=True):
    """One input. `event` is the first event that its transaction wrote, if it wrote any; `document` is
    packed."""

    at: datetime
    kind: str
    document: bytes
    event: int | None = None
    id: int = 0


def pack(document: bytes) -> bytes:
    return zlib.compress(document, _LEVEL)


def unpack(packed: bytes) -> bytes:
    return zlib.decompress(packed)


async def put(tx: Transaction, one: RecordedInput) -> None:
    """Store an input in the transaction it concerns."""
    await tx.execute(
        f"INSERT INTO inputs ({_COLUMNS}) VALUES (?,?,?,?,?)",
        (
            await tx.next_id("inputs"),
            codec.stamp(one.at),
            one.kind,
            one.event,
            one.document,
        ),
    )


async def earliest(reader: Reader, *, without: str) -> RecordedInput | None:
    """The oldest input that is kept, but for those of the kind `without`, which outlive their time."""
    row = await reader.one(f"SELECT {_COLUMNS} FROM inputs WHERE kind <> ? ORDER BY id LIMIT 1", (without,))
    return _input(row) if row else None


async def first_event(reader: Reader, *, without: str) -> int | None:
    """The first event that was written with an input that is kept, but for those of the kind `without`; None where
    none was."""
    row = await reader.one(
        f"SELECT {_COLUMNS} FROM inputs WHERE kind <> ? AND event IS NOT NULL ORDER BY id LIMIT 1", (without,)
    )
    return _input(row).event if row else None


async def following(reader: Reader, after: int, limit: int = 50) -> list[RecordedInput]:
    """The inputs after the one with the id `after`, in the order of commits."""
    rows = await reader.fetch(f"SELECT {_COLUMNS} FROM inputs WHERE id > ? ORDER BY id LIMIT ?", (after, limit))
    return [_input(row) for row in rows]


async def tally(reader: Reader) -> tuple[int, int]:
    """How many there are, and their size in bytes."""
    row = await reader.one("SELECT COUNT(*), COALESCE(SUM(LENGTH(document)), 0) FROM inputs")
    return (int(row[0]), int(row[1])) if row else (0, 0)


async def prune(tx: Transaction, before: datetime, *, sparing: str, limit: int = 100) -> int:
    """Forget inputs from before that moment, a few at a time; returns how many.

    Of the kind `sparing` the last one stays, since it is in force until another comes.
    """
    at = codec.stamp(before)
    return await tx.execute(
        "DELETE FROM inputs WHERE id IN (SELECT id FROM inputs WHERE at < ? AND (kind <> ?"
        " OR id < (SELECT MAX(id) FROM inputs WHERE at < ? AND kind = ?)) LIMIT ?)",
        (at, sparing, at, sparing, limit),
    )


def _input(row: Row) -> RecordedInput:
    return RecordedInput(
        id=row[0],
        at=codec.moment(row[1]),
        kind=row[2],
        event=row[3],
        document=row[4],
    )
