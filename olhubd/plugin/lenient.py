"""Reading an answer for what it is needed for: a field that is only beside the matter never decides about the rest.

Plugins of a shop bend its answers: a picture becomes a text, a number a text, an empty list null, a list with holes
an object. A record that marks a field as `Side` says that it can do without it: what does not fit there is taken as
absent. All other fields are needed, and an answer without them is a broken contract, as it is with every record
that marks nothing.

Only an answer that does not fit as it is comes here, so a system that keeps its contract pays nothing for this.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import inspect

__all__ = ["Side", "read"]

T = TypeVar("T")

Side = Annotated[T, msgspec.Meta(extra={"side": True})]
"""`Side[str | None] = None`: what the answer has there, or the default where it does not fit."""

_NUMBERS = (int, Decimal)
_PLAIN: dict[type[inspect.Type], Any] = {inspect.DecimalType: Decimal, inspect.DateTimeType: datetime}
_JSON = msgspec.json.Decoder(float_hook=Decimal)


def read(body: bytes, into: type[T]) -> T:
    """Decode `body`, bent as it is. Raises ValidationError with the path of a needed field that does not fit."""
    kind: Any = into
    shape = _shape(kind)
    if not _forgives(shape):
        return msgspec.json.decode(body, type=kind)  # type: ignore[no-any-return]
    return msgspec.convert(_bent(_JSON.decode(body), shape), kind)  # type: ignore[no-any-return]


@lru_cache(maxsize=512)
def _shape(kind: Any) -> inspect.Type:
    return inspect.type_info(kind)


def _forgives(shape: inspect.Type, seen: frozenset[type] = frozenset()) -> bool:
    """Whether some record in it marks a field as beside the matter."""
    if isinstance(shape, inspect.StructType):
        if shape.cls in seen:
            return False
        return any(_beside(f.type) or _forgives(f.type, seen | {shape.cls}) for f in shape.fields)
    return any(_forgives(part, seen) for part in _parts(shape))


def _parts(shape: inspect.Type) -> Iterator[inspect.Type]:
    if isinstance(shape, inspect.Metadata):
        yield shape.type
    elif isinstance(shape, inspect.UnionType):
        yield from shape.types
    elif isinstance(shape, inspect.ListType):
        yield shape.item_type


def _beside(shape: inspect.Type) -> bool:
    return isinstance(shape, inspect.Metadata) and bool((shape.extra or {}).get("side"))


def _bent(value: Any, shape: inspect.Type, beside: bool = False) -> Any:
    """`value` as near to `shape` as it can be read without guessing; itself where it cannot."""
    match shape:
        case inspect.Metadata():
            return _bent(value, shape.type, beside or _beside(shape))
        case inspect.UnionType():
            return _one_of(value, shape, beside)
        case inspect.StructType():
            # PHP writes an empty object as an empty list.
            return _record({} if value == [] else value, shape)
        case inspect.ListType():
            return _rows(value, shape.item_type, beside)
        case inspect.StrType() if isinstance(value, _NUMBERS) and not isinstance(value, bool):
            # Of an absurd power only the power is written, not its zeros.
            return f"{value:f}" if isinstance(value, Decimal) and abs(value.adjusted()) < 30 else str(value)
        case inspect.IntType() | inspect.FloatType() | inspect.BoolType() if isinstance(value, str | Decimal):
            return _number(value, shape)
        case inspect.BoolType() if value in (0, 1):
            return bool(value)
    return value


def _one_of(value: Any, shape: inspect.UnionType, beside: bool) -> Any:
    nothing = any(isinstance(kind, inspect.NoneType) for kind in shape.types)
    if nothing and (value is None or value is False or value == ""):
        return value if _fits(value, shape) else None
    for kind in shape.types:
        bent = _bent(value, kind, beside)
        if _fits(bent, kind):
            return bent
    return value


def _record(value: Any, shape: inspect.StructType) -> Any:
    if not isinstance(value, dict):
        return value
    kept: dict[str, Any] = {}
    for field in shape.fields:
        if field.encode_name not in value:
            continue
        bent = _bent(value[field.encode_name], field.type)
        told = _fits(bent, field.type)
        if not told and not field.required and (_beside(field.type) or bent is None or bent is False):
            continue  # the default says that it is absent
        kept[field.encode_name] = bent
    return kept


def _rows(value: Any, shape: inspect.Type, beside: bool) -> Any:
    if isinstance(value, dict):
        value = [*value.values()]  # PHP writes a list with holes as an object
    if not isinstance(value, list):
        return value
    rows = [_bent(row, shape) for row in value]
    return [row for row in rows if _fits(row, shape)] if beside else rows


def _number(value: str | Decimal, shape: inspect.Type) -> Any:
    text = str(value).strip()
    try:
        number = Decimal(text)
    except ArithmeticError:
        return {"true": True, "yes": True, "false": False, "no": False}.get(text.lower(), value)
    if not number.is_finite():
        return value
    if isinstance(shape, inspect.FloatType):
        return float(number)
    whole = abs(number) < Decimal(10) ** 18 and number == number.to_integral_value()
    if isinstance(shape, inspect.BoolType):
        return bool(number) if number in (0, 1) else value
    return int(number) if whole else value


def _fits(value: Any, shape: inspect.Type) -> bool:
    """Whether it can be read as `shape`, its own fields as bent as they are."""
    match shape:
        case inspect.Metadata():
            return _fits(value, shape.type)
        case inspect.UnionType():
            return any(_fits(value, kind) for kind in shape.types)
        case inspect.StructType():
            return isinstance(value, dict) and all(
                _fits(value[f.encode_name], f.type) if f.encode_name in value else not f.required
                for f in shape.fields
            )
        case inspect.ListType():
            return isinstance(value, list) and all(_fits(row, shape.item_type) for row in value)
        case inspect.AnyType() | inspect.RawType():
            return True
        case inspect.NoneType():
            return value is None
        case inspect.StrType():
            return isinstance(value, str)
        case inspect.BoolType():
            return isinstance(value, bool)
        case inspect.IntType():
            return isinstance(value, int) and not isinstance(value, bool)
        case inspect.FloatType():
            return isinstance(value, float | int) and not isinstance(value, bool)
    try:
        msgspec.convert(value, _PLAIN.get(type(shape), Any))
    except msgspec.ValidationError:
        return False
    return True
