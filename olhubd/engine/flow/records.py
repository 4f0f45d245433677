"""Records as a connector gave them: those that a flow carries, by their kind, and the rest as it can be kept aside.

What is none of the promised kinds must not be passed over: the cursor moves on, and nobody would ask for it again.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from olhubd.engine.flow.registry import FLOWS, Flows
from olhubd.model import Customer, Kind, Reason, plain
from olhubd.plugin import Gone, Later, Unreadable
from olhubd.plugin.errors import LONGEST_PAUSE
from olhubd.plugin.feed import RECORD_KINDS

__all__ = ["sorted_out"]

_LONGEST = 2**20
"""Characters of such a record that are kept."""
_UNSAID = Unreadable(external_id="", reason="", raw=b"").kind
"""The kind of what does not say its own."""


def sorted_out(
    records: Iterable[Any], kinds: Collection[Kind], flows: Flows = FLOWS
) -> tuple[Mapping[Kind, Sequence[Any]], list[Unreadable | Gone | Later]]:
    """The records that a flow carries, by kind in the order of the flows; and all else.

    `kinds` is what the feed of the records is about: what is of none of them is kept aside, whatever it is.
    """
    carried: dict[Kind, list[Any]] = {flow.kind: [] for flow in flows if flow.kind in kinds}
    others: list[Unreadable | Gone | Later] = []
    for record in records:
        flow = flows.of(record)
        if flow is not None and flow.kind in carried:
            carried[flow.kind].append(record)
        else:
            others.append(_other(record, kinds, flows))
    return carried, others


def _other(record: Any, kinds: Collection[Kind], flows: Flows) -> Unreadable | Gone | Later:
    match record:
        case Unreadable() if _named(record) and _text(record.reason) and isinstance(record.raw, bytes):
            return msgspec.structs.replace(record, kind=_kind(record, kinds))
        case Later() if _named(record) and _text(record.reason):
            kind = _carried(record, kinds, flows)
            # What nobody reads again would be waited for in vain.
            if kind is not None and flows[kind].rereads:
                return msgspec.structs.replace(record, kind=kind, seconds=_pause(record.seconds))
        case Gone() if _named(record) and (kind := _carried(record, kinds, flows)) is not None:
            return msgspec.structs.replace(record, kind=kind)
    raw = _raw(record)
    said, name = _identity(record, kinds, flows)
    if isinstance(record, Later) and said is not None and any(flow.kind == said for flow in flows) and _text(name):
        return Unreadable(kind=said, external_id=name, reason=Reason("record.not-reread", kind=said), raw=raw)
    if said is not None and _text(name):
        return Unreadable(kind=said, external_id=name, reason=_not_carried(said), raw=raw)
    type_ = type(record).__name__
    # Reported again, it is the same one; two of a type are two.
    mark = hashlib.blake2b(raw, digest_size=6).hexdigest()
    carries = any(kind in flows for kind in kinds)
    reason = Reason("record.kind", kind=type_) if carries else _not_carried(_words(kinds))
    return Unreadable(kind=type_, external_id=f"{type_}-{mark}", reason=reason, raw=raw)


def _kind(record: Unreadable | Gone | Later, kinds: Collection[Kind]) -> str:
    """What it says to be; what says nothing is as its feed is."""
    return _words(kinds) if record.kind == _UNSAID and _UNSAID not in kinds else str(record.kind)


def _carried(record: Gone | Later, kinds: Collection[Kind], flows: Flows) -> Kind | None:
    """Its kind, where a flow carries that and the feed is about it."""
    said = _kind(record, kinds)
    return next((flow.kind for flow in flows if flow.kind == said and said in kinds), None)


def _identity(record: Any, kinds: Collection[Kind], flows: Flows) -> tuple[str | None, Any]:
    """Of which kind it is and what it is called there, where that is known."""
    if isinstance(record, Later | Gone):
        known = _text(record.kind) and record.kind in {*Kind}
        return (_kind(record, kinds) if known else None), record.external_id
    kind = next((kind for type_, kind in RECORD_KINDS.items() if isinstance(record, type_)), None)
    if kind is not None and kind in flows:
        return None, None  # it is carried, and its feed does not promise it
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
