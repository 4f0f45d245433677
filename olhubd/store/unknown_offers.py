"""Offers that could be bought and sell what is known, when nobody had linked them: they sell beside the hub."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

import msgspec

from olhubd.model import OfferState
from olhubd.store import codec
from olhubd.store.base import Reader, Transaction

__all__ = ["UnknownOffer", "ignore", "put", "selling"]


class UnknownOffer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An offer, and what it sells: the number of another offer, or the seller's mark. `shown` pieces can be bought
    of it; `wanted` may be, which is None while it is linked to nothing."""

    account: str
    external_id: str
    known: str
    seen_at: datetime
    shown: int
    wanted: int | None


async def put(tx: Transaction, account: str, found: Mapping[int, str], now: datetime) -> list[int]:
    """Keep these, each with what it sells. Gives those that were not kept yet."""
    if not found:
        return []
    rows = await tx.fetch(
        f"SELECT offer_id FROM unknown_offers WHERE offer_id IN ({codec.marks(list(found))})", list(found)
    )
    new = [id_ for id_ in found if id_ not in {row[0] for row in rows}]
    await tx.executemany(
        "INSERT INTO unknown_offers (offer_id, account, known, seen_at) VALUES (?,?,?,?)",
        [(id_, account, found[id_], codec.stamp(now)) for id_ in new],
    )
    return new


async def selling(reader: Reader, accounts: Collection[str]) -> list[UnknownOffer]:
    """Those that sell more than the hub allows, the longest first: linked to nothing, or not lowered yet."""
    rows = await reader.fetch(
        "SELECT u.account, o.external_id, u.known, u.seen_at, o.quantity, l.wanted, l.confirmed"
        " FROM unknown_offers u"
        " JOIN offers o ON o.id = u.offer_id LEFT JOIN levels l ON l.offer_id = u.offer_id AND l.kind = 'quantity'"
        " WHERE u.ignored_at IS NULL AND o.state = ?"
        f" AND u.account IN ({codec.marks(list(accounts))})"
        " AND (l.offer_id IS NULL OR l.confirmed > l.wanted) ORDER BY u.seen_at, u.offer_id",
        (OfferState.ACTIVE.value, *accounts),
    )
    return [
        UnknownOffer(
            account=row[0],
            external_id=row[1],
            known=row[2],
            seen_at=codec.moment(row[3]),
            shown=(row[6] if row[6] is not None else row[4]) or 0,
            wanted=row[5],
        )
        for row in rows
    ]


async def ignore(tx: Transaction, account: str, external_id: str, now: datetime, who: str) -> bool:
    """Let nobody be alarmed by it any more. False where none waits."""
    rows = await tx.fetch(
        "SELECT u.offer_id FROM unknown_offers u JOIN offers o ON o.id = u.offer_id"
        " WHERE o.account = ? AND o.external_id = ? AND u.ignored_at IS NULL",
        (account, external_id),
    )
    await tx.executemany(
        "UPDATE unknown_offers SET ignored_at = ?, ignored_by = ? WHERE offer_id = ?",
        [(codec.stamp(now), who, row[0]) for row in rows],
    )
    return bool(rows)
