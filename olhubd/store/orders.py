"""Orders and their lines: what the hub holds, and who owns which line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from olhubd.model import Fulfilment, Money, Order, OrderId, Stage, reference
from olhubd.store import codec
from olhubd.store.base import Reader, Row, Transaction

__all__ = [
    "MEANT",
    "TABLES",
    "LineOwner",
    "OrderHead",
    "OrderSummary",
    "StoredOrder",
    "by_reference",
    "cancelled_with",
    "count",
    "disown",
    "find",
    "get",
    "held",
    "hourly",
    "insert",
    "journeys",
    "listing",
    "mark",
    "names",
    "newest",
    "owners",
    "read",
    "references",
    "release_lines",
    "relined",
    "rewrite",
    "scaled",
    "set_own_status",
    "supersede",
    "update",
    "with_own_status",
]


class OrderHead(msgspec.Struct, frozen=True, gc=False):
    """What is known of an order without its document."""

    id: OrderId
    digest: bytes
    superseded_by: OrderId | None


class LineOwner(msgspec.Struct, frozen=True, gc=False):
    """The live order that has a line now."""

    order_id: OrderId
    external_id: str


TABLES = (("orders", "id"), ("order_lines", "order_id"), ("copies", "order_id"))
"""All that is stored of an order beside its events, deliveries and remarks, with the column that has its number."""


class StoredOrder(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An order as a row: the record with what the hub adds."""

    id: OrderId
    account: str
    order: Order
    document: bytes
    digest: bytes
    created_at: datetime
    changed_at: datetime
    superseded_by: OrderId | None = None
    own_status: str | None = None
    """Its status of the seller's own list, by name."""

    @property
    def external_id(self) -> str:
        return self.order.external_id

    @property
    def live(self) -> bool:
        """Whether its lines are its own; a cancelled order's may be sold again, a superseded one's have moved."""
        return self.superseded_by is None and self.order.stage is not Stage.CANCELLED


