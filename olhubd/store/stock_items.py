"""What the stock masters count: one row an item, by its newest reading, and the marks of its changes.

Who changes a reading, a reservation or a level of an item locks the item first, in ascending order of items. In
a home where one transaction writes at a time the lock costs nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import msgspec

from olhubd.model import StockLevel
from olhubd.model.check import gtin
from olhubd.store import codec
from olhubd.store.base import Reader, Row, Transaction

__all__ = [
    "StockItem",
    "StockMark",
    "behind",
    "by_codes",
    "by_external",
    "by_numbers",
    "find",
    "follow",
    "followed",
    "linked_with",
    "lock",
    "mark",
    "marks",
    "put",
    "read",
    "trim",
    "was_linked",
]


class StockItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An item with its newest reading, which was asked for when `read_after` was the newest event."""

    id: int
    account: str
    level: StockLevel
    read_after: int
    read_at: datetime
    digest: bytes = b""

    @property
    def gtin(self) -> str | None:
        """Its article number, in the form in which they are compared."""
        return gtin(self.level.ean)


class StockMark(msgspec.Struct, frozen=True, gc=False):
    """Another number may be sold of the item since the event `after`. Orders took `sold` pieces of it then; below
    zero where they gave some back."""

    id: int
    item: int
    after: int
    sold: int = 0


_COLUMNS = (
    "id, account, external_id, name, sku, ean, counting, basis, quantity, allocated, on_sale, external_state,"
    " read_after, read_at, updated_at, digest"
)
_WRITTEN = f"{_COLUMNS}, gtin"


async def lock(tx: Transaction, items: Collection[int]) -> None:
    """Let nobody else change what concerns these items until this transaction ends."""
    await tx.executemany("UPDATE stock_items SET id = id WHERE id = ?", [(item,) for item in sorted(items)])


async def put(tx: Transaction, items: Sequence[StockItem]) -> None:
    """Store or renew items."""
    await tx.executemany(
        f"INSERT INTO stock_items ({_WRITTEN}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
        " ON CONFLICT (id) DO UPDATE SET name = excluded.name, sku = excluded.sku, ean = excluded.ean,"
        " counting = excluded.counting,"
        " basis = excluded.basis, quantity = excluded.quantity, allocated = excluded.allocated,"
        " on_sale = excluded.on_sale, external_state = excluded.external_state, read_after = excluded.read_after,"
        " read_at = excluded.read_at, updated_at = excluded.updated_at, digest = excluded.digest,"
        " gtin = excluded.gtin",
        [
            (
                item.id,
                item.account,
                item.level.external_id,
                item.level.name,
                item.level.sku,
                item.level.ean,
                item.level.counting.value,
                item.level.basis.value,
                item.level.quantity,
                item.level.allocated,
                int(item.level.on_sale),
                item.level.external_state,
                item.read_after,
                codec.stamp(item.read_at),
                codec.stamp(item.level.updated_at),
                item.digest,
                gtin(item.level.ean),
            )
            for item in items
        ],
    )


async def read(reader: Reader, ids: Collection[int]) -> dict[int, StockItem]:
    """These items, by number."""
    found: dict[int, StockItem] = {}
    for part in codec.parts(ids):
        rows = await reader.fetch(f"SELECT {_COLUMNS} FROM stock_items WHERE id IN ({codec.marks(part)})", part)
        found |= {row[0]: _item(row) for row in rows}
    return found


async def by_external(reader: Reader, account: str, external_ids: Sequence[str]) -> dict[str, StockItem]:
    """The items of a master by their numbers there."""
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM stock_items WHERE account = ? AND external_id IN ({codec.marks(external_ids)})",
        (account, *external_ids),
    )
    return {row[2]: _item(row) for row in rows}


async def by_codes(reader: Reader, skus: Sequence[str], gtins: Sequence[str]) -> list[StockItem]:
    """The items of all masters that bear one of these marks of the seller, or one of these article numbers."""
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM stock_items WHERE sku IN ({codec.marks(skus)})"
        f" UNION SELECT {_COLUMNS} FROM stock_items WHERE gtin IN ({codec.marks(gtins)}) ORDER BY 1",
        (*skus, *gtins),
    )
    return [_item(row) for row in rows]


