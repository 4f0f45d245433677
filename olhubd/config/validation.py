"""One table against its class: every error of it, at its key and with what to write instead.

pydantic judges the values; here only the words are put right. Unlike pydantic by default, a switch is not a
number, text is no number, and a number is no moment: in a file that people write they are mistakes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from olhubd.config import fields
from olhubd.config.fields import FieldKind
from olhubd.config.problem import near
from olhubd.config.toml_positions import KeyPath

__all__ = ["FieldFault", "validate"]

M = TypeVar("M", bound=BaseModel)


class FieldFault(NamedTuple):
    """One thing wrong with a table, at a path inside of it; `exact` where nothing need be written there."""

    path: KeyPath
    message: str
    hint: str = ""
    exact: bool = False


def validate(
    model: type[M], given: Mapping[str, Any], beside: Collection[str] = (), broken: Collection[str] = ()
) -> tuple[M | None, list[FieldFault]]:
    """The table as a `model`, or None, and all that is wrong with it.

    `beside` are keys that would be right in the same table though they are not the model's; about those in `broken`
    enough has been said.
    """
    known = fields.fields(model)
    wrong = set(broken)
    faults: list[FieldFault] = []
    for key, info in known.items():
        if key in given and (complaint := _complaint(given[key], info)):
            faults.append(FieldFault((key,), *complaint))
            wrong.add(key)
    try:
        result = model.model_validate(dict(given))
    except ValidationError as error:
        judged = _Judged(known, {*known, *_file_keys(model), *beside}, _hidden(given, known))
        for one in error.errors(include_url=False):
            # What joins several keys cannot be judged while one of them is not there.
            if wrong.intersection(map(str, one["loc"][:1])) or (wrong and not one["loc"]):
                continue
            faults.append(judged.fault(one))
        return None, faults
    return (None if wrong else result), faults


_EXPECTED: Mapping[FieldKind, tuple[type | tuple[type, ...], str, str]] = {
    FieldKind.SWITCH: (bool, "must be true or false", "without quotes"),
    FieldKind.WHOLE: (int, "must be a whole number", "without quotes"),
    FieldKind.NUMBER: ((int, float, str), "must be a number", ""),
    FieldKind.MOMENT: ((date, str), "must be a date and time", "like 2026-01-31T00:00:00+01:00"),
    FieldKind.SECRET: (str, "must be text", "put it in quotes"),
    FieldKind.TEXT: (str, "must be text", "put it in quotes"),
    FieldKind.PATH: (str, "must be a path", "put it in quotes"),
    FieldKind.ADDRESS: (str, "must be a web address", 'for example "https://shop.example"'),
}


def _complaint(value: Any, info: FieldInfo) -> tuple[str, str] | None:
    """What is wrong with the sort of a value, before pydantic would bend it into another."""
    wanted = fields.kind(info)
    if wanted is FieldKind.SECRET and value == "":
        return "is empty", ""
    if wanted not in _EXPECTED or (isinstance(info.json_schema_extra, dict) and "kind" in info.json_schema_extra):
        return None
    types, message, hint = _EXPECTED[wanted]
    if not isinstance(value, types) or (isinstance(value, bool) and wanted is not FieldKind.SWITCH):
        return message, hint
    return None


class _Judged(NamedTuple):
    """A table that pydantic refused: its fields, the keys that may be in it, and the secrets in it."""

    known: Mapping[str, FieldInfo]
    keys: Collection[str]
    hidden: Collection[str]

    def fault(self, error: Any) -> FieldFault:
        """One error of pydantic in the words of this file."""
        loc: KeyPath = tuple(error["loc"])
        cause = error.get("ctx", {}).get("error")
        if key := getattr(cause, "key", ""):
            loc = (*loc, key)
        hint = getattr(cause, "hint", "") or self._hint(error, loc)
        return FieldFault(loc, self._message(error), hint, error["type"] in {"missing", "extra_forbidden"})

    def _message(self, error: Mapping[str, Any]) -> str:
        match error["type"]:
            case "missing":
                return "is missing"
            case "extra_forbidden":
                return "is not a known key"
            case "string_type":  # of a member of a list: a key's own sort was looked at before
                return _EXPECTED[FieldKind.TEXT][1]
        if error["type"].startswith("url_"):
            return "must be a web address"
        message = str(error["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
        message = message.replace("Input should be", "must be")
        for value in self.hidden:
            # A short one may be inside of words by chance; there it gives nothing away.
            message = re.sub(
                rf"(?<!\w){re.escape(value)}(?!\w)" if len(value) < 6 else re.escape(value), "(hidden)", message
            )
        return message[:1].lower() + message[1:] if message[:2] != message[:2].upper() else message

    def _hint(self, error: Mapping[str, Any], loc: KeyPath) -> str:
        value = error.get("input")
        info = self.known.get(str(loc[0])) if loc else None
        if error["type"] == "extra_forbidden":
            return near(str(loc[-1]), self.keys) if len(loc) == 1 else ""
        if error["type"] == "missing" and info is not None and len(loc) == 1:
            if fields.kind(info) is FieldKind.SECRET:
                return f'write it, or {loc[-1]}_file = "/path" of a file that holds it'
            return info.description.split("\n")[0] if info.description else ""
        if error["type"] == "string_type":
            return _EXPECTED[FieldKind.TEXT][2]
        if error["type"].startswith("url_"):
            text = value.strip() if isinstance(value, str) else ""
            bare = re.fullmatch(r"[\w-]+(\.[\w-]+)*\.[a-zA-Z]{2,}(:\d+)?", text)
            return f'write "https://{text if bare else "shop.example"}"'
        if info is None:
            return ""
        wanted = fields.kind(info)
        if wanted is FieldKind.SPAN:
            return fields.unit_hint(value)
        words = fields.choices(info) or _member_words(info)
        if words and isinstance(value, str) and error["type"] in {"enum", "literal_error"}:
            return near(value, words)
        return ""


def _member_words(info: FieldInfo) -> tuple[str, ...]:
    """The words the members of a list may be."""
    for argument in getattr(fields.core(info.annotation), "__args__", ()):
        if words := fields.choices(FieldInfo(annotation=argument)):
            return words
    return ()


def _hidden(given: Mapping[str, Any], known: Mapping[str, FieldInfo]) -> list[str]:
    """The secrets of the table, which no message may repeat, from any author."""
    return [
        str(given[key]) for key, info in known.items() if fields.kind(info) is FieldKind.SECRET and given.get(key)
    ]


def _file_keys(model: type[BaseModel]) -> list[str]:
    return [f"{key}_file" for key in fields.secrets(model)]
