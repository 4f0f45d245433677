"""Whether the price of an offer follows its product. Pure.

An account has a switch, and so has each of its offers: a price is sent where both are on. An offer that was listed
before the account's switch went on keeps its price until a person says otherwise, since its seller has set it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

__all__ = ["follows_at_first", "follows_when_resumed"]


def follows_at_first(listed_at: datetime | None, since: datetime | None) -> bool:
    """How the switch of an offer stands when the hub first reads it. The account's went on at `since`; None is off.

    When it was listed may not be known: then it may be an old one.
    """
    return since is not None and listed_at is not None and listed_at >= since


def follows_when_resumed(linked_at: Iterable[datetime], since: datetime | None) -> bool:
    """Whether an offer that has come back is switched on: all that it sells was linked after the account's switch
    went on."""
    made = list(linked_at)
    return since is not None and bool(made) and min(made) >= since
