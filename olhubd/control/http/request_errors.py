"""What a request has wrong, from the error with which msgspec refuses it.

Here the words of a library become data, once: its errors carry none. What it says in words that are not known here
is shown as it came.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from typing import Any, Final, get_args, get_type_hints

import msgspec

from olhubd.control.http.problem import Refusal
from olhubd.model import Reason

__all__ = ["wrong"]

_PLACE = re.compile(r"(.*) - at `([^`]*)`", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(.*?)`(?: - at `[^`]*`)?", re.DOTALL)
_SAID: Final = (
    (re.compile(r"Expected `str` of length >= (?P<n>\d+)"), "request.shortest"),
    (re.compile(r"Expected `str` of length <= (?P<n>\d+)"), "request.longest"),
    (re.compile(r"Expected `int` >= (?P<n>-?\d+)"), "request.least"),
    (re.compile(r"Expected `int` <= (?P<n>-?\d+)"), "request.most"),
    (re.compile(r"Expected `int`, got `str`"), "request.int"),
    (re.compile(r"Expected `bool`, got `str`"), "request.bool"),
    (re.compile(r"Object missing required field `(?P<field>[^`]*)`"), "request.missing"),
)
"""What msgspec says, and the code of the reason; the named groups are its values."""
_WORD = re.compile(r"Invalid enum value (.*)", re.DOTALL)


def wrong(error: msgspec.ValidationError, what: str, into: type[msgspec.Struct]) -> Refusal:
    """Name what is wrong; an unknown name is reported with those that are known.

    `what` is what the names of `into` are to who asked: a parameter or a field.
    """
    text, place = str(error), ""
    unknown = _UNKNOWN.fullmatch(text)  # first: a name may look like a place
    if found := _PLACE.fullmatch(text):
        text, place = found[1], found[2]
    if unknown:
        known = ", ".join(f.name for f in msgspec.structs.fields(into)) or "none"
        code = "request.no-parameter" if what == "parameter" else "request.no-field"
        return Refusal(400, "parameter", Reason(code, name=unknown[1], known=known), parameter=unknown[1])
    name = place.strip("`").removeprefix("$.").removeprefix("$").partition("[")[0] or "body"
    reason = _reason(text, name, get_type_hints(into, include_extras=True))
    missing = reason.values.get("field") if name == "body" else None
    return Refusal(400, "parameter", reason, parameter=str(missing or name))


def _reason(text: str, name: str, hints: dict[str, Any]) -> Reason:
    parts = list(_parts(hints.get(name)))
    if "matching regex" in text:
        # What is possible, in words: a pattern says nothing to a person.
        for part in parts:
            if isinstance(part, msgspec.Meta) and part.extra is not None:
                return Reason("request.shape", name=name, shape=Reason(part.extra["reason"]))
    if given := _WORD.fullmatch(text):
        for part in parts:
            if isinstance(part, type) and issubclass(part, enum.Enum):
                known = ", ".join(str(word.value) for word in part)
                return Reason("request.word", name=name, value=given[1], known=known)
    for said, code in _SAID:
        if found := said.fullmatch(text):
            values = {key: int(value) if key == "n" else value for key, value in found.groupdict().items()}
            return Reason(code, name=name, **values)
    return Reason("request.other", name=name, text=f"{text[:1].lower()}{text[1:]}")


def _parts(hint: Any) -> Iterator[Any]:
    yield hint
    for one in get_args(hint):
        yield from _parts(one)
