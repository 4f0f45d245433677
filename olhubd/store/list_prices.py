"""What the price lists of the stock masters say: one row for each product in each list, and marks of its changes.

A mark says that a price was newly brought or began to hold: who carries prices on follows the marks, and a reading
of the same price again makes none.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec

from olhubd.model import ListPrice, Money
from olhubd.store import codec
from olhubd.store.base import Reader, Row, Transaction

__all__ = [
    "PriceCount",
    "PriceMark",
    "StoredPrice",
    "behind",
    "by_external",
    "due",
    "followed",
    "following",
    "lists",
    "mark",
    "marks",
    "of_items",
    "of_stock_items",
    "put",
    "read",
    "trim",
]


class StoredPrice(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A price with its newest reading, which was asked for when `read_after` was the newest event."""

    id: int
    account: str
    record: ListPrice
    read_after: int
    read_at: datetime
    digest: bytes = b""
    changes_at: datetime | None = None
    """When it changes next by the clock alone, seen from when it was read or changed so last."""

    @property
    def external_id(self) -> str:
        return self.record.external_id

    @property
    def currency(self) -> str | None:
        """That of its price; None where the list has none for the product."""
        price = self.record.price or (self.record.reduction.price if self.record.reduction is not None else None)
        return price.currency if price is not None else None

    def known(self, now: datetime) -> Money | None:
        """What a piece costs as far as it was recorded, without a change by the clock that nobody has recorded."""
        last = self.changes_at - datetime.resolution if self.changes_at is not None else now
        return self.record.at(min(last, now))


