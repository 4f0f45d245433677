"""A record with its personal data masked, for people who look into a fault and need no names."""

from __future__ import annotations

import re
from typing import Any

import msgspec

__all__ = ["masked"]

_PLAIN = re.compile(r"[A-Z]{3}|-?[0-9]+([.,][0-9]+)?|[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+(Z|[+-][0-9:]+)?)?")
_TELLING = frozenset(
    {
        "amount",
        "currency",
        "external_stage",
        "fulfilment",
        "id",
        "kind",
        "quantity",
        "rate",
        "sku",
        "stage",
        "state",
    }
    | {"status", "total", "type"}
)
"""Fields whose texts are words of a system and never of a person."""
_PRIVATE = frozenset(
    {"phone", "phonenumber", "postcode", "zipcode", "national_id", "value", "login", "personalidentity"}
)
_MASK = "***"


def masked(raw: bytes) -> str:
    """The record with the texts of persons covered: shape, sums, times and systems' words remain."""
    try:
        told = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return f"{len(raw)} bytes that are no JSON"
    return msgspec.json.format(msgspec.json.encode(_covered(told, "")), indent=1).decode()


def _covered(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {key: _covered(one, str(key)) for key, one in value.items()}
    if isinstance(value, list):
        return [_covered(one, name) for one in value]
    if value is None or isinstance(value, bool):
        return value
    private = name.lower().replace("_", "") in {one.replace("_", "") for one in _PRIVATE}
    if isinstance(value, str):
        plain = name in _TELLING or (_PLAIN.fullmatch(value) is not None and not private)
        return value if plain else _MASK
    return _MASK if private else value
