"""What an impossible value is answered with: the field, and in words what is possible, never a pattern."""

from __future__ import annotations

import re
from typing import Any, get_type_hints

import msgspec
import pytest

from olhubd.control.api import requests
from olhubd.control.http.request_errors import wrong

NONE = "\n"
"""No pattern of ours takes a line feed alone."""


def patterned() -> list[tuple[type[msgspec.Struct], str]]:
    found = []
    for name in requests.__all__:
        kind = getattr(requests, name)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            for field, hint in get_type_hints(kind, include_extras=True).items():
                if "pattern=" in str(hint):
                    found.append((kind, field))
    return found


@pytest.mark.parametrize(("kind", "field"), patterned())
def test_a_pattern_is_told_in_words(kind: type[msgspec.Struct], field: str) -> None:
    with pytest.raises(msgspec.ValidationError) as raised:
        msgspec.convert({field: NONE}, narrowed(kind, field))
    told = str(wrong(raised.value, "field", kind))
    assert told.startswith(f"{field}: must be ")
    assert "regex" not in told


def narrowed(kind: type[msgspec.Struct], field: str) -> Any:
    """The field alone, so that no other one is missed first."""
    hint = get_type_hints(kind, include_extras=True)[field]
    return msgspec.defstruct("Narrowed", [(field, hint)])


def test_there_are_some_to_be_told() -> None:
    assert {field for _, field in patterned()} >= {"name", "country", "amount_from", "title", "url", "before"}


def test_a_word_that_is_none_is_told_with_those_that_are() -> None:
    with pytest.raises(msgspec.ValidationError) as raised:
        msgspec.convert({"status": "shipped"}, requests.StatusWord)
    told = str(wrong(raised.value, "field", requests.StatusWord))
    assert re.match(r"status: invalid enum value 'shipped'; possible: .*\bsent\b", told)
    with pytest.raises(msgspec.ValidationError) as raised:
        msgspec.convert({"state": ["x"]}, requests.DeliveriesQuery)
    assert "hold" in str(wrong(raised.value, "parameter", requests.DeliveriesQuery)).partition("possible: ")[2]
