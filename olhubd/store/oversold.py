"""Orders that need more of a stock item than there is, each written once with what was known when it was found."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import msgspec

from olhubd.decide.stock.oversold import FoundBy, KnownCommand, KnownSale, OversoldCause, OversoldFacts
from olhubd.store import codec
from olhubd.store.base import Reader, Row, Transaction

__all__ = [
    "KEPT",
    "OversoldOrder",
    "add",
    "close",
    "commands_to",
    "enough",
    "known",
    "listing",
    "missing",
    "needless",
    "open_of",
    "perhaps_seen",
    "prune",
    "read",
    "sales_at",
    "sales_of",
    "tally",
]

KEPT = timedelta(days=400)
"""How long one is kept after it was closed: to compare with the same season of last year."""
_PRUNED = 500
_SALES = 10

_COLUMNS = (
    "s.id, s.order_id, s.item_id, s.account, s.pieces, s.found_by, s.cause, s.found_at, s.facts, s.closed_at,"
    " s.closed_by, s.reason, o.external_id, o.number, i.name, i.sku, i.external_id"
)
_FROM = "FROM oversold s JOIN orders o ON o.id = s.order_id JOIN stock_items i ON i.id = s.item_id"


class OversoldOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order of `account` that needs `pieces` of a stock item that are not there.

    `closed_at`: there is enough again since then, or `closed_by`, a person, has dealt with it. What names the order
    and the item is read with it.
    """

    id: int
    order_id: int
    item: int
    account: str
    pieces: int
    by: FoundBy
    cause: OversoldCause
    found_at: datetime
    facts: OversoldFacts
    closed_at: datetime | None = None
    closed_by: str | None = None
    reason: str | None = None
    order: str = ""
    """The order's number at its channel."""
    name: str = ""
    """The item's name, `sku` and number at its master."""
    sku: str | None = None
    item_number: str = ""

    @property
    def mark(self) -> str:
        """What the item is called by the seller, or at its master."""
        return self.sku or self.item_number


async def add(tx: Transaction, one: OversoldOrder) -> int:
    """Store one, and give its number. An order is written once for each item: where there was enough of it since,
    the same is open again, with what is known now."""
    await tx.execute(
        "INSERT INTO oversold (id, order_id, item_id, account, pieces, found_by, cause, found_at, facts)"
        " VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT (order_id, item_id) DO UPDATE SET pieces = excluded.pieces,"
        " found_by = excluded.found_by, cause = excluded.cause, found_at = excluded.found_at,"
        " facts = excluded.facts, closed_at = NULL WHERE oversold.closed_by IS NULL",
        (
            one.id,
            one.order_id,
            one.item,
            one.account,
            one.pieces,
            one.by.value,
            one.cause.value,
            codec.stamp(one.found_at),
            codec.encode(one.facts),
        ),
    )
    row = await tx.one("SELECT id FROM oversold WHERE order_id = ? AND item_id = ?", (one.order_id, one.item))
    return int(row[0]) if row is not None else one.id


async def read(reader: Reader, number: int) -> OversoldOrder | None:
    row = await reader.one(f"SELECT {_COLUMNS} {_FROM} WHERE s.id = ?", (number,))
    return _oversold(row) if row is not None else None


async def listing(
    reader: Reader,
    *,
    account: str | None = None,
    cause: OversoldCause | None = None,
    open_: bool = False,
    before: int | None = None,
    limit: int = 50,
) -> list[OversoldOrder]:
    """The newest first; `open_` are those of which there is not enough yet, and with which nobody has dealt."""
    where = ["s.id < ?"]
    parameters: list[Any] = [before if before is not None else 2**62]
    if account is not None:
        where.append("s.account = ?")
        parameters.append(account)
    if cause is not None:
        where.append("s.cause = ?")
        parameters.append(cause.value)
    if open_:
        where.append("s.closed_at IS NULL")
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} {_FROM} WHERE {' AND '.join(where)} ORDER BY s.id DESC LIMIT ?", [*parameters, limit]
    )
    return [_oversold(row) for row in rows]


async def open_of(reader: Reader, accounts: Collection[str]) -> list[OversoldOrder]:
    """The open ones of these accounts, the oldest first."""
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} {_FROM} WHERE s.closed_at IS NULL AND s.account IN ({codec.marks(list(accounts))})"
        " ORDER BY s.id LIMIT 100",
        list(accounts),
    )
    return [_oversold(row) for row in rows]


async def tally(reader: Reader) -> dict[OversoldCause, tuple[int, int]]:
    """By cause, how many orders there are, and how many pieces they lack."""
    rows = await reader.fetch("SELECT cause, COUNT(*), SUM(pieces) FROM oversold GROUP BY cause ORDER BY cause")
    return {OversoldCause(row[0]): (int(row[1]), int(row[2])) for row in rows}


async def missing(reader: Reader, items: Collection[int]) -> dict[int, int]:
    """Of these items, the pieces that open ones lack."""
    rows = await reader.fetch(
        "SELECT item_id, SUM(pieces) FROM oversold WHERE closed_at IS NULL"
        f" AND item_id IN ({codec.marks(list(items))}) GROUP BY item_id",
        list(items),
    )
    return {row[0]: int(row[1]) for row in rows}


