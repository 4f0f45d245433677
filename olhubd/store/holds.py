"""The deliveries that wait for a person, with no more of each than why.

All of them are read to group them by their cause, for which whole deliveries, with what they carry, are too much.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from olhubd.model import Action, DeliveryId
from olhubd.store import codec
from olhubd.store.base import Reader

__all__ = ["HeldDelivery", "held"]

_STUCK = "(state = 'hold' OR state = 'dead' OR state = 'discarded')"
"""As the partial index of them says it."""


class HeldDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that waits for a person, and why, without what it carries."""

    id: DeliveryId
    target: str
    action: Action
    created_at: datetime
    reason: str | None


async def held(
    reader: Reader, target: str | None = None, before: int | None = None, limit: int = 500
) -> list[HeldDelivery]:
    """The newest deliveries on hold first, with no more than why; `before` is the last id of the page before."""
    where = [_STUCK, "state = 'hold'", "+id < ?"]
    parameters: list[Any] = [before if before is not None else 2**62]
    if target is not None:
        where.append("target = ?")
        parameters.append(target)
    rows = await reader.fetch(
        "SELECT id, target, action, created_at, reason, error FROM deliveries"
        f" WHERE {' AND '.join(where)} ORDER BY +id DESC LIMIT ?",
        [*parameters, limit],
    )
    return [
        HeldDelivery(
            id=row[0],
            target=row[1],
            action=Action(row[2]),
            created_at=codec.moment(row[3]),
            reason=codec.text(row[4]) or codec.text(row[5]),
        )
        for row in rows
    ]
