"""Orders as they are at the targets they were pushed to, and how they are recognised when they come back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from olhubd.model import Money, OrderId, Shipment
from olhubd.store import codec
from olhubd.store.base import Reader, Row, Transaction

__all__ = ["TargetOrder", "arrive", "by_external", "forget", "of_orders", "put"]


class TargetOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One order at one target. `status` and `shipments` are what its feed said last."""

    order_id: OrderId
    account: str
    external_id: str
    total: Money
    created_at: datetime
    number: str | None = None
    status: str | None = None
    url: str | None = None
    unlinked: tuple[str, ...] = ()
    shipments: tuple[Shipment, ...] = ()
    seen_at: datetime | None = None


_COLUMNS = (
    "order_id, account, external_id, number, currency, total, status, url, unlinked, shipments, created_at, seen_at"
)


_PUT = (
    f"INSERT INTO copies ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)"
    " ON CONFLICT (order_id, account) DO UPDATE SET external_id = excluded.external_id,"
    " number = excluded.number, currency = excluded.currency,"
    " total = excluded.total, status = excluded.status, url = excluded.url, unlinked = excluded.unlinked,"
)


async def put(tx: Transaction, copies: Sequence[TargetOrder]) -> None:
    """Store or renew copies. An order has at most one at each target."""
    await tx.executemany(
        f"{_PUT} shipments = excluded.shipments, seen_at = excluded.seen_at", [_values(c) for c in copies]
    )


async def arrive(tx: Transaction, copies: Sequence[TargetOrder]) -> None:
    """The same for what receipts say: they know no parcels, so what the feed said of the same order stays."""
    same = "copies.external_id = excluded.external_id"
    kept = ", ".join(
        f"{name} = CASE WHEN {same} THEN copies.{name} ELSE excluded.{name} END"
        for name in ("shipments", "seen_at")
    )
    await tx.executemany(f"{_PUT} {kept}", [_values(c) for c in copies])


async def forget(tx: Transaction, order_id: OrderId, account: str) -> None:
    """This order is not known at this target any more."""
    await tx.execute("DELETE FROM copies WHERE order_id = ? AND account = ?", (order_id, account))


def _values(copy: TargetOrder) -> tuple[object, ...]:
    return (
        copy.order_id,
        copy.account,
        copy.external_id,
        copy.number,
        copy.total.currency,
        str(copy.total.amount),
        copy.status,
        copy.url,
        codec.encode(copy.unlinked),
        codec.encode(copy.shipments),
        codec.stamp(copy.created_at),
        codec.stamp(copy.seen_at),
    )


async def of_orders(reader: Reader, order_ids: Sequence[int]) -> dict[OrderId, list[TargetOrder]]:
    """All copies of these orders."""
    found: dict[OrderId, list[TargetOrder]] = {}
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM copies WHERE order_id IN ({codec.marks(order_ids)})", list(order_ids)
    )
    for row in rows:
        found.setdefault(row[0], []).append(_copy(row))
    return found


async def by_external(reader: Reader, account: str, external_ids: Sequence[str]) -> dict[str, TargetOrder]:
    """Which of a target's own orders are copies of ours, by their id there."""
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM copies WHERE account = ? AND external_id IN ({codec.marks(external_ids)})",
        (account, *external_ids),
    )
    return {row[2]: _copy(row) for row in rows}


def _copy(row: Row) -> TargetOrder:
    return msgspec.convert(
        {
            "order_id": row[0],
            "account": row[1],
            "external_id": row[2],
            "number": row[3],
            "total": {"currency": row[4], "amount": row[5]},
            "status": row[6],
            "url": row[7],
            "unlinked": msgspec.json.decode(row[8]),
            "shipments": msgspec.json.decode(row[9]),
            "created_at": codec.moment(row[10]),
            "seen_at": codec.moment(row[11]),
        },
        TargetOrder,
    )