class OrderSummary(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An order as lists show it."""

    id: OrderId
    account: str
    external_id: str
    number: str | None
    stage: Stage
    fulfilment: Fulfilment
    paid: bool
    placed_at: datetime
    total: Money
    buyer: str | None
    superseded_by: OrderId | None
    own_status: str | None = None


async def held(reader: Reader, account: str, external_ids: Sequence[str]) -> dict[str, OrderHead]:
    """What is known of these orders, by external id."""
    rows = await reader.fetch(
        "SELECT external_id, id, digest, superseded_by FROM orders"
        f" WHERE account = ? AND external_id IN ({codec.marks(external_ids)})",
        (account, *external_ids),
    )
    return {row[0]: OrderHead(row[1], row[2], row[3]) for row in rows}


async def newest(reader: Reader) -> OrderId:
    """The number of the newest order; 0 without any."""
    row = await reader.one("SELECT COALESCE(MAX(id), 0) FROM orders")
    return OrderId(row[0] if row else 0)


async def owners(reader: Reader, account: str, line_ids: Sequence[str]) -> dict[str, LineOwner]:
    """The live owners of these lines, by the line's external id."""
    found: dict[str, LineOwner] = {}
    for start in range(0, len(line_ids), 500):
        part = line_ids[start : start + 500]
        rows = await reader.fetch(
            "SELECT l.external_id, l.order_id, o.external_id FROM order_lines l JOIN orders o ON o.id = l.order_id"
            f" WHERE l.live = 1 AND l.account = ? AND l.external_id IN ({codec.marks(part)})",
            (account, *part),
        )
        found.update((row[0], LineOwner(row[1], row[2])) for row in rows)
    return found


async def cancelled_with(reader: Reader, account: str, line_ids: Sequence[str]) -> list[OrderId]:
    """The cancelled orders that have any of these lines and were not taken over themselves."""
    found: set[OrderId] = set()
    for start in range(0, len(line_ids), 500):
        part = line_ids[start : start + 500]
        rows = await reader.fetch(
            "SELECT DISTINCT l.order_id FROM order_lines l JOIN orders o ON o.id = l.order_id"
            f" WHERE l.live = 0 AND l.account = ? AND l.external_id IN ({codec.marks(part)})"
            " AND o.superseded_by IS NULL AND o.stage = ?",
            (account, *part, Stage.CANCELLED.value),
        )
        found.update(row[0] for row in rows)
    return sorted(found)


_STORED = "id, account, document, digest, created_at, changed_at, superseded_by, own_status"


def _stored(row: Row) -> StoredOrder:
    return StoredOrder(
        id=row[0],
        account=row[1],
        order=codec.order(row[2]),
        document=row[2],
        digest=row[3],
        created_at=codec.moment(row[4]),
        changed_at=codec.moment(row[5]),
        superseded_by=row[6],
        own_status=row[7],
    )


async def read(reader: Reader, ids: Sequence[int]) -> dict[OrderId, StoredOrder]:
    """Whole orders by the hub's id."""
    rows = await reader.fetch(f"SELECT {_STORED} FROM orders WHERE id IN ({codec.marks(ids)})", list(ids))
    return {row[0]: _stored(row) for row in rows}


async def get(reader: Reader, order_id: int) -> StoredOrder | None:
    return (await read(reader, [order_id])).get(OrderId(order_id))


async def by_reference(reader: Reader, account: str, external_id: str) -> OrderId | None:
    row = await reader.one("SELECT id FROM orders WHERE account = ? AND external_id = ?", (account, external_id))
    return row[0] if row else None


async def references(reader: Reader, order_ids: Sequence[int]) -> dict[OrderId, str]:
    """The marks that these orders bear at targets."""
    rows = await reader.fetch(
        f"SELECT id, account, external_id FROM orders WHERE id IN ({codec.marks(order_ids)})", list(order_ids)
    )
    return {row[0]: reference(row[1], row[2]) for row in rows}


async def names(reader: Reader, order_ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """The account and the external id of each of these orders."""
    found: dict[int, tuple[str, str]] = {}
    for start in range(0, len(order_ids), 500):
        part = list(order_ids[start : start + 500])
        rows = await reader.fetch(
            f"SELECT id, account, external_id FROM orders WHERE id IN ({codec.marks(part)})", part
        )
        found.update((row[0], (row[1], row[2])) for row in rows)
    return found


MEANT = 500
"""Orders that may have one number in common, such as the first of each of many shops."""


async def find(reader: Reader, text: str) -> list[OrderId]:
    """Orders that a person means by `text`: the hub's id, a number, or an external id here or at a target.

    No more than one above `MEANT`: what so many have is the name of none.
    """
    by_id = int(text) if text.isdecimal() and len(text) < 19 else -1
    rows = await reader.fetch(
        "SELECT id FROM orders WHERE id = ? UNION SELECT id FROM orders WHERE number = ?"
        " UNION SELECT id FROM orders WHERE external_id = ?"
        " UNION SELECT order_id FROM copies WHERE number = ?"
        " UNION SELECT order_id FROM copies WHERE external_id = ?"
        " ORDER BY 1 LIMIT ?",
        (by_id, text, text, text, text, MEANT + 1),
    )
    return [row[0] for row in rows]


_SUMMARY = (
    "id, account, external_id, number, stage, fulfilment, paid, placed_at, total, currency, buyer, superseded_by,"
    " own_status"
)


async def listing(
    reader: Reader,
    *,
    account: str | None = None,
    stage: Stage | None = None,
    ids: Sequence[int] | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[OrderSummary]:
    """The newest orders first; `before` is the last id of the page before, `ids` the only ones wanted."""
    where: list[str] = ["id < ?"]
    parameters: list[object] = [before if before is not None else 2**62]
    if account is not None:
        where.append("account = ?")
        parameters.append(account)
    if stage is not None:
        where.append("stage = ?")
        parameters.append(stage.value)
    if ids is not None:
        where.append(f"id IN ({codec.marks(ids)})")
        parameters.extend(ids)
    rows = await reader.fetch(
        f"SELECT {_SUMMARY} FROM orders WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT ?",
        [*parameters, limit],
    )
    return [
        msgspec.convert(
            {
                "id": row[0],
                "account": row[1],
                "external_id": row[2],
                "number": row[3],
                "stage": row[4],
                "fulfilment": row[5],
                "paid": bool(row[6]),
                "placed_at": codec.moment(row[7]),
                "total": {"amount": row[8], "currency": row[9]},
                "buyer": row[10],
                "superseded_by": row[11],
                "own_status": row[12],
            },
            OrderSummary,
        )
        for row in rows
    ]


async def count(reader: Reader) -> dict[tuple[str, str], int]:
    """How many orders by (account, stage). Walks an index; for metrics, not for every request."""
    rows = await reader.fetch("SELECT account, stage, COUNT(*) FROM orders GROUP BY account, stage")
    return {(row[0], row[1]): row[2] for row in rows}


async def hourly(reader: Reader, since: datetime) -> dict[datetime, int]:
    """How many orders landed in each hour from `since` on, by the hour's beginning; empty hours are left out."""
    hour = 3_600_000_000
    rows = await reader.fetch(
        "SELECT created_at / ? AS hour, COUNT(*) FROM orders WHERE created_at >= ? GROUP BY hour ORDER BY hour",
        (hour, codec.stamp(since)),
    )
    return {codec.moment(row[0] * hour): row[1] for row in rows}


async def journeys(reader: Reader, latest: int = 200) -> dict[tuple[str, str], list[timedelta]]:
    """How long the latest orders took from the purchase until a target had them, by (account, target)."""
    rows = await reader.fetch(
        "SELECT o.account, c.account, c.created_at - o.placed_at"
        " FROM (SELECT id, account, placed_at FROM orders ORDER BY id DESC LIMIT ?) AS o"
        " JOIN copies AS c ON c.order_id = o.id ORDER BY o.id DESC",
        (latest,),
    )
    found: dict[tuple[str, str], list[timedelta]] = {}
    for account, target, took in rows:
        found.setdefault((account, target), []).append(timedelta(microseconds=took))
    return found


def scaled(amount: Decimal) -> int:
    """An amount as the filters compare it: in whole ten-thousandths, no greater than a column holds."""
    return max(-(2**63), min(int(amount.scaleb(4)), 2**63 - 1))


def _columns(stored: StoredOrder) -> tuple[object, ...]:
    order = stored.order
    buyer = order.buyer
    name = " ".join(part for part in (buyer.first_name, buyer.last_name) if part) or None
    return (
        order.number,
        order.stage.value,
        order.fulfilment.value,
        int(order.fully_paid),
        codec.stamp(order.placed_at),
        order.total.currency,
        str(order.total.amount),
        scaled(order.total.amount),
        buyer.login or name,
        stored.superseded_by,
        stored.own_status,
        codec.stamp(stored.changed_at),
        stored.digest,
        stored.document,
    )


async def insert(tx: Transaction, rows: Sequence[StoredOrder]) -> None:
    """Store new orders with their lines. Orders that give up lines must be updated before."""
    await tx.executemany(
        "INSERT INTO orders (number, stage, fulfilment, paid, placed_at, currency, total, amount, buyer,"
        " superseded_by, own_status, changed_at, digest, document, id, account, external_id, created_at)"
        " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        [(*_columns(row), row.id, row.account, row.order.external_id, codec.stamp(row.created_at)) for row in rows],
    )
    await _insert_lines(tx, rows)


async def update(tx: Transaction, rows: Sequence[StoredOrder]) -> None:
    """Replace changed orders and their lines."""
    await tx.executemany(
        "UPDATE orders SET number = ?, stage = ?, fulfilment = ?, paid = ?, placed_at = ?, currency = ?, total = ?,"
        " amount = ?, buyer = ?, superseded_by = ?, own_status = ?, changed_at = ?, digest = ?,"
        " document = ? WHERE id = ?",
        [(*_columns(row), row.id) for row in rows],
    )
    await tx.executemany("DELETE FROM order_lines WHERE order_id = ?", [(row.id,) for row in rows])
    await _insert_lines(tx, rows)


async def rewrite(tx: Transaction, row: StoredOrder) -> None:
    """Store an order that a person changed. Its lines are as they were, and their owners too."""
    await tx.execute(
        "UPDATE orders SET number = ?, stage = ?, fulfilment = ?, paid = ?, placed_at = ?, currency = ?, total = ?,"
        " amount = ?, buyer = ?, superseded_by = ?, own_status = ?, changed_at = ?, digest = ?,"
        " document = ? WHERE id = ?",
        (*_columns(row), row.id),
    )


async def relined(tx: Transaction, row: StoredOrder) -> None:
    """Store an order whose lines a person edited. Those that went to another order stay there."""
    gone = await tx.fetch("SELECT external_id FROM order_lines WHERE order_id = ? AND live = 0", (row.id,))
    await update(tx, [row])
    if row.live:
        await release_lines(tx, [(row.id, line[0]) for line in gone])


async def _insert_lines(tx: Transaction, rows: Iterable[StoredOrder]) -> None:
    await tx.executemany(
        "INSERT INTO order_lines"
        " (order_id, position, account, external_id, offer_id, sku, ean, name, quantity, live)"
        " VALUES (?,?,?,?,?,?,?,?,?,?)",
        [
            (
                row.id,
                position,
                row.account,
                line.external_id,
                line.offer_id,
                line.sku,
                line.ean,
                line.name,
                line.quantity,
                int(row.live),
            )
            for row in rows
            for position, line in enumerate(row.order.lines)
        ],
    )


async def supersede(tx: Transaction, pairs: Sequence[tuple[OrderId, OrderId, datetime]]) -> None:
    """Mark orders (first) as taken over by others (second) at a time."""
    await tx.executemany(
        "UPDATE orders SET superseded_by = ?, changed_at = ? WHERE id = ?",
        [(by, codec.stamp(at), old) for old, by, at in pairs],
    )


async def set_own_status(tx: Transaction, order_id: OrderId, name: str | None, at: datetime) -> None:
    """Give an order a status of the seller's own list. All else of it stays."""
    await tx.execute(
        "UPDATE orders SET own_status = ?, changed_at = ? WHERE id = ?", (name, codec.stamp(at), order_id)
    )


async def with_own_status(reader: Reader) -> dict[str, int]:
    """How many orders have each status of the seller's own list. Walks an index."""
    rows = await reader.fetch(
        "SELECT own_status, COUNT(*) FROM orders WHERE own_status IS NOT NULL GROUP BY own_status"
    )
    return {row[0]: row[1] for row in rows}


async def disown(tx: Transaction, ids: Sequence[OrderId]) -> None:
    """Take all lines away from orders that are about to be superseded."""
    await tx.executemany("UPDATE order_lines SET live = 0 WHERE order_id = ?", [(id_,) for id_ in ids])


async def mark(tx: Transaction, order_id: OrderId, mark_: bytes) -> None:
    """Replace the digest, so that the next version that is reported counts as different."""
    await tx.execute("UPDATE orders SET digest = ? WHERE id = ?", (mark_, order_id))


async def release_lines(tx: Transaction, lines: Sequence[tuple[OrderId, str]]) -> None:
    """Take single lines away from orders that keep others."""
    await tx.executemany("UPDATE order_lines SET live = 0 WHERE order_id = ? AND external_id = ?", lines)
