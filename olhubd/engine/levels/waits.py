"""For how long what was sent to a channel is left alone, by the clock that never jumps.

What a wall clock says that was put forward would make a write look settled that is not; put back, it would keep an
offer as it is for an hour. The times in the rows are for people. What an earlier process sent was sent before this
one began.
"""

from __future__ import annotations

from collections.abc import Hashable

from olhubd.plugin import Clock

__all__ = ["Waits"]


class Waits:
    """Those of one account."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock.monotonic()
        self._until: dict[Hashable, float] = {}

    def begin(self, what: Hashable, seconds: float) -> None:
        """Leave it alone for so many seconds from now on."""
        self._until[what] = self._clock.monotonic() + seconds

    def left(self, what: Hashable, earlier: float = 0.0) -> float:
        """For how many seconds more; `earlier` is for how long, where an earlier process sent it."""
        until = self._until.get(what, self._began + earlier)
        return max(0.0, until - self._clock.monotonic())

    def end(self, *those: Hashable) -> None:
        """They are known by now."""
        for what in those:
            self._until.pop(what, None)