class PriceCount(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How many prices a list of `account` has in one currency; None for products that it names without a price."""

    account: str
    name: str
    currency: str | None
    prices: int
    found_at: datetime
    """When the first was read."""


class PriceMark(msgspec.Struct, frozen=True, gc=False):
    """The price was newly brought, or began to hold by the clock, by the event `after`."""

    id: int
    price: int
    after: int


_DECODE = msgspec.json.Decoder(ListPrice).decode
_COLUMNS = "id, account, document, digest, read_after, read_at, changes_at"


async def put(tx: Transaction, prices: Sequence[StoredPrice]) -> None:
    """Store or renew prices, and count them in their lists."""
    await _count(tx, prices)
    await tx.executemany(
        "INSERT INTO list_prices (id, account, external_id, item, price_list, document, digest, read_after,"
        " read_at, changes_at, currency) VALUES (?,?,?,?,?,?,?,?,?,?,?)"
        " ON CONFLICT (id) DO UPDATE SET document = excluded.document, digest = excluded.digest,"
        " read_after = excluded.read_after, read_at = excluded.read_at, changes_at = excluded.changes_at,"
        " currency = excluded.currency",
        [
            (
                price.id,
                price.account,
                price.external_id,
                price.record.item,
                price.record.price_list,
                codec.encode(price.record),
                price.digest,
                price.read_after,
                codec.stamp(price.read_at),
                codec.stamp(price.changes_at),
                price.currency,
            )
            for price in prices
        ],
    )


async def _count(tx: Transaction, prices: Sequence[StoredPrice]) -> None:
    """Keep the number of prices of each list: it is asked for more often than a price changes its currency."""
    ids = [price.id for price in prices]
    rows = await tx.fetch(f"SELECT id, currency FROM list_prices WHERE id IN ({codec.marks(ids)})", ids)
    before = {row[0]: row[1] or "" for row in rows}
    more: dict[tuple[str, str, str], int] = {}
    for price in prices:
        now = price.currency or ""
        if before.get(price.id) == now:
            continue
        if price.id in before:
            gone = (price.account, price.record.price_list, before[price.id])
            more[gone] = more.get(gone, 0) - 1
        come = (price.account, price.record.price_list, now)
        more[come] = more.get(come, 0) + 1
        before[price.id] = now
    if not more:
        return
    found = min(price.read_at for price in prices)
    await tx.executemany(
        "INSERT INTO price_lists (account, name, currency, prices, found_at) VALUES (?,?,?,?,?)"
        " ON CONFLICT (account, name, currency) DO UPDATE SET prices = price_lists.prices + excluded.prices",
        [(*key, count, codec.stamp(found)) for key, count in sorted(more.items())],
    )


async def lists(reader: Reader, accounts: Collection[str] | None = None) -> list[PriceCount]:
    """The price lists of these stock masters, or of all, by name: a row for each currency that one has."""
    names = list(accounts or ())
    of = f" WHERE account IN ({codec.marks(names)})" if accounts is not None else ""
    rows = await reader.fetch(
        f"SELECT account, name, currency, prices, found_at FROM price_lists{of} ORDER BY account, name, currency",
        names,
    )
    return [
        PriceCount(
            account=row[0], name=row[1], currency=row[2] or None, prices=row[3], found_at=codec.moment(row[4])
        )
        for row in rows
    ]


async def read(reader: Reader, ids: Collection[int]) -> dict[int, StoredPrice]:
    """These prices, by number."""
    return await _found(reader, f"id IN ({codec.marks(list(ids))})", list(ids))


async def by_external(reader: Reader, account: str, external_ids: Sequence[str]) -> dict[str, StoredPrice]:
    """The prices of a master by their external ids; see `ListPrice.key`."""
    rows = await _found(
        reader, f"account = ? AND external_id IN ({codec.marks(external_ids)})", [account, *external_ids]
    )
    return {price.external_id: price for price in rows.values()}


async def of_items(
    reader: Reader, account: str, items: Sequence[str], price_list: str | None = None
) -> list[StoredPrice]:
    """The prices of products and variants of a master, by their numbers there: in one list, or in all."""
    condition = f"account = ? AND item IN ({codec.marks(items)})"
    given: list[object] = [account, *items]
    if price_list is not None:
        condition += " AND price_list = ?"
        given.append(price_list)
    return list((await _found(reader, condition, given)).values())


async def of_stock_items(
    reader: Reader, items: Collection[int], price_list: str | None = None
) -> dict[int, list[StoredPrice]]:
    """The prices of stock items, by the hub's number of the item: in one list, or in all."""
    rows = await reader.fetch(
        "SELECT s.id, p.id, p.account, p.document, p.digest, p.read_after, p.read_at, p.changes_at"
        " FROM stock_items s JOIN list_prices p ON p.account = s.account AND p.item = s.external_id"
        f" WHERE s.id IN ({codec.marks(list(items))}) ORDER BY p.id",
        list(items),
    )
    found: dict[int, list[StoredPrice]] = {}
    for item, *row in rows:
        price = _price(row)
        if price_list is None or price.record.price_list == price_list:
            found.setdefault(item, []).append(price)
    return found


# By the clock


async def due(reader: Reader, now: datetime, limit: int) -> list[StoredPrice]:
    """Prices that have changed by the clock alone since they were read or changed so last, the earliest first."""
    return list(
        (
            await _found(
                reader,
                "changes_at IS NOT NULL AND changes_at <= ? ORDER BY changes_at LIMIT ?",
                [codec.stamp(now), limit],
            )
        ).values()
    )


# Marks


async def mark(tx: Transaction, prices: Collection[int], after: int) -> None:
    """Note that these prices were newly brought, or began to hold."""
    rows = [(await tx.next_id("price_marks"), price, after) for price in sorted(prices)]
    await tx.executemany("INSERT INTO price_marks (id, price_id, after) VALUES (?,?,?)", rows)


async def marks(reader: Reader, since: int, limit: int) -> list[PriceMark]:
    """The marks that follow the mark `since`, oldest first, none left out."""
    rows = await reader.fetch(
        "SELECT id, price_id, after FROM price_marks WHERE id > ? ORDER BY id LIMIT ?", (since, limit)
    )
    return [PriceMark(*row) for row in rows]


async def following(reader: Reader, account: str) -> int:
    """The last mark that the prices of an account have followed; 0 before the first."""
    row = await reader.one("SELECT mark FROM price_cursors WHERE account = ?", (account,))
    return int(row[0]) if row is not None else 0


async def behind(reader: Reader, account: str) -> bool:
    """Whether there are marks that the prices of an account have not followed."""
    row = await reader.one(
        "SELECT 1 FROM price_marks"
        " WHERE id > COALESCE((SELECT mark FROM price_cursors WHERE account = ?), 0) LIMIT 1",
        (account,),
    )
    return row is not None


async def followed(tx: Transaction, account: str, mark_: int) -> None:
    """The prices of the account have followed the marks up to this one."""
    await tx.execute(
        "INSERT INTO price_cursors (account, mark) VALUES (?,?)"
        " ON CONFLICT (account) DO UPDATE SET mark = excluded.mark",
        (account, mark_),
    )


async def trim(tx: Transaction, limit: int) -> int:
    """Forget some marks that all accounts have followed; gives how many. The newest mark stays."""
    return await tx.execute(
        "DELETE FROM price_marks WHERE id IN (SELECT id FROM price_marks WHERE id < (SELECT MIN(mark) FROM"
        " price_cursors) AND id < (SELECT MAX(id) FROM price_marks) ORDER BY id LIMIT ?)",
        (limit,),
    )


async def _found(reader: Reader, condition: str, given: Sequence[object]) -> dict[int, StoredPrice]:
    rows = await reader.fetch(f"SELECT {_COLUMNS} FROM list_prices WHERE {condition}", list(given))
    return {row[0]: _price(row) for row in rows}


def _price(row: Row | Sequence[Any]) -> StoredPrice:
    id_, account, document, digest, read_after, read_at, changes_at = row
    return StoredPrice(
        id=id_,
        account=account,
        record=_DECODE(document),
        digest=digest,
        read_after=read_after,
        read_at=codec.moment(read_at),
        changes_at=codec.moment(changes_at),
    )
