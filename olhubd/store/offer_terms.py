"""By which terms offers are listed, and how they ended, as they were read last."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from olhubd.model import EndedBy, OfferState, OfferTerms
from olhubd.store import codec
from olhubd.store.base import Reader, Row, Transaction

__all__ = ["StoredTerms", "put", "read", "renewing"]

_TERMS = "t.offer_id, t.state, t.buy_now, t.renews, t.ended_at, t.ended_by, t.read_after, o.external_id"
_FROM = "FROM offer_terms t JOIN offers o ON o.id = t.offer_id"


class StoredTerms(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Terms, and the newest event when they were asked for."""

    terms: OfferTerms
    read_after: int


async def put(tx: Transaction, account: str, found: Mapping[int, OfferTerms], read_after: int) -> None:
    """Store or renew the terms of offers, by the hub's numbers."""
    await tx.executemany(
        "INSERT INTO offer_terms (offer_id, account, state, buy_now, renews, ended_at, ended_by, read_after)"
        " VALUES (?,?,?,?,?,?,?,?) ON CONFLICT (offer_id) DO UPDATE SET state = excluded.state,"
        " buy_now = excluded.buy_now, renews = excluded.renews, ended_at = excluded.ended_at,"
        " ended_by = excluded.ended_by, read_after = excluded.read_after",
        [
            (
                id_,
                account,
                one.state.value,
                _flag(one.buy_now),
                _flag(one.renews),
                codec.stamp(one.ended_at),
                one.ended_by.value if one.ended_by is not None else None,
                read_after,
            )
            for id_, one in found.items()
        ],
    )


async def read(reader: Reader, offers: Collection[int]) -> dict[int, StoredTerms]:
    """The terms of these offers, by the hub's numbers."""
    found: dict[int, StoredTerms] = {}
    for part in codec.parts(offers):
        rows = await reader.fetch(f"SELECT {_TERMS} {_FROM} WHERE t.offer_id IN ({codec.marks(part)})", part)
        found |= {row[0]: StoredTerms(terms=_terms(row), read_after=row[6]) for row in rows}
    return found


async def renewing(reader: Reader, accounts: Collection[str]) -> dict[str, list[str]]:
    """The offers with a level that the marketplace lists again by itself, by account."""
    rows = await reader.fetch(
        "SELECT t.account, o.external_id FROM offer_terms t JOIN offers o ON o.id = t.offer_id"
        f" WHERE t.renews = 1 AND t.account IN ({codec.marks(list(accounts))})"
        " AND EXISTS (SELECT 1 FROM levels l WHERE l.offer_id = t.offer_id AND l.kind = 'quantity')"
        " ORDER BY t.account, t.offer_id",
        list(accounts),
    )
    found: dict[str, list[str]] = {}
    for account, number in rows:
        found.setdefault(account, []).append(number)
    return found


def _flag(value: bool | None) -> int | None:
    return None if value is None else int(value)


def _terms(row: Row) -> OfferTerms:
    return OfferTerms(
        offer=row[7],
        state=OfferState(row[1]),
        buy_now=None if row[2] is None else bool(row[2]),
        renews=None if row[3] is None else bool(row[3]),
        ended_at=codec.moment(row[4]),
        ended_by=EndedBy(row[5]) if row[5] is not None else None,
    )
