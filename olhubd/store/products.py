"""What the stock masters have in their catalogues: one row a product, by its newest reading.

A product that a reading of all did not have stays, with the moment when that was found: orders and links name it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from olhubd.model import Product
from olhubd.model.check import gtin
from olhubd.store import codec
from olhubd.store.base import Reader, Row, Transaction

__all__ = ["StoredProduct", "by_external", "find", "has_any", "numbers", "put", "read", "variants"]


class StoredProduct(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A product with its newest reading, which was asked for when `read_after` was the newest event."""

    id: int
    account: str
    record: Product
    read_after: int
    read_at: datetime
    digest: bytes = b""
    gone_at: datetime | None = None
    """Since when a reading of the whole catalogue has not had it."""

    @property
    def external_id(self) -> str:
        """Its number at its stock master."""
        return self.record.external_id

    @property
    def gtin(self) -> str | None:
        """Its article number, in the form in which they are compared; None where it is none."""
        return gtin(self.record.ean)


_DECODE = msgspec.json.Decoder(Product).decode
_COLUMNS = "id, account, document, digest, read_after, read_at, gone_at"


async def put(tx: Transaction, products: Sequence[StoredProduct]) -> None:
    """Store or renew products."""
    await tx.executemany(
        "INSERT INTO products (id, account, external_id, name, kind, state, on_sale, sku, gtin, parent_id,"
        " document, digest, read_after, read_at, gone_at, shared) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
        " ON CONFLICT (id) DO UPDATE SET name = excluded.name, kind = excluded.kind, state = excluded.state,"
        " on_sale = excluded.on_sale, sku = excluded.sku, gtin = excluded.gtin, parent_id = excluded.parent_id,"
        " document = excluded.document, digest = excluded.digest, read_after = excluded.read_after,"
        " read_at = excluded.read_at, gone_at = excluded.gone_at, shared = excluded.shared",
        [
            (
                one.id,
                one.account,
                one.record.external_id,
                one.record.name,
                one.record.kind.value,
                one.record.state.value,
                int(one.record.on_sale and one.gone_at is None),
                one.record.sku,
                one.gtin,
                one.record.parent_id,
                codec.encode(one.record),
                one.digest,
                one.read_after,
                codec.stamp(one.read_at),
                codec.stamp(one.gone_at),
                int(one.record.shared),
            )
            for one in products
        ],
    )


async def read(reader: Reader, ids: Collection[int]) -> dict[int, StoredProduct]:
    """These products, by number."""
    rows = await reader.fetch(f"SELECT {_COLUMNS} FROM products WHERE id IN ({codec.marks(list(ids))})", list(ids))
    return {row[0]: _product(row) for row in rows}


async def by_external(reader: Reader, account: str, external_ids: Sequence[str]) -> dict[str, StoredProduct]:
    """The products of a master by their numbers there."""
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM products WHERE account = ? AND external_id IN ({codec.marks(external_ids)})",
        (account, *external_ids),
    )
    found = map(_product, rows)
    return {one.external_id: one for one in found}


async def has_any(reader: Reader, account: str) -> bool:
    """Whether any product of a master was ever read."""
    return await reader.one("SELECT 1 FROM products WHERE account = ? LIMIT 1", (account,)) is not None


async def find(reader: Reader, text: str) -> list[StoredProduct]:
    """The products with this mark of the seller, this article number, or this number at their master."""
    number = gtin(text)
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM products WHERE sku = ?"
        f" UNION SELECT {_COLUMNS} FROM products WHERE external_id = ?"
        f" UNION SELECT {_COLUMNS} FROM products WHERE gtin = ? ORDER BY 1 LIMIT 20",
        (text, text, number),
    )
    return [_product(row) for row in rows]


async def variants(reader: Reader, account: str, parent_id: str) -> list[StoredProduct]:
    """The variants of a product that are there, by its number at its master."""
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM products WHERE account = ? AND parent_id = ? AND gone_at IS NULL ORDER BY id",
        (account, parent_id),
    )
    return [_product(row) for row in rows]


async def numbers(reader: Reader, account: str, after: int, limit: int) -> list[tuple[int, str]]:
    """The products of a master that are there, from the number `after` on: each with its number there."""
    rows = await reader.fetch(
        "SELECT id, external_id FROM products WHERE account = ? AND id > ? AND gone_at IS NULL ORDER BY id LIMIT ?",
        (account, after, limit),
    )
    return [(row[0], row[1]) for row in rows]


def _product(row: Row) -> StoredProduct:
    return StoredProduct(
        id=row[0],
        account=row[1],
        record=_DECODE(row[2]),
        digest=row[3],
        read_after=row[4],
        read_at=codec.moment(row[5]),
        gone_at=codec.moment(row[6]),
    )
