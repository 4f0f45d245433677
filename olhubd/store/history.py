"""What the database holds of whole orders: each with its events, deliveries and copies, one value an order.

For comparing two databases and for writing one down; what pages show is read elsewhere, and less of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime

import msgspec

from olhubd.model import Delivery, Event, Kind, OrderId, Subject
from olhubd.store import codec, deliveries, events, orders, target_orders
from olhubd.store.base import Reader
from olhubd.store.target_orders import TargetOrder

__all__ = ["RecordedHistory", "moved_since", "names", "of_orders", "others_since", "subjects_since", "walk"]


class RecordedHistory(msgspec.Struct, frozen=True, kw_only=True):
    """One order and all that came of it, oldest first."""

    id: OrderId
    account: str
    external_id: str
    superseded_by: OrderId | None
    created_at: datetime
    changed_at: datetime
    digest: str
    document: msgspec.Raw
    events: Sequence[Event]
    deliveries: Sequence[Delivery]
    copies: Sequence[TargetOrder]


async def of_orders(reader: Reader, order_ids: Sequence[int]) -> dict[OrderId, RecordedHistory]:
    """The histories of these orders."""
    rows = await orders.read(reader, order_ids)
    told = await events.of_subjects(reader, [Subject.order(id_) for id_ in order_ids])
    owed = await deliveries.of_orders(reader, order_ids)
    known = await target_orders.of_orders(reader, order_ids)
    return {
        row.id: RecordedHistory(
            id=row.id,
            account=row.account,
            external_id=row.order.external_id,
            superseded_by=row.superseded_by,
            created_at=row.created_at,
            changed_at=row.changed_at,
            digest=row.digest.hex(),
            document=msgspec.Raw(row.document),
            events=told.get(Subject.order(row.id), ()),
            deliveries=owed.get(row.id, ()),
            copies=sorted(known.get(row.id, ()), key=lambda copy: copy.account),
        )
        for row in sorted(rows.values(), key=lambda row: row.id)
    }


async def walk(reader: Reader, part: int = 100) -> AsyncIterator[dict[OrderId, RecordedHistory]]:
    """All orders, some at a time, in the order of their identifiers."""
    last = 0
    while rows := await reader.fetch("SELECT id FROM orders WHERE id > ? ORDER BY id LIMIT ?", (last, part)):
        last = rows[-1][0]
        yield await of_orders(reader, [row[0] for row in rows])


async def moved_since(reader: Reader, since: datetime) -> set[OrderId]:
    """The orders to which anything happened from that moment on."""
    at = codec.stamp(since)
    rows = await reader.fetch(
        "SELECT subject_id FROM events WHERE at >= ? AND subject_kind = 'order'"
        " UNION SELECT id FROM orders WHERE changed_at >= ?",
        (at, at),
    )
    return {row[0] for row in rows}


async def subjects_since(reader: Reader, kind: Kind, since: datetime | None) -> set[int]:
    """The things of a kind to which anything happened from that moment on, or ever, by what is in the log."""
    at = codec.stamp(since) if since is not None else 0
    rows = await reader.fetch(
        "SELECT DISTINCT subject_id FROM events WHERE at >= ? AND subject_kind = ?", (at, kind.value)
    )
    return {row[0] for row in rows}


async def others_since(reader: Reader, since: datetime, without: Collection[Kind]) -> dict[str, int]:
    """What happened from that moment on to things of other kinds than these: how many events, deliveries and
    records in quarantine there are about each kind."""
    at, marks = codec.stamp(since), codec.marks(list(without))
    kinds = [kind.value for kind in without]
    rows = await reader.fetch(
        "SELECT kind, SUM(n) FROM (SELECT subject_kind AS kind, COUNT(*) AS n FROM events"
        f" WHERE at >= ? AND subject_kind NOT IN ({marks}) GROUP BY subject_kind"
        " UNION ALL SELECT subject_kind, COUNT(*) FROM deliveries"
        f" WHERE created_at >= ? AND subject_kind NOT IN ({marks}) GROUP BY subject_kind"
        f" UNION ALL SELECT kind, COUNT(*) FROM quarantine WHERE last_at >= ? AND kind NOT IN ({marks})"
        " GROUP BY kind) AS others GROUP BY kind ORDER BY kind",
        (at, *kinds, at, *kinds, at, *kinds),
    )
    return {row[0]: int(row[1]) for row in rows}


async def names(reader: Reader) -> list[tuple[OrderId, str, str]]:
    """The identifier, account and external identifier of each order."""
    rows = await reader.fetch("SELECT id, account, external_id FROM orders ORDER BY id")
    return [(row[0], row[1], row[2]) for row in rows]
