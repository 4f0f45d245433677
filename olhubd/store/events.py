"""The append-only log of what happened, to what, and why."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from olhubd.model import Cause, Event
from olhubd.store import codec
from olhubd.store.database import Reader, Row, Transaction

__all__ = ["COLUMNS", "append", "event", "head", "latest", "of_accounts", "of_order", "of_orders", "since"]

COLUMNS = "id, at, kind, account, order_id, cause_kind, cause_id, data"


async def append(tx: Transaction, events: Sequence[Event]) -> None:
    await tx.executemany(
        f"INSERT INTO events ({COLUMNS}) VALUES (?,?,?,?,?,?,?,?)",
        [
            (e.id, codec.stamp(e.at), e.kind, e.account, e.order_id, e.cause.kind, e.cause.id, bytes(e.data))
            for e in events
        ],
    )


async def of_order(reader: Reader, order_id: int) -> list[Event]:
    """The whole history of one order, oldest first."""
    return [
        event(row)
        for row in await reader.fetch(f"SELECT {COLUMNS} FROM events WHERE order_id = ? ORDER BY id", (order_id,))
    ]


async def of_orders(reader: Reader, order_ids: Sequence[int]) -> dict[int, list[Event]]:
    """The histories of these orders, oldest first."""
    found: dict[int, list[Event]] = {}
    rows = await reader.fetch(
        f"SELECT {COLUMNS} FROM events WHERE order_id IN ({codec.marks(order_ids)}) ORDER BY id", list(order_ids)
    )
    for row in rows:
        found.setdefault(row[4], []).append(event(row))
    return found


async def helds(reader: Reader, order_ids: Sequence[int]) -> list[Event]:
    """What was said of deliveries of these orders each time that one was held, oldest first."""
    rows = await reader.fetch(
        f"SELECT {COLUMNS} FROM events WHERE order_id IN ({codec.marks(order_ids)}) AND kind = 'delivery.held'"
        " ORDER BY id",
        list(order_ids),
    )
    return [event(row) for row in rows]


async def of_accounts(reader: Reader, accounts: Sequence[str], *, after: int, limit: int = 100) -> list[Event]:
    """What happened to these accounts themselves since the event `after`, oldest first."""
    return [
        event(row)
        for row in await reader.fetch(
            f"SELECT {COLUMNS} FROM events WHERE order_id IS NULL AND account IN ({codec.marks(accounts)})"
            " AND id > ? ORDER BY id LIMIT ?",
            (*accounts, after, limit),
        )
    ]


async def latest(reader: Reader, *, after: int = 0, limit: int = 100) -> list[Event]:
    """The newest events with an id above `after`, oldest first."""
    rows = await reader.fetch(f"SELECT {COLUMNS} FROM events WHERE id > ? ORDER BY id DESC LIMIT ?", (after, limit))
    return [event(row) for row in reversed(rows)]


async def head(reader: Reader) -> int:
    """The id of the newest event, 0 when there is none."""
    row = await reader.one("SELECT MAX(id) FROM events")
    return int(row[0] or 0) if row else 0


async def since(reader: Reader, after: int, limit: int = 100) -> list[Event]:
    """The events that follow the event `after`, oldest first, none left out."""
    rows = await reader.fetch(f"SELECT {COLUMNS} FROM events WHERE id > ? ORDER BY id LIMIT ?", (after, limit))
    return [event(row) for row in rows]


def event(row: Row) -> Event:
    return Event(
        id=row[0],
        at=codec.moment(row[1]),
        kind=row[2],
        account=row[3],
        order_id=row[4],
        cause=Cause(row[5], row[6]),
        data=msgspec.Raw(row[7]),
    )
