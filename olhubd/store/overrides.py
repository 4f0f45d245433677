"""What people said of orders and other subjects; those themselves hold what came of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from olhubd.decide.override import Override
from olhubd.model import OrderId, Subject
from olhubd.store import codec
from olhubd.store.base import Reader, Transaction

__all__ = ["of_orders", "of_subjects", "put"]

_decode = msgspec.json.Decoder(Override).decode


async def put(tx: Transaction, subject: Subject, remark: Override, at: datetime) -> None:
    """Store what is in force now; an empty override is none."""
    key = (subject.kind.value, subject.id)
    if remark.empty:
        await tx.execute("DELETE FROM remarks WHERE subject_kind = ? AND subject_id = ?", key)
        return
    await tx.execute(
        "INSERT INTO remarks (subject_kind, subject_id, document, changed_at) VALUES (?,?,?,?)"
        " ON CONFLICT (subject_kind, subject_id) DO UPDATE SET"
        " document = excluded.document, changed_at = excluded.changed_at",
        (*key, codec.encode(remark), codec.stamp(at)),
    )


async def of_orders(reader: Reader, order_ids: Sequence[int]) -> dict[OrderId, Override]:
    """The remarks on these orders; most have none."""
    found = await of_subjects(reader, [Subject.order(id_) for id_ in order_ids])
    return {subject.order_id: remark for subject, remark in found.items()}


async def of_subjects(reader: Reader, subjects: Collection[Subject]) -> dict[Subject, Override]:
    """The remarks on these subjects; most have none."""
    where, parameters = codec.about(subjects)
    rows = await reader.fetch(f"SELECT subject_kind, subject_id, document FROM remarks WHERE {where}", parameters)
    return {codec.subject(row[0], row[1]): _decode(row[2]) for row in rows}
