"""Records as a connector gave them: those of the promised kinds, and the rest put so that it can be kept aside.

What is none of the promised kinds must not be passed over: the cursor moves on, and nobody would ask for it again.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Iterable
from typing import Any

import msgspec

from olhubd.model import Kind, Order
from olhubd.plugin import Gone, Later, Unreadable
from olhubd.plugin.errors import LONGEST_PAUSE

__all__ = ["sorted_out"]

_LONGEST = 2**20
"""Characters of such a record that are kept."""


def sorted_out(
    records: Iterable[Any], kinds: Collection[Kind] = (Kind.ORDER,)
) -> tuple[list[Order], list[Unreadable | Gone | Later]]:
    """The orders, and all else. From a feed that is not about orders all is kept aside, whatever it is."""
    orders: list[Order] = []
    others: list[Unreadable | Gone | Later] = []
    for record in records:
        if Kind.ORDER not in kinds:
            why = f"the hub carries no {_named(kinds)} records yet"
            others.append(record if _unreadable(record) else _aside(record, why))
        elif isinstance(record, Order):
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
        case Unreadable() if _unreadable(record):
            return record
    return _aside(record, f"{type(record).__name__} is no kind of record")


def _aside(record: Any, why: str) -> Unreadable:
    kind, raw = type(record).__name__, _raw(record)
    # Told again, it is the same one; two of a kind are two.
    mark = hashlib.blake2b(raw, digest_size=6).hexdigest()
    return Unreadable(external_id=f"{kind}-{mark}", reason=why, raw=raw)


def _unreadable(record: Any) -> bool:
    """Whether it is such a record, and one that can be stored."""
    return (
        isinstance(record, Unreadable)
        and _text(record.external_id)
        and _text(record.reason)
        and isinstance(record.raw, bytes)
    )


def _named(kinds: Collection[Kind]) -> str:
    return " or ".join(sorted(kind.value for kind in kinds))


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
