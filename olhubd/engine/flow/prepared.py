"""Orders on their way into the database: all that can be done for them before the transaction.

Nothing here reads or writes; what becomes of a candidate is decided in `olhubd.engine.flow.orders`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

import msgspec

from olhubd.decide import validate
from olhubd.model import Order, Reason
from olhubd.store import codec, orders

__all__ = ["SLICE", "Candidate", "fault", "prepare", "uncontested"]

SLICE = 50
"""Records worked on at one go, before others get their turn."""


class Candidate(msgspec.Struct):
    """An incoming order with what is needed to compare it."""

    order: Order
    document: bytes
    digest: bytes
    objection: str | None
    fault: str | None = None
    """What went wrong in here when it was to be stored."""


async def prepare(batch: Sequence[Order]) -> list[Candidate]:
    """The orders as candidates. Of several tellings of one the last counts."""
    told = {order.external_id: order for order in batch}
    prepared = []
    for number, order in enumerate(told.values(), 1):
        prepared.append(_candidate(order))
        if number % SLICE == 0:
            await asyncio.sleep(0)
    return prepared


def _candidate(order: Order) -> Candidate:
    try:
        document = codec.encode(order)
        return Candidate(order, document, orders.digest(document), validate.objection(order))
    except Exception as error:  # no check foresaw it, and its neighbours must land all the same
        return Candidate(order, repr(order).encode(errors="backslashreplace"), b"", None, fault(error))


def fault(error: Exception) -> str:
    """Why an order is kept aside that broke something in here; its texts may hold what nobody else should read."""
    return Reason("record.hub-failed", error=type(error).__name__)


def uncontested(candidates: Sequence[Candidate]) -> list[Sequence[Candidate]]:
    """The candidates in groups within which no two orders share a line; almost always one group."""
    seen: set[str] = set()
    for candidate in candidates:
        for line in candidate.order.lines:
            if line.external_id in seen:
                return [[c] for c in sorted(candidates, key=_told_at)]
            seen.add(line.external_id)
    return [candidates] if candidates else []


def _told_at(candidate: Candidate) -> datetime:
    return candidate.order.updated_at or candidate.order.placed_at
