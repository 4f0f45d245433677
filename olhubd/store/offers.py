"""The offers of the channels as they were read last, and which stock items they sell."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from olhubd.model import Link, LinkOrigin, Offer, OfferState
from olhubd.store import codec
from olhubd.store.base import Reader, Row, Transaction

__all__ = ["StoredOffer", "by_external", "link", "links_of", "of_items", "put", "read", "unlinked"]


class StoredOffer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An offer as a row: the hub's number, and the newest event when it was asked for."""

    id: int
    account: str
    offer: Offer
    read_after: int
    read_at: datetime
    digest: bytes = b""


_COLUMNS = "id, account, external_id, name, sku, ean, state, external_state, quantity, read_after, read_at, digest"


async def put(tx: Transaction, offers: Sequence[StoredOffer]) -> None:
    """Store or renew offers."""
    await tx.executemany(
        f"INSERT INTO offers ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (id) DO UPDATE SET"
        " name = excluded.name, sku = excluded.sku, ean = excluded.ean, state = excluded.state,"
        " external_state = excluded.external_state, quantity = excluded.quantity,"
        " read_after = excluded.read_after, read_at = excluded.read_at,"
        " digest = excluded.digest",
        [
            (
                one.id,
                one.account,
                one.offer.external_id,
                one.offer.name,
                one.offer.sku,
                one.offer.ean,
                one.offer.state.value,
                one.offer.external_state,
                one.offer.quantity,
                one.read_after,
                codec.stamp(one.read_at),
                one.digest,
            )
            for one in offers
        ],
    )


async def read(reader: Reader, ids: Collection[int]) -> dict[int, StoredOffer]:
    """These offers, by number."""
    rows = await reader.fetch(f"SELECT {_COLUMNS} FROM offers WHERE id IN ({codec.marks(list(ids))})", list(ids))
    return {row[0]: _listed(row) for row in rows}


async def by_external(reader: Reader, account: str, external_ids: Sequence[str]) -> dict[str, StoredOffer]:
    """The offers of an account by their numbers there."""
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM offers WHERE account = ? AND external_id IN ({codec.marks(external_ids)})",
        (account, *external_ids),
    )
    return {row[2]: _listed(row) for row in rows}


async def unlinked(reader: Reader, accounts: Sequence[str], skus: Sequence[str]) -> dict[str, list[StoredOffer]]:
    """The offers of these accounts that bear these marks of the seller and sell no known item, by the mark."""
    names = ", ".join(f"o.{name.strip()}" for name in _COLUMNS.split(","))
    rows = await reader.fetch(
        f"SELECT {names} FROM offers o LEFT JOIN links l ON l.offer_id = o.id"
        f" WHERE o.sku IN ({codec.marks(skus)}) AND o.account IN ({codec.marks(accounts)}) AND l.offer_id IS NULL"
        " ORDER BY o.id",
        (*skus, *accounts),
    )
    found: dict[str, list[StoredOffer]] = {}
    for row in rows:
        found.setdefault(row[4], []).append(_listed(row))
    return found


async def link(tx: Transaction, links: Sequence[Link]) -> None:
    """Store links. One that is there already is renewed."""
    await tx.executemany(
        "INSERT INTO links (offer_id, item_id, units, origin, linked_at) VALUES (?,?,?,?,?)"
        " ON CONFLICT (offer_id, item_id) DO UPDATE SET units = excluded.units, origin = excluded.origin,"
        " linked_at = excluded.linked_at",
        [(one.offer, one.item, one.units, one.origin.value, codec.stamp(one.linked_at)) for one in links],
    )


async def links_of(reader: Reader, offers: Collection[int]) -> dict[int, list[Link]]:
    """What these offers sell, by offer."""
    rows = await reader.fetch(
        "SELECT offer_id, item_id, units, origin, linked_at FROM links"
        f" WHERE offer_id IN ({codec.marks(list(offers))}) ORDER BY offer_id, item_id",
        list(offers),
    )
    found: dict[int, list[Link]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(_link(row))
    return found


async def of_items(reader: Reader, items: Collection[int], account: str | None = None) -> list[Link]:
    """The links to these items: all of them, or those of the offers of one account."""
    of = " AND o.account = ?" if account is not None else ""
    rows = await reader.fetch(
        "SELECT l.offer_id, l.item_id, l.units, l.origin, l.linked_at FROM links l JOIN offers o ON"
        f" o.id = l.offer_id WHERE l.item_id IN ({codec.marks(list(items))}){of} ORDER BY l.offer_id, l.item_id",
        [*items, *([account] if account is not None else [])],
    )
    return [_link(row) for row in rows]


def _link(row: Row) -> Link:
    return Link(offer=row[0], item=row[1], units=row[2], origin=LinkOrigin(row[3]), linked_at=codec.moment(row[4]))


def _listed(row: Row) -> StoredOffer:
    offer = Offer(
        external_id=row[2],
        name=row[3],
        sku=row[4],
        ean=row[5],
        state=OfferState(row[6]),
        external_state=row[7],
        quantity=row[8],
    )
    return StoredOffer(
        id=row[0], account=row[1], offer=offer, read_after=row[9], read_at=codec.moment(row[10]), digest=row[11]
    )
