"""How values are kept in columns: times as whole microseconds since 1970 (UTC), records as JSON."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, TypeVar

import msgspec

from olhubd.model import Kind, Order, Reason, Subject, beside, plain

__all__ = [
    "about",
    "digest",
    "encode",
    "facts",
    "marks",
    "moment",
    "order",
    "parts",
    "reason",
    "stamp",
    "subject",
    "text",
]

V = TypeVar("V")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PART = 1_000
_REASON = '{"code":'

encode = msgspec.json.Encoder(enc_hook=plain).encode
order = msgspec.json.Decoder(Order).decode


def digest(document: bytes) -> bytes:
    """What distinguishes two versions of a record."""
    return hashlib.blake2b(document, digest_size=16).digest()


def stamp(at: datetime | None) -> int | None:
    """A UTC time as stored. Exact, unlike a float of seconds."""
    return None if at is None else (at - _EPOCH) // _MICROSECOND


def moment(us: int | None) -> Any:
    """The opposite of `stamp`."""
    return None if us is None else _EPOCH + timedelta(microseconds=us)


def reason(text: str | None) -> str | None:
    """A reason or a text as it is stored in a column of texts: a reason as JSON, with its sentence."""
    return encode(text.data()).decode() if isinstance(text, Reason) else text


def text(stored: str | None) -> Any:
    """The opposite of `reason`. What an earlier version stored is a sentence, and stays one."""
    if stored is not None and stored.startswith(_REASON):
        with contextlib.suppress(msgspec.DecodeError, KeyError, TypeError, AttributeError, ArithmeticError):
            return Reason.of(msgspec.json.decode(stored))
    return stored


def facts(data: Any) -> bytes:
    """The facts of an event: a reason is its sentence, with its code and values beside it."""
    if isinstance(data, dict):
        for name in [name for name, value in data.items() if isinstance(value, Reason)]:
            data = {**data, **beside(name, data[name])}
    return encode(data)


def marks(values: Sequence[object]) -> str:
    """As many parameter marks as there are values, for an IN list. Nothing is in that of none, nor NOT IN it."""
    return ",".join("?" * len(values)) or "NULL"


def parts(values: Collection[V]) -> Iterator[list[V]]:
    """The values, a thousand at a time: a statement takes no more than some thousands of parameters."""
    left = iter(values)
    while part := list(islice(left, _PART)):
        yield part


def about(subjects: Collection[Subject]) -> tuple[str, list[object]]:
    """The condition that a row is about one of these, and its parameters. One kind, as nearly always, is one range
    of an index."""
    by_kind: dict[str, list[int]] = {}
    for one in subjects:
        by_kind.setdefault(one.kind.value, []).append(one.id)
    parts = [f"(subject_kind = ? AND subject_id IN ({marks(ids)}))" for ids in by_kind.values()]
    parameters: list[object] = []
    for kind, ids in by_kind.items():
        parameters += (kind, *ids)
    return (parts[0] if len(parts) == 1 else f"({' OR '.join(parts) or '1 = 0'})"), parameters


def subject(kind: str | None, id_: int | None) -> Any:
    """A subject from its two columns; None where there is none. A kind of another version is UNKNOWN here."""
    if kind is None or id_ is None:
        return None
    try:
        return Subject(Kind(kind), id_)
    except ValueError:
        return Subject(Kind.UNKNOWN, id_)
