"""Which e-mail addresses WordPress takes for addresses: its own `is_email`, whose refusal refuses a whole order."""

from __future__ import annotations

import re

__all__ = ["LONGEST", "taken"]

LONGEST = 320
"""Bytes of the shop's columns for addresses."""
_SHORTEST = 6
_LABEL = r"(?!-)[A-Za-z0-9-]+(?<!-)"
_ADDRESS = re.compile(rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~.-]+@{_LABEL}(?:\.{_LABEL})+")


def taken(address: str) -> bool:
    """Whether a shop takes `address`; of letters beyond ASCII, quotes and comments it takes none."""
    # What fits has a byte for each letter.
    return _SHORTEST <= len(address) <= LONGEST and _ADDRESS.fullmatch(address) is not None
