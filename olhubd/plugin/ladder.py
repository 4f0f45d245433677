"""The statuses through which an order goes, and which of two is further."""

from __future__ import annotations

from collections.abc import Collection

__all__ = ["Ladder"]


class Ladder:
    """The words of a system from the first to the last. A rung of several words is given as a tuple."""

    def __init__(self, *rungs: str | Collection[str]) -> None:
        self._rank = {
            word: rank for rank, rung in enumerate(rungs) for word in ((rung,) if isinstance(rung, str) else rung)
        }

    def __contains__(self, word: str) -> bool:
        return word in self._rank

    def due(self, now: str, wanted: str) -> bool | None:
        """Whether an order whose status is `now` is still to be moved to `wanted`.

        False where it is there or further. None where either word has no place on the ladder.
        """
        here, there = self._rank.get(now), self._rank.get(wanted)
        return None if here is None or there is None else here < there
