"""Where a feed of Vendure orders has landed. Pure.

No single time moves with every change: `updatedAt` does not move when an order is paid, sent or even placed, so the
feed follows `orderPlacedAt` beside it, and the rest is found by the sweep. A transaction may become visible after
one that began later, and some databases keep whole seconds; so each pull looks back a little and leaves out what it
has seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec

from olhubd.plugin import ContractBroken, Cursor

T = TypeVar("T")

__all__ = ["OVERLAP", "PAGE", "FeedCursor", "StreamPosition", "SweepCursor", "load", "save"]

PAGE = 100
"""How many orders are read in one turn."""
OVERLAP = timedelta(seconds=10)


class StreamPosition(msgspec.Struct, frozen=True):
    """The greatest time seen of one field, and the records in the overlap before it with their times."""

    at: datetime
    seen: dict[str, datetime] = {}

    def since(self) -> dict[str, str]:
        """The condition on the time for all that comes after the overlap's beginning."""
        return {"after": (self.at - OVERLAP).isoformat()}

    def overlap(self) -> dict[str, Any]:
        """The condition on the time for what lies in the overlap, to the end of the last millisecond seen."""
        return {"between": {"start": (self.at - OVERLAP).isoformat(), "end": self._end().isoformat()}}

    def beyond(self) -> dict[str, str]:
        """The condition on the time for what lies after the overlap: with `overlap` it leaves nothing out."""
        return {"after": self._end().isoformat()}

    def _end(self) -> datetime:
        # Databases may keep microseconds, the server sends and compares milliseconds.
        return self.at.replace(microsecond=self.at.microsecond // 1000 * 1000) + timedelta(milliseconds=1)

    def fresh(self, id_: str, at: datetime) -> bool:
        return self.seen.get(id_) != at

    def moved(self, keys: Iterable[tuple[str, datetime]]) -> StreamPosition:
        """After the records `keys` were taken over."""
        seen = {**self.seen, **dict(keys)}
        if not seen:
            return self
        latest = max(self.at, *seen.values())
        return StreamPosition(latest, {id_: at for id_, at in seen.items() if at > latest - OVERLAP})


class FeedCursor(msgspec.Struct, frozen=True):
    """The two streams of the feed."""

    updated: StreamPosition
    placed: StreamPosition


class SweepCursor(StreamPosition, frozen=True):
    """Where a sweep is. `far` marks one that also reads what left the shop long ago."""

    far: bool = False


def load(cursor: Cursor, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(cursor, type=kind)
    except msgspec.MsgspecError as error:
        raise ContractBroken(f"not a cursor of this connector: {error}") from None


def save(state: FeedCursor | SweepCursor) -> Cursor:
    return Cursor(msgspec.json.encode(state).decode())
