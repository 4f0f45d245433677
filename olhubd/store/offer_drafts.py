"""What the offers are to be that the hub makes: one row for each mark of the seller at an account.

How far the making of one is stands in its deliveries.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import msgspec

from olhubd.model import OfferDraft
from olhubd.store import codec
from olhubd.store.base import Reader, Row, Transaction

__all__ = ["StoredDraft", "by_offer", "by_sku", "listing", "made", "put", "read"]


class StoredDraft(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A draft as a row. `version` counts how often it was given, `offer` is the number of what was made of it."""

    id: int
    account: str
    draft: OfferDraft
    version: int
    publish: bool
    made_by: str
    changed_at: datetime
    offer: str | None = None

    @property
    def external_id(self) -> str:
        """The seller's mark, which is its name here."""
        return self.draft.sku


_DECODE = msgspec.json.Decoder(OfferDraft).decode
_COLUMNS = "id, account, document, version, publish, made_by, changed_at, offer"


async def put(tx: Transaction, one: StoredDraft) -> None:
    """Store a draft, or another version of it."""
    await tx.execute(
        "INSERT INTO offer_drafts (id, account, sku, document, version, publish, made_by, changed_at, offer)"
        " VALUES (?,?,?,?,?,?,?,?,?)"
        " ON CONFLICT (id) DO UPDATE SET document = excluded.document, version = excluded.version,"
        " publish = excluded.publish, made_by = excluded.made_by, changed_at = excluded.changed_at,"
        " offer = excluded.offer",
        (
            one.id,
            one.account,
            one.draft.sku,
            codec.encode(one.draft),
            one.version,
            int(one.publish),
            one.made_by,
            codec.stamp(one.changed_at),
            one.offer,
        ),
    )


async def made(tx: Transaction, id_: int, offer: str) -> None:
    """The offer is there, under this number."""
    await tx.execute("UPDATE offer_drafts SET offer = ? WHERE id = ?", (offer, id_))


async def read(reader: Reader, ids: Collection[int]) -> dict[int, StoredDraft]:
    """These drafts, by number."""
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM offer_drafts WHERE id IN ({codec.marks(list(ids))})", list(ids)
    )
    return {row[0]: _draft(row) for row in rows}


async def by_sku(reader: Reader, account: str, sku: str) -> StoredDraft | None:
    """The draft of an account under a mark of the seller."""
    row = await reader.one(f"SELECT {_COLUMNS} FROM offer_drafts WHERE account = ? AND sku = ?", (account, sku))
    return _draft(row) if row is not None else None


async def by_offer(reader: Reader, account: str, offer: str) -> StoredDraft | None:
    """The draft of which an offer of an account was made."""
    row = await reader.one(f"SELECT {_COLUMNS} FROM offer_drafts WHERE account = ? AND offer = ?", (account, offer))
    return _draft(row) if row is not None else None


async def listing(reader: Reader, account: str | None, before: int | None, limit: int) -> list[StoredDraft]:
    """The newest first, of one account or of all, those with a lower number than `before`."""
    where, given = ["1 = 1"], []
    if account is not None:
        where.append("account = ?")
        given.append(account)
    if before is not None:
        where.append("id < ?")
        given.append(str(before))
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM offer_drafts WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT ?",
        (*given, limit),
    )
    return [_draft(row) for row in rows]


def _draft(row: Row) -> StoredDraft:
    return StoredDraft(
        id=row[0],
        account=row[1],
        draft=_DECODE(row[2]),
        version=row[3],
        publish=bool(row[4]),
        made_by=row[5],
        changed_at=codec.moment(row[6]),
        offer=row[7],
    )
