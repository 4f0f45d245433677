"""Records as a connector gave them: those of the promised kinds, and the rest put so that it can be kept aside.

What is none of the promised kinds must not be passed over: the cursor moves on, and nobody would ask for it again.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Iterable
from typing import Any

import msgspec

from olhubd.model import Customer, Kind, Offer, Order, Product, Reason, plain
from olhubd.plugin import Gone, Later, Unreadable
from olhubd.plugin.errors import LONGEST_PAUSE

__all__ = ["sorted_out"]

_LONGEST = 2**20
"""Characters of such a record that are kept."""
_KINDS: dict[type, Kind] = {Product: Kind.PRODUCT, Offer: Kind.OFFER, Customer: Kind.CUSTOMER}
"""What the types of records tell that nothing takes yet."""


def sorted_out(
    records: Iterable[Any], kinds: Collection[Kind] = (Kind.ORDER,)
) -> tuple[list[Order], list[Unreadable | Gone | Later]]:
    """The orders, and all else. From a feed that is not about orders all is kept aside, whatever it is."""
    orders: list[Order] = []
    others: list[Unreadable | Gone | Later] = []
    for record in records:
        if isinstance(record, Order) and Kind.ORDER in kinds:
            orders.append(record)
        else:
            others.append(_other(record, kinds))
    return orders, others


def _other(record: Any, kinds: Collection[Kind]) -> Unreadable | Gone | Later:
    match record:
        case Unreadable() if _named(record) and _text(record.reason) and isinstance(record.raw, bytes):
            return msgspec.structs.replace(record, kind=_kind(record, kinds))
        case Later() if _named(record) and _text(record.reason) and _kind(record, kinds) == Kind.ORDER:
            return msgspec.structs.replace(record, kind=Kind.ORDER, seconds=_pause(record.seconds))
        case Gone() if _named(record) and _kind(record, kinds) == Kind.ORDER:
            return msgspec.structs.replace(record, kind=Kind.ORDER)
    raw = _raw(record)
    kind, name = _identity(record, kinds)
    if kind is not None and _text(name):
        return Unreadable(kind=kind, external_id=name, reason=_not_carried(kind), raw=raw)
    type_ = type(record).__name__
    # Told again, it is the same one; two of a type are two.
    mark = hashlib.blake2b(raw, digest_size=6).hexdigest()
    reason = Reason("record.kind", kind=type_) if Kind.ORDER in kinds else _not_carried(_words(kinds))
    return Unreadable(kind=type_, external_id=f"{type_}-{mark}", reason=reason, raw=raw)


def _kind(record: Unreadable | Gone | Later, kinds: Collection[Kind]) -> str:
    """What it says to be; what says nothing is as its feed is."""
    return _words(kinds) if record.kind == Kind.ORDER and Kind.ORDER not in kinds else str(record.kind)


def _identity(record: Any, kinds: Collection[Kind]) -> tuple[str | None, Any]:
    """Of which kind it is and what it is called there, where that can be told."""
    if isinstance(record, Later | Gone):
        known = _text(record.kind) and record.kind in {*Kind}
        return (_kind(record, kinds) if known else None), record.external_id
    kind = next((kind for type_, kind in _KINDS.items() if isinstance(record, type_)), None)
    return kind, record.key if isinstance(record, Customer) else getattr(record, "external_id", None)


def _named(record: Unreadable | Gone | Later) -> bool:
    return _text(record.external_id) and _text(record.kind)


def _not_carried(kind: str) -> str:
    return Reason("record.not-carried", kind=kind)


def _words(kinds: Collection[Kind]) -> str:
    return " or ".join(sorted(kind.value for kind in kinds))


def _text(told: Any) -> bool:
    """Whether it is a text that can be stored."""
    try:
        return isinstance(told, str) and bool(told.encode())
    except UnicodeEncodeError:
        return False


def _raw(record: Any) -> bytes:
    try:
        return msgspec.json.encode(record, enc_hook=plain)[:_LONGEST]
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
