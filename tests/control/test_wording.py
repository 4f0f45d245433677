"""What an impossible value is answered with: the field, and in words what is possible, never a pattern."""

from __future__ import annotations

import re
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, get_type_hints

import msgspec
import pytest

from olhubd.control.api import schema
from olhubd.control.api.schema.base import RequestStruct
from olhubd.control.api.schema.deliveries import DeliveriesQuery
from olhubd.control.api.schema.orders import StatusRequest
from olhubd.control.http.request_errors import wrong

NONE = "\n"
"""No pattern of ours takes a line feed alone."""


def patterned() -> list[tuple[type[msgspec.Struct], str]]:
    found: list[tuple[type[msgspec.Struct], str]] = []
    for module in (import_module(f"{schema.__name__}.{one.name}") for one in iter_modules(schema.__path__)):
        for kind in (getattr(module, name) for name in module.__all__):
            if isinstance(kind, type) and issubclass(kind, RequestStruct):
                hints = get_type_hints(kind, include_extras=True)
                found.extend((kind, field) for field, hint in hints.items() if "pattern=" in str(hint))
    return found


@pytest.mark.parametrize(("kind", "field"), patterned())
def test_a_pattern_is_told_in_words(kind: type[msgspec.Struct], field: str) -> None:
    with pytest.raises(msgspec.ValidationError) as raised:
        msgspec.convert({field: impossible(kind, field)}, narrowed(kind, field))
    told = str(wrong(raised.value, "field", kind))
    assert re.match(rf"{field}\S*: must be ", told), told
    assert "regex" not in told


def impossible(kind: type[msgspec.Struct], field: str) -> object:
    """It, as deep in lists and tables as the field has its texts."""
    hint = str(get_type_hints(kind, include_extras=True)[field])
    inner: object = [NONE] if "tuple[" in hint else NONE
    return {"any": inner} if "Mapping[" in hint else inner


def narrowed(kind: type[msgspec.Struct], field: str) -> Any:
    """The field alone, so that no other one is missed first."""
    hint = get_type_hints(kind, include_extras=True)[field]
    return msgspec.defstruct("Narrowed", [(field, hint)])


def test_there_are_some_to_be_told() -> None:
    assert {field for _, field in patterned()} >= {"name", "country", "amount_from", "title", "url", "before"}


def test_a_word_that_is_none_is_told_with_those_that_are() -> None:
    with pytest.raises(msgspec.ValidationError) as raised:
        msgspec.convert({"status": "shipped"}, StatusRequest)
    told = str(wrong(raised.value, "field", StatusRequest))
    assert re.match(r"status: invalid enum value 'shipped'; possible: .*\bsent\b", told)
    with pytest.raises(msgspec.ValidationError) as raised:
        msgspec.convert({"state": ["x"]}, DeliveriesQuery)
    assert "hold" in str(wrong(raised.value, "parameter", DeliveriesQuery)).partition("possible: ")[2]
