"""Which products of a marketplace's catalogue the offers sell, as they were read last."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from olhubd.model import CatalogueProduct, OfferProduct
from olhubd.model.check import gtin
from olhubd.store import codec
from olhubd.store.base import Reader, Transaction

__all__ = ["AGAIN", "SoldPart", "due", "known", "of_offers", "put", "put_catalogue"]


AGAIN = datetime(1970, 1, 2, tzinfo=UTC)
"""Says of an offer that its products were read, and are to be read again soon."""


class SoldPart(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One product of what an offer sells: so many pieces, and its article numbers as they are written."""

    product: str
    pieces: int
    eans: tuple[str, ...]

    @property
    def gtins(self) -> tuple[str, ...]:
        """The same in the form in which they are compared."""
        return tuple(filter(None, map(gtin, self.eans)))


async def due(reader: Reader, account: str, before: datetime, limit: int) -> list[tuple[int, str]]:
    """The offers of an account of which the products are to be read, by the hub's number and their own: those of
    which they were not read first, then those read before a moment, the longest ago first."""
    rows = await reader.fetch(
        "SELECT id, external_id FROM offers WHERE account = ? AND products_read_at < ?"
        " ORDER BY products_read_at LIMIT ?",
        (account, codec.stamp(before), limit),
    )
    return [(row[0], row[1]) for row in rows]


async def known(reader: Reader, account: str, products: Collection[str], since: datetime) -> set[str]:
    """Those of these products whose article numbers were read since then."""
    found: set[str] = set()
    for part in codec.parts(sorted(products)):
        rows = await reader.fetch(
            "SELECT product FROM catalogue_products"
            f" WHERE account = ? AND product IN ({codec.marks(part)}) AND read_at >= ?",
            (account, *part, codec.stamp(since)),
        )
        found |= {row[0] for row in rows}
    return found


async def put_catalogue(tx: Transaction, account: str, products: Sequence[CatalogueProduct], now: datetime) -> None:
    """Store or renew what the catalogue says of products. What is no article number is not kept."""
    await tx.executemany(
        "INSERT INTO catalogue_products (account, product, eans, read_at) VALUES (?,?,?,?)"
        " ON CONFLICT (account, product) DO UPDATE SET eans = excluded.eans, read_at = excluded.read_at",
        [(account, one.product, " ".join(_right(one.eans)), codec.stamp(now)) for one in products],
    )


async def put(tx: Transaction, contents: Mapping[int, Sequence[OfferProduct]]) -> None:
    """Store what these offers sell, by the hub's number, in the place of what was known of it."""
    await tx.executemany("DELETE FROM offer_products WHERE offer_id = ?", [(id_,) for id_ in sorted(contents)])
    await tx.executemany(
        "INSERT INTO offer_products (offer_id, product, pieces) VALUES (?,?,?)",
        [(id_, one.product, one.pieces) for id_, some in sorted(contents.items()) for one in some],
    )


async def of_offers(reader: Reader, ids: Collection[int]) -> dict[int, list[SoldPart]]:
    """What these offers sell, where it was read, by the hub's number."""
    found: dict[int, list[SoldPart]] = {}
    for part in codec.parts(sorted(ids)):
        rows = await reader.fetch(
            "SELECT s.offer_id, s.product, s.pieces, p.eans FROM offer_products s"
            " JOIN offers o ON o.id = s.offer_id"
            " LEFT JOIN catalogue_products p ON p.account = o.account AND p.product = s.product"
            f" WHERE s.offer_id IN ({codec.marks(part)}) ORDER BY s.offer_id, s.product",
            part,
        )
        for offer, product, pieces, eans in rows:
            one = SoldPart(product=product, pieces=pieces, eans=tuple((eans or "").split()))
            found.setdefault(offer, []).append(one)
    return found


def _right(eans: Sequence[str]) -> list[str]:
    """Each article number once, by the form in which they are compared, without those that are none."""
    found = {number: "".join(one.split()) for one in eans if (number := gtin(one)) is not None}
    return list(found.values())
