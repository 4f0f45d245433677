"""Where a feed of Vendure orders has landed. Pure.

No single time tells of every change: `updatedAt` stands still when an order is paid, sent or even placed, so the
feed follows `orderPlacedAt` beside it, and the rest is found by the sweep. A transaction may become visible after
one that began later, and some databases keep whole seconds; so each pull looks back a little and leaves out what it
has seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec

from olhubd.plugin import ContractBroken, Cursor

T = TypeVar("T")

__all__ = ["OVERLAP", "PAGE", "FeedCursor", "Position", "load", "save"]

PAGE = 100
MOST = 1000
"""How many records Vendure gives at most in one page."""
OVERLAP = timedelta(seconds=10)


class Position(msgspec.Struct, frozen=True):
    """The greatest time seen of one field, and the records in the overlap before it with their times."""

    at: datetime
    seen: dict[str, datetime] = {}

    def options(self, field: str, only: Mapping[str, Any]) -> dict[str, Any]:
        """The list options for what comes next by the time `field`."""
        return {
            "take": min(MOST, PAGE + len(self.seen)),
            "sort": {field: "ASC", "id": "ASC"},
            "filter": {**only, field: {"after": (self.at - OVERLAP).isoformat()}},
        }

    def fresh(self, id_: str, at: datetime) -> bool:
        return self.seen.get(id_) != at

    def moved(self, keys: Iterable[tuple[str, datetime]]) -> Position:
        """After the records `keys` were taken over."""
        seen = {**self.seen, **dict(keys)}
        if not seen:
            return self
        latest = max(self.at, *seen.values())
        return Position(latest, {id_: at for id_, at in seen.items() if at > latest - OVERLAP})


class FeedCursor(msgspec.Struct, frozen=True):
    """The two streams of the feed."""

    updated: Position
    placed: Position


def load(cursor: Cursor, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(cursor, type=kind)
    except msgspec.MsgspecError as error:
        raise ContractBroken(f"not a cursor of this connector: {error}") from None


def save(state: FeedCursor | Position) -> Cursor:
    return Cursor(msgspec.json.encode(state).decode())
