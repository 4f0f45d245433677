"""How long to wait after a failure: twice as long after each, up to a limit."""

from __future__ import annotations

__all__ = ["Backoff", "delay"]

_MOST_DOUBLINGS = 20
"""A delay has long met its limit by then, and a float never overflows."""


def delay(failures: int, first: float, longest: float) -> float:
    """Seconds to wait after so many failures in a row; `first` after the first, at most `longest`."""
    return min(longest, first * 2.0 ** min(max(failures - 1, 0), _MOST_DOUBLINGS))


class Backoff:
    """Counts failures in a row; `first` and `longest` are seconds."""

    __slots__ = ("_first", "_longest", "failures")

    def __init__(self, first: float, longest: float) -> None:
        self._first = first
        self._longest = longest
        self.failures = 0

    def next(self) -> float:
        """Count one more failure; returns the seconds to wait after it."""
        self.failures += 1
        return delay(self.failures, self._first, self._longest)

    def reset(self) -> None:
        """Something succeeded: the next failure is the first again."""
        self.failures = 0
