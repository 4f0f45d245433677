"""Where a feed of Vendure orders has landed. Pure.

No single time moves with every change: `updatedAt` does not move when an order is paid, sent or even placed, so the
feed follows `orderPlacedAt` beside it, and the rest is found by the sweep. A transaction may become visible after
one that began later, and some databases keep whole seconds; so each pull looks back a little and leaves out what it
has seen. Of two changes within one such second the later one shows by the order's state.
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
    """The greatest time seen of one field, and the records in the overlap before it with their times and states."""

    at: datetime
    seen: dict[str, datetime] = {}
    states: dict[str, str] = {}

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

    def fresh(self, id_: str, at: datetime, state: str | None) -> bool:
        return self.seen.get(id_) != at or self.states.get(id_, state) != state

    def moved(self, keys: Iterable[tuple[str, datetime, str | None]]) -> StreamPosition:
        """After the records `keys`, each with its time and its state, were taken over."""
        seen, states = dict(self.seen), dict(self.states)
        for id_, at, state in keys:
            seen[id_] = at
            if state is not None:
                states[id_] = state
        if not seen:
            return self
        latest = max(self.at, *seen.values())
        seen = {id_: at for id_, at in seen.items() if at > latest - OVERLAP}
        return StreamPosition(latest, seen, {id_: state for id_, state in states.items() if id_ in seen})


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
