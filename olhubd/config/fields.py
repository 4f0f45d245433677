"""What the settings classes say about their fields: which are secret, what kind a value is, what a person calls it.

Serves the checks, the reference and the schema alike, so that all three say the same.
"""

from __future__ import annotations

import difflib
import enum
import tomllib
import types
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AnyUrl, BaseModel, SecretStr
from pydantic.fields import FieldInfo

__all__ = ["FieldKind", "choices", "core", "fields", "kind", "literal", "secrets", "unit_hint"]

UNITS = ("ms", "s", "min", "h", "d", "seconds", "minutes", "hours", "days")


class FieldKind(enum.StrEnum):
    """A value, in the words of the reference."""

    SECRET = "secret text"
    SPAN = "time span"
    SWITCH = "true or false"
    WHOLE = "whole number"
    NUMBER = "number"
    MOMENT = "date and time"
    ADDRESS = "web address"
    PATH = "path"
    CHOICE = "one of"
    LIST = "list"
    TABLE = "table"
    TEXT = "text"


def fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields by the keys that people write."""
    return {_key(name, info): info for name, info in model.model_fields.items()}


def secrets(model: type[BaseModel]) -> tuple[str, ...]:
    """The keys whose values are secret, and which `<key>_file` may therefore give too."""
    return tuple(key for key, info in fields(model).items() if kind(info) is FieldKind.SECRET)


def core(annotation: Any) -> Any:
    """The annotation without Annotated and without None."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in (Union, types.UnionType):
            arms = [arm for arm in get_args(annotation) if arm is not type(None)]
            if len(arms) != 1:
                return annotation
            annotation = arms[0]
        else:
            return annotation


def kind(info: FieldInfo) -> FieldKind:
    """What sort of value a field takes."""
    extra = info.json_schema_extra
    if isinstance(extra, dict) and isinstance(named := extra.get("kind"), str):
        return FieldKind(named)
    inner = core(info.annotation)
    outer = get_origin(inner) or inner
    if outer is Literal:
        return FieldKind.CHOICE
    if not isinstance(outer, type):
        return FieldKind.TEXT
    for base, found in _KINDS:
        if issubclass(outer, base):
            return found
    return FieldKind.TEXT


_KINDS: tuple[tuple[type, FieldKind], ...] = (
    (SecretStr, FieldKind.SECRET),
    (timedelta, FieldKind.SPAN),
    (bool, FieldKind.SWITCH),
    (enum.Enum, FieldKind.CHOICE),
    (int, FieldKind.WHOLE),
    (float, FieldKind.NUMBER),
    (Decimal, FieldKind.NUMBER),
    (datetime, FieldKind.MOMENT),
    (AnyUrl, FieldKind.ADDRESS),
    (Path, FieldKind.PATH),
    (str, FieldKind.TEXT),
    (Mapping, FieldKind.TABLE),
    (BaseModel, FieldKind.TABLE),
    (Collection, FieldKind.LIST),
)


def choices(info: FieldInfo) -> tuple[str, ...]:
    """The words a CHOICE may be."""
    inner = core(info.annotation)
    if get_origin(inner) is Literal:
        return tuple(str(value) for value in get_args(inner))
    return tuple(map(str, inner)) if isinstance(inner, type) and issubclass(inner, enum.StrEnum) else ()


def literal(text: str, info: FieldInfo) -> Any:
    """A value from the environment, where all is text, as a file would have had it.

    Numbers and switches are written as in TOML; lists and tables too, and lists also with commas.
    """
    wanted = kind(info)
    if wanted in {FieldKind.SWITCH, FieldKind.WHOLE, FieldKind.NUMBER, FieldKind.LIST, FieldKind.TABLE}:
        try:
            return tomllib.loads(f"value = {text.lower() if wanted is FieldKind.SWITCH else text}")["value"]
        except (ValueError, RecursionError):  # no such value, or brackets within brackets
            pass
    if wanted is FieldKind.LIST:
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def unit_hint(value: Any) -> str:
    """For a time span without its unit, or with a misspelled one: what was probably meant."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return ""
    text = str(value).strip()
    number = text.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
    unit = text[len(number) :].strip().lower()
    if not unit:
        return f'did you mean "{number} s" or "{number} min"?' if number else ""
    match = difflib.get_close_matches(unit, UNITS, n=1, cutoff=0.4)
    return f'did you mean "{number.strip()} {match[0]}"?' if match else ""


def _key(name: str, info: FieldInfo) -> str:
    alias = info.validation_alias
    return alias if isinstance(alias, str) else info.alias or name
