"""Orders with our mark that a target told of before the hub knew which is its copy there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from olhubd.model import Shipment
from olhubd.store import codec
from olhubd.store.database import Reader, Transaction

__all__ = ["Stranger", "by_reference", "forget", "known", "put"]


class Stranger(msgspec.Struct, frozen=True, kw_only=True):
    """One of them: `account` is the target, `reference` the mark, `shipments` the parcels it told last."""

    account: str
    external_id: str
    reference: str
    shipments: tuple[Shipment, ...]
    seen_at: datetime


async def put(tx: Transaction, stranger: Stranger) -> None:
    """Remember it, as it was told last."""
    await tx.execute(
        "INSERT INTO strangers (account, external_id, reference, shipments, seen_at) VALUES (?,?,?,?,?)"
        " ON CONFLICT (account, external_id) DO UPDATE SET reference = excluded.reference,"
        " shipments = excluded.shipments, seen_at = excluded.seen_at",
        (
            stranger.account,
            stranger.external_id,
            stranger.reference,
            codec.encode(stranger.shipments),
            codec.stamp(stranger.seen_at),
        ),
    )


async def known(reader: Reader) -> bool:
    """Whether there are any: nearly always there are none."""
    row = await reader.one("SELECT EXISTS (SELECT 1 FROM strangers)")
    return bool(row and row[0])


async def by_reference(reader: Reader, references: Sequence[str]) -> list[Stranger]:
    """Those that carry these marks, at any target."""
    rows = await reader.fetch(
        "SELECT account, external_id, reference, shipments, seen_at FROM strangers"
        f" WHERE reference IN ({codec.marks(references)}) ORDER BY account, external_id",
        list(references),
    )
    return [
        Stranger(
            account=row[0],
            external_id=row[1],
            reference=row[2],
            shipments=msgspec.json.decode(row[3], type=tuple[Shipment, ...]),
            seen_at=codec.moment(row[4]),
        )
        for row in rows
    ]


async def forget(tx: Transaction, account: str, external_ids: Sequence[str]) -> None:
    """Those that were dealt with."""
    await tx.executemany(
        "DELETE FROM strangers WHERE account = ? AND external_id = ?", [(account, id_) for id_ in external_ids]
    )
