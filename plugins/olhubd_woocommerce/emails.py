"""Which e-mail addresses WordPress takes for addresses: its own `is_email`, whose refusal refuses a whole order."""

from __future__ import annotations

import re

__all__ = ["LONGEST", "taken"]

LONGEST = 320
"""Bytes of the shop's columns for addresses."""
_SHORTEST = 6
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+")
_LABEL = re.compile(r"(?!-)[A-Za-z0-9-]+(?<!-)")


def taken(address: str) -> bool:
    """Whether a shop takes `address`; of letters beyond ASCII, quotes and comments it takes none."""
    local, at, domain = address.partition("@")
    labels = domain.split(".")
    return (
        _SHORTEST <= len(address.encode("utf-8", "replace")) <= LONGEST
        and bool(at)
        and _LOCAL.fullmatch(local) is not None
        and len(labels) > 1
        and all(_LABEL.fullmatch(label) for label in labels)
    )