async def known(reader: Reader, item: int, order_ids: Collection[int]) -> dict[int, bool]:
    """Of these orders, those that are written already for an item, but for those of which there was enough since;
    and whether a person has dealt with each."""
    rows = await reader.fetch(
        "SELECT order_id, closed_by FROM oversold WHERE item_id = ?"
        f" AND (closed_at IS NULL OR closed_by IS NOT NULL) AND order_id IN ({codec.marks(list(order_ids))})",
        [item, *order_ids],
    )
    return {row[0]: row[1] is not None for row in rows}


async def perhaps_seen(reader: Reader, order_ids: Collection[int], master: str, read_at: datetime) -> set[int]:
    """Those of these orders of which the master may have had a copy when it was read, which was at `read_at`."""
    rows = await reader.fetch(
        "SELECT DISTINCT subject_id FROM deliveries WHERE subject_kind = 'order' AND target = ?"
        f" AND sent_at <= ? AND subject_id IN ({codec.marks(list(order_ids))})",
        (master, codec.stamp(read_at), *order_ids),
    )
    return {row[0] for row in rows}


async def sales_of(reader: Reader, item: int, order_id: int) -> list[KnownSale]:
    """The last orders, but for this one, that took pieces of an item, the newest first."""
    rows = await reader.fetch(
        "SELECT r.account, r.order_id, SUM(r.pieces), MIN(o.placed_at), MIN(r.opened_at), MAX(r.opened_after)"
        " FROM reservations r JOIN orders o ON o.id = r.order_id WHERE r.item_id = ? AND r.order_id <> ?"
        " GROUP BY r.account, r.order_id ORDER BY MAX(r.opened_after) DESC, r.order_id DESC LIMIT ?",
        (item, order_id, _SALES),
    )
    return [_sale(row) for row in rows]


async def sales_at(reader: Reader, master: str, number: str, since: datetime) -> list[KnownSale]:
    """The master's own orders of an item, by its number there, that were placed since then, the newest first."""
    rows = await reader.fetch(
        "SELECT o.account, o.id, SUM(l.quantity), o.placed_at, o.created_at FROM order_lines l"
        " JOIN orders o ON o.id = l.order_id WHERE l.account = ? AND l.offer_id = ? AND l.live = 1"
        " AND o.placed_at >= ? GROUP BY o.account, o.id, o.placed_at, o.created_at ORDER BY o.id DESC LIMIT ?",
        (master, number, codec.stamp(since), _SALES),
    )
    return [_sale(row) for row in rows]


async def commands_to(reader: Reader, account: str, offer: str) -> list[KnownCommand]:
    """The commands to an offer of which it is not known what became of them, the oldest first."""
    rows = await reader.fetch(
        "SELECT id, action, state, created_at, value, change, offers FROM level_commands"
        " WHERE account = ? AND ended_at IS NULL AND kind = 'quantity' ORDER BY created_at, id",
        (account,),
    )
    return [
        KnownCommand(
            id=row[0], action=row[1], state=row[2], created_at=codec.moment(row[3]), value=row[4], change=row[5]
        )
        for row in rows
        if offer in msgspec.json.decode(row[6], type=tuple[str, ...])
    ]


async def enough(tx: Transaction, items: Collection[int], at: datetime) -> None:
    """There is enough of these items again."""
    await tx.execute(
        f"UPDATE oversold SET closed_at = ? WHERE closed_at IS NULL AND item_id IN ({codec.marks(list(items))})",
        (codec.stamp(at), *items),
    )


async def needless(tx: Transaction, items: Collection[int], at: datetime) -> None:
    """Orders that need nothing of these items any more, as one that was cancelled or merged, lack nothing."""
    await tx.execute(
        f"UPDATE oversold SET closed_at = ? WHERE closed_at IS NULL AND item_id IN ({codec.marks(list(items))})"
        " AND NOT EXISTS (SELECT 1 FROM reservations r WHERE r.order_id = oversold.order_id"
        " AND r.item_id = oversold.item_id)",
        (codec.stamp(at), *items),
    )


async def close(tx: Transaction, number: int, at: datetime, who: str, reason: str | None) -> bool:
    """A person has dealt with one. False where it is closed already."""
    return bool(
        await tx.execute(
            "UPDATE oversold SET closed_at = ?, closed_by = ?, reason = ? WHERE id = ? AND closed_at IS NULL",
            (codec.stamp(at), who, codec.reason(reason), number),
        )
    )


async def prune(tx: Transaction, before: datetime) -> int:
    """Forget some that were closed before; returns how many."""
    return await tx.execute(
        "DELETE FROM oversold WHERE id IN (SELECT id FROM oversold WHERE closed_at < ? LIMIT ?)",
        (codec.stamp(before), _PRUNED),
    )


def _sale(row: Row) -> KnownSale:
    return KnownSale(
        account=row[0],
        order_id=row[1],
        pieces=int(row[2]),
        bought_at=codec.moment(row[3]),
        landed_at=codec.moment(row[4]),
    )


def _oversold(row: Row) -> OversoldOrder:
    return OversoldOrder(
        id=row[0],
        order_id=row[1],
        item=row[2],
        account=row[3],
        pieces=row[4],
        by=FoundBy(row[5]),
        cause=OversoldCause(row[6]),
        found_at=codec.moment(row[7]),
        facts=msgspec.json.decode(row[8], type=OversoldFacts),
        closed_at=codec.moment(row[9]),
        closed_by=row[10],
        reason=codec.text(row[11]),
        order=row[13] or row[12],
        name=row[14],
        sku=row[15],
        item_number=row[16],
    )
