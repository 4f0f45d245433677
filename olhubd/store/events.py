"""The append-only log of what happened, to what, and why."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from olhubd.model import Cause, Event, Kind, Subject
from olhubd.store import codec
from olhubd.store.base import Reader, Row, Transaction

__all__ = [
    "COLUMNS",
    "append",
    "at",
    "event",
    "head",
    "helds",
    "latest",
    "newest",
    "of_accounts",
    "of_order",
    "of_subjects",
    "since",
]

COLUMNS = "id, at, kind, account, subject_kind, subject_id, cause_kind, cause_id, data"


async def append(tx: Transaction, events: Sequence[Event]) -> None:
    await tx.executemany(
        f"INSERT INTO events ({COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?)",
        [
            (
                e.id,
                codec.stamp(e.at),
                e.kind,
                e.account,
                e.subject.kind.value if e.subject is not None else None,
                e.subject.id if e.subject is not None else None,
                e.cause.kind,
                e.cause.id,
                bytes(e.data),
            )
            for e in events
        ],
    )


async def of_order(reader: Reader, order_id: int) -> list[Event]:
    """The whole history of one order, oldest first."""
    subject = Subject.order(order_id)
    return (await of_subjects(reader, [subject])).get(subject, [])


async def of_subjects(reader: Reader, subjects: Collection[Subject]) -> dict[Subject, list[Event]]:
    """The histories of these subjects, oldest first."""
    found: dict[Subject, list[Event]] = {}
    where, parameters = codec.about(subjects)
    for row in await reader.fetch(f"SELECT {COLUMNS} FROM events WHERE {where} ORDER BY id", parameters):
        one = event(row)
        if one.subject is not None:
            found.setdefault(one.subject, []).append(one)
    return found


async def newest(reader: Reader, kind: Kind, ids: Collection[int]) -> dict[int, int]:
    """The newest event about each of these subjects of a kind, by their numbers. Those without one are left out."""
    rows = await reader.fetch(
        "SELECT subject_id, MAX(id) FROM events WHERE subject_kind = ?"
        f" AND subject_id IN ({codec.marks(list(ids))}) GROUP BY subject_id",
        (kind.value, *ids),
    )
    return {row[0]: int(row[1]) for row in rows}


async def helds(reader: Reader, subjects: Collection[Subject]) -> list[Event]:
    """What was said of deliveries about these subjects each time that one was held, oldest first."""
    where, parameters = codec.about(subjects)
    rows = await reader.fetch(
        f"SELECT {COLUMNS} FROM events WHERE {where} AND kind = 'delivery.held' ORDER BY id", parameters
    )
    return [event(row) for row in rows]


async def of_accounts(reader: Reader, accounts: Sequence[str], *, after: int, limit: int = 100) -> list[Event]:
    """What happened to these accounts themselves since the event `after`, oldest first."""
    return [
        event(row)
        for row in await reader.fetch(
            f"SELECT {COLUMNS} FROM events WHERE subject_id IS NULL AND account IN ({codec.marks(accounts)})"
            " AND id > ? ORDER BY id LIMIT ?",
            (*accounts, after, limit),
        )
    ]


async def latest(reader: Reader, *, after: int = 0, limit: int = 100) -> list[Event]:
    """The newest events with an id above `after`, oldest first."""
    rows = await reader.fetch(f"SELECT {COLUMNS} FROM events WHERE id > ? ORDER BY id DESC LIMIT ?", (after, limit))
    return [event(row) for row in reversed(rows)]


async def at(reader: Reader, id_: int) -> datetime | None:
    """When an event was; None where there is none of this number."""
    row = await reader.one("SELECT at FROM events WHERE id = ?", (id_,))
    return codec.moment(row[0]) if row is not None else None


async def head(reader: Reader) -> int:
    """The id of the newest event, 0 when there is none."""
    row = await reader.one("SELECT MAX(id) FROM events")
    return int(row[0] or 0) if row else 0


async def since(reader: Reader, after: int, limit: int = 100) -> list[Event]:
    """The events that follow the event `after`, oldest first, none left out.

    All who follow the log do so here. That nothing is left out rests on numbers that come in the order of commits,
    as SQLite's do; a home where transactions run beside each other must end this before the first still open.
    """
    rows = await reader.fetch(f"SELECT {COLUMNS} FROM events WHERE id > ? ORDER BY id LIMIT ?", (after, limit))
    return [event(row) for row in rows]


def event(row: Row) -> Event:
    return Event(
        id=row[0],
        at=codec.moment(row[1]),
        kind=row[2],
        account=row[3],
        subject=codec.subject(row[4], row[5]),
        cause=Cause(row[6], row[7]),
        data=msgspec.Raw(row[8]),
    )
