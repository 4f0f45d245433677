"""What orders need of the stock: one row a line and item, from the purchase on."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import msgspec

from olhubd.model import Reservation
from olhubd.store import codec
from olhubd.store.base import Reader, Row, Transaction

__all__ = [
    "ReservedLine",
    "awaiting",
    "end",
    "of_items",
    "of_orders",
    "pieces",
    "put",
    "sales",
    "selling",
    "settle",
    "sold",
    "unseen",
]

_COLUMNS = "order_id, line, item_id, account, pieces, opened_after, opened_at, taken, taken_after"


class ReservedLine(msgspec.Struct, frozen=True, gc=False):
    """A line of an order, and a stock item that it needs: so many `pieces` of it, counted by `master`."""

    order_id: int
    line: str
    item: int
    master: str
    pieces: int
    live: bool


async def sold(reader: Reader, order_ids: Collection[int]) -> dict[int, list[ReservedLine]]:
    """What the lines of these orders need, as their offers are linked now, by order."""
    rows = await reader.fetch(
        "SELECT l.order_id, l.external_id, k.item_id, i.account, l.quantity * k.units, l.live"
        " FROM order_lines l JOIN offers o ON o.account = l.account AND o.external_id = l.offer_id"
        " JOIN links k ON k.offer_id = o.id JOIN stock_items i ON i.id = k.item_id"
        f" WHERE l.order_id IN ({codec.marks(list(order_ids))}) ORDER BY l.order_id, l.position, k.item_id",
        list(order_ids),
    )
    found: dict[int, list[ReservedLine]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(ReservedLine(row[0], row[1], row[2], row[3], row[4], bool(row[5])))
    return found


async def pieces(reader: Reader, order_ids: Collection[int]) -> list[tuple[str, int]]:
    """How many pieces of each offer these orders buy for the first time, by the offer's number at its channel.

    Lines that an order took over from another one were bought then.
    """
    rows = await reader.fetch(
        "SELECT l.offer_id, SUM(l.quantity) FROM order_lines l WHERE l.live = 1 AND l.offer_id IS NOT NULL"
        f" AND l.order_id IN ({codec.marks(list(order_ids))}) AND NOT EXISTS (SELECT 1 FROM order_lines b WHERE"
        " b.account = l.account AND b.external_id = l.external_id AND b.live = 0 AND b.order_id <> l.order_id)"
        " GROUP BY l.offer_id ORDER BY l.offer_id",
        list(order_ids),
    )
    return [(row[0], int(row[1])) for row in rows]


async def selling(reader: Reader, account: str, offers: Sequence[str]) -> list[int]:
    """The orders with live lines of these offers of an account."""
    rows = await reader.fetch(
        "SELECT DISTINCT order_id FROM order_lines WHERE account = ? AND live = 1"
        f" AND offer_id IN ({codec.marks(offers)}) ORDER BY order_id",
        (account, *offers),
    )
    return [row[0] for row in rows]


async def of_orders(reader: Reader, order_ids: Collection[int]) -> dict[int, list[Reservation]]:
    """The reservations of these orders, by order."""
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM reservations WHERE order_id IN ({codec.marks(list(order_ids))})"
        " ORDER BY order_id, line, item_id",
        list(order_ids),
    )
    found: dict[int, list[Reservation]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(_reservation(row))
    return found


async def of_items(reader: Reader, items: Collection[int]) -> dict[int, list[Reservation]]:
    """The reservations of these items that a reading of their master need not have shown yet, oldest first."""
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM reservations WHERE item_id IN ({codec.marks(list(items))}) AND settled = 0"
        " ORDER BY item_id, order_id, line",
        list(items),
    )
    found: dict[int, list[Reservation]] = {}
    for row in rows:
        found.setdefault(row[2], []).append(_reservation(row))
    return found


async def awaiting(reader: Reader, items: Collection[int]) -> set[int]:
    """Those of these items of which the master has taken pieces off that no reading has shown."""
    rows = await reader.fetch(
        "SELECT DISTINCT item_id FROM reservations WHERE settled = 0 AND taken_after IS NOT NULL"
        f" AND item_id IN ({codec.marks(list(items))})",
        list(items),
    )
    return {row[0] for row in rows}


async def unseen(reader: Reader, items: Collection[int]) -> dict[int, int]:
    """The pieces of these items that are reserved and that the newest reading of each does not show."""
    rows = await reader.fetch(
        "SELECT r.item_id, SUM(CASE WHEN r.taken_after IS NULL OR r.taken_after > i.read_after THEN r.pieces"
        " WHEN r.pieces > r.taken THEN r.pieces - r.taken ELSE 0 END)"
        " FROM reservations r JOIN stock_items i ON i.id = r.item_id"
        f" WHERE r.settled = 0 AND r.item_id IN ({codec.marks(list(items))}) GROUP BY r.item_id",
        list(items),
    )
    return {row[0]: int(row[1]) for row in rows}


async def sales(reader: Reader, item: int, since: datetime) -> dict[str, int]:
    """How many pieces of an item were bought at each account since then."""
    rows = await reader.fetch(
        "SELECT account, SUM(pieces) FROM reservations WHERE item_id = ? AND opened_at >= ? GROUP BY account",
        (item, codec.stamp(since)),
    )
    return {row[0]: int(row[1]) for row in rows}


async def put(tx: Transaction, rows: Sequence[Reservation]) -> None:
    """Store or renew reservations. Lock their items before."""
    await tx.executemany(
        f"INSERT INTO reservations ({_COLUMNS}, settled) VALUES (?,?,?,?,?,?,?,?,?,0)"
        " ON CONFLICT (order_id, line, item_id) DO UPDATE SET pieces = excluded.pieces, taken = excluded.taken,"
        " taken_after = excluded.taken_after, settled = 0",
        [
            (
                one.order_id,
                one.line,
                one.item,
                one.account,
                one.pieces,
                one.opened_after,
                codec.stamp(one.opened_at),
                one.taken,
                one.taken_after,
            )
            for one in rows
        ],
    )


async def end(tx: Transaction, order_id: int, ends: Sequence[tuple[str, int]]) -> None:
    """Forget reservations of an order, by line and item. Lock their items before."""
    await tx.executemany(
        "DELETE FROM reservations WHERE order_id = ? AND line = ? AND item_id = ?",
        [(order_id, line, item) for line, item in ends],
    )


async def settle(tx: Transaction, readings: Mapping[int, int]) -> int:
    """Readings of items, by the newest event when each was asked for, show what was taken before: those
    reservations do not count any more. Gives how many."""
    return await tx.executemany(
        "UPDATE reservations SET settled = 1 WHERE item_id = ? AND settled = 0 AND taken = pieces"
        " AND taken_after <= ?",
        [(item, after) for item, after in sorted(readings.items())],
    )


def _reservation(row: Row) -> Reservation:
    return Reservation(
        order_id=row[0],
        line=row[1],
        item=row[2],
        account=row[3],
        pieces=row[4],
        opened_after=row[5],
        opened_at=codec.moment(row[6]),
        taken=row[7],
        taken_after=row[8],
    )
