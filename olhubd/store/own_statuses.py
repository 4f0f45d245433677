"""The seller's own list of statuses, as people keep it while the daemon runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from olhubd.decide.own_status import OwnStatus
from olhubd.store import codec
from olhubd.store.base import Reader, Transaction

__all__ = ["KeptStatus", "every", "replace"]

_decode = msgspec.json.Decoder(OwnStatus).decode


class KeptStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One status of the list, with who changed it last."""

    status: OwnStatus
    changed_by: str
    changed_at: datetime


async def every(reader: Reader) -> list[KeptStatus]:
    """The list in its order."""
    rows = await reader.fetch("SELECT document, changed_by, changed_at FROM own_statuses ORDER BY position, name")
    return [KeptStatus(status=_decode(row[0]), changed_by=row[1], changed_at=codec.moment(row[2])) for row in rows]


async def replace(tx: Transaction, statuses: Sequence[KeptStatus]) -> None:
    """Store the whole list in place of the one that is there."""
    await tx.execute("DELETE FROM own_statuses")
    await tx.executemany(
        "INSERT INTO own_statuses (name, position, document, changed_by, changed_at) VALUES (?,?,?,?,?)",
        [
            (one.status.name, place, codec.encode(one.status), one.changed_by, codec.stamp(one.changed_at))
            for place, one in enumerate(statuses)
        ],
    )
