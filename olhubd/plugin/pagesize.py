"""How many rows to ask a list for, where a host breaks under as many as the system allows.

A small host's program runs out of memory or time over a hundred rows and ends in a 500, a 502, a 504, a dropped
connection or no answer at all, each time the same, while it gives half as many without trouble.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from olhubd.plugin.connector import Clock, Log
from olhubd.plugin.errors import Unavailable

__all__ = ["PageSize"]

T = TypeVar("T")

_PATIENCE = 3600.0
"""Seconds until more rows are tried again; twice as long each time that shows that they are still too many."""
_LONGEST = 86400.0
_SOON = 300.0
_WAITS = 2
"""So many calls without an answer does one reading wait for."""


class PageSize:
    """Rows to ask for at one time: `largest` at first, half as many each time the server breaks under them.

    What worked is kept for an hour or more, then twice as many are tried again. `smallest` is the least to be asked
    for; a server that breaks under that is simply down. Warns once of what it found.
    """

    def __init__(self, largest: int, clock: Clock, log: Log, *, smallest: int = 5) -> None:
        self._largest = largest
        self._smallest = min(smallest, largest)
        self._clock = clock
        self._log = log
        self._size = largest
        self._pause = _PATIENCE
        self._again = 0.0
        self._told = False

    @property
    def rows(self) -> int:
        """How many to ask for now."""
        if self._size < self._largest and self._clock.monotonic() >= self._again:
            return min(2 * self._size, self._largest)
        return self._size

    async def ask(self, fetch: Callable[[int], Awaitable[T]]) -> T:
        """What `fetch` gives for so many rows, or for fewer where it ends in an error that is `strained`.

        `fetch` should make one attempt only for each call (`attempts=1`). An error at the smallest size is raised.
        """
        wanted = rows = self.rows
        failures = lost = 0
        while True:
            try:
                answer = await fetch(rows)
            except Unavailable as error:
                if not error.strained:
                    raise
                failures += 1
                lost += error.status is None
                if failures == 1 and not lost:
                    continue  # a gateway's failure may be a moment's
                if lost >= _WAITS:
                    # Each costs the whole limit of a call; the next time begins lower.
                    self._size, self._again = rows, self._clock.monotonic() + _SOON
                    raise
                if rows <= self._smallest:
                    raise
                rows = max(self._smallest, rows // 2)
                continue
            self._learn(wanted, rows)
            return answer

    def _learn(self, wanted: int, rows: int) -> None:
        if rows < wanted:
            if wanted > self._size:  # it was tried again, and is still too much
                self._pause = min(2 * self._pause, _LONGEST)
            self._size, self._again = rows, self._clock.monotonic() + self._pause
            if not self._told:
                self._told = True
                self._log.warning("the server breaks under a long list: shorter ones are asked for", rows=rows)
        elif wanted > self._size:
            self._size = wanted
            self._pause, self._again = _PATIENCE, self._clock.monotonic() + _PATIENCE
