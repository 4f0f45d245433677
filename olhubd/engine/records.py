"""Records as a connector gave them: those of the promised kinds, and the rest put so that it can be kept aside.

What is none of the promised kinds must not be passed over: the cursor moves on, and nobody would ask for it again.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from typing import Any

import msgspec

from olhubd.model import Order
from olhubd.plugin import Gone, Later, Unreadable
from olhubd.plugin.errors import LONGEST_PAUSE

__all__ = ["sorted_out"]

_LONGEST = 2**20
"""Characters of such a record that are kept."""


def sorted_out(records: Iterable[Any]) -> tuple[list[Order], list[Unreadable | Gone | Later]]:
    """The orders, and all else."""
    orders: list[Order] = []
    others: list[Unreadable | Gone | Later] = []
    for record in records:
        if isinstance(record, Order):
            orders.append(record)
        else:
            others.append(_other(record))
    return orders, others


def _other(record: Any) -> Unreadable | Gone | Later:
    match record:
        case Later() if _text(record.external_id) and _text(record.reason):
            return msgspec.structs.replace(record, seconds=_pause(record.seconds))
        case Gone() if _text(record.external_id):
            return record
        case Unreadable() if _text(record.external_id) and _text(record.reason) and isinstance(record.raw, bytes):
            return record
    kind = type(record).__name__
    raw = _raw(record)
    # Told again, it is the same one; two of a kind are two.
    mark = hashlib.blake2b(raw, digest_size=6).hexdigest()
    return Unreadable(external_id=f"{kind}-{mark}", reason=f"{kind} is no kind of record", raw=raw)


def _text(told: Any) -> bool:
    """Whether it is a text that can be stored."""
    try:
        return isinstance(told, str) and bool(told.encode())
    except UnicodeEncodeError:
        return False


def _raw(record: Any) -> bytes:
    try:
        return msgspec.json.encode(record)[:_LONGEST]
    except Exception:
        pass
    try:
        return repr(record)[:_LONGEST].encode(errors="backslashreplace")
    except Exception:
        return object.__repr__(record).encode(errors="backslashreplace")


def _pause(told: Any) -> float:
    if not isinstance(told, int | float) or math.isnan(told):
        return 0.0
    return min(max(0.0, float(told)), LONGEST_PAUSE)
