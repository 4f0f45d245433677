"""What people said of orders; the orders themselves hold what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from olhubd.decide.remark import Remark
from olhubd.model import OrderId
from olhubd.store import codec
from olhubd.store.database import Reader, Transaction

__all__ = ["of_orders", "put"]

_decode = msgspec.json.Decoder(Remark).decode


async def put(tx: Transaction, order_id: OrderId, remark: Remark, at: datetime) -> None:
    """Store what stands now; an empty remark is none."""
    if remark.empty:
        await tx.execute("DELETE FROM remarks WHERE order_id = ?", (order_id,))
        return
    await tx.execute(
        "INSERT INTO remarks (order_id, document, changed_at) VALUES (?,?,?) ON CONFLICT (order_id) DO UPDATE SET"
        " document = excluded.document, changed_at = excluded.changed_at",
        (order_id, codec.encode(remark), codec.stamp(at)),
    )


async def of_orders(reader: Reader, order_ids: Sequence[int]) -> dict[OrderId, Remark]:
    """The remarks on these orders; most have none."""
    rows = await reader.fetch(
        f"SELECT order_id, document FROM remarks WHERE order_id IN ({codec.marks(order_ids)})", list(order_ids)
    )
    return {row[0]: _decode(row[1]) for row in rows}