async def by_numbers(reader: Reader, external_ids: Sequence[str]) -> list[StockItem]:
    """The items of all masters with these numbers there."""
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM stock_items WHERE external_id IN ({codec.marks(external_ids)}) ORDER BY id",
        external_ids,
    )
    return [_item(row) for row in rows]


async def find(reader: Reader, text: str) -> list[StockItem]:
    """The items with this mark of the seller, or this number at their master."""
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM stock_items WHERE sku = ?"
        f" UNION SELECT {_COLUMNS} FROM stock_items WHERE external_id = ? ORDER BY 1 LIMIT 20",
        (text, text),
    )
    return [_item(row) for row in rows]


async def mark(tx: Transaction, items: Collection[int], after: int, sold: Mapping[int, int] | None = None) -> None:
    """Note that another number may be sold of these items. Lock them before.

    `sold` are pieces that orders took, by item; below zero where they gave some back.
    """
    taken = sold or {}
    rows = [(await tx.next_id("stock_marks"), item, after, taken.get(item, 0)) for item in sorted(items)]
    await tx.executemany("INSERT INTO stock_marks (id, item_id, after, sold) VALUES (?,?,?,?)", rows)


async def marks(reader: Reader, since: int, limit: int) -> list[StockMark]:
    """The marks that follow the mark `since`, oldest first, none left out; see `olhubd.store.events.since`."""
    rows = await reader.fetch(
        "SELECT id, item_id, after, sold FROM stock_marks WHERE id > ? ORDER BY id LIMIT ?", (since, limit)
    )
    return [StockMark(*row) for row in rows]


async def follow(reader: Reader, account: str) -> int:
    """The last mark that the leveller of an account has followed; 0 before the first."""
    row = await reader.one("SELECT mark FROM level_cursors WHERE account = ?", (account,))
    return int(row[0]) if row is not None else 0


async def behind(reader: Reader, account: str) -> bool:
    """Whether there are marks that the leveller of an account has not followed."""
    row = await reader.one(
        "SELECT 1 FROM stock_marks"
        " WHERE id > COALESCE((SELECT mark FROM level_cursors WHERE account = ?), 0) LIMIT 1",
        (account,),
    )
    return row is not None


async def linked_with(reader: Reader, account: str) -> str | None:
    """By the items of which masters the offers of an account were linked last; None where they never were."""
    row = await reader.one("SELECT linked_with FROM level_cursors WHERE account = ?", (account,))
    return row[0] if row is not None else None


async def was_linked(tx: Transaction, account: str, masters: str) -> None:
    """The offers of an account were linked by the items of these masters."""
    await tx.execute(
        "INSERT INTO level_cursors (account, mark, linked_with) VALUES (?,0,?)"
        " ON CONFLICT (account) DO UPDATE SET linked_with = excluded.linked_with",
        (account, masters),
    )


async def followed(tx: Transaction, account: str, mark_: int) -> None:
    """The leveller of the account has followed the marks up to this one."""
    await tx.execute(
        "INSERT INTO level_cursors (account, mark) VALUES (?,?)"
        " ON CONFLICT (account) DO UPDATE SET mark = excluded.mark",
        (account, mark_),
    )


async def trim(tx: Transaction, limit: int) -> int:
    """Forget some marks that all levellers have followed; gives how many. The newest mark stays."""
    return await tx.execute(
        "DELETE FROM stock_marks WHERE id IN (SELECT id FROM stock_marks WHERE id < (SELECT MIN(mark) FROM"
        " level_cursors) AND id < (SELECT MAX(id) FROM stock_marks) ORDER BY id LIMIT ?)",
        (limit,),
    )


def _item(row: Row) -> StockItem:
    level = msgspec.convert(
        {
            "external_id": row[2],
            "name": row[3],
            "sku": row[4],
            "ean": row[5],
            "counting": row[6],
            "basis": row[7],
            "quantity": row[8],
            "allocated": row[9],
            "on_sale": bool(row[10]),
            "external_state": row[11],
            "updated_at": codec.moment(row[14]),
        },
        StockLevel,
    )
    return StockItem(
        id=row[0],
        account=row[1],
        level=level,
        read_after=row[12],
        read_at=codec.moment(row[13]),
        digest=row[15],
    )
