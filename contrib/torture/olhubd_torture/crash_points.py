"""Where the daemon meets what outlives it: each call to another system and each commit is a crossing, and counted.

A process can be killed at any crossing by its number. From then on nothing of that life crosses any more: a task
that tries waits until it is cancelled. What is between two crossings is memory only, so a kill there is the same as
one at the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

__all__ = ["CrashPoints"]


class CrashPoints:
    """Counts crossings from 1 on, over all lives. `tell` is called with each."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._kills: set[int] = set()
        self.count = 0
        self.dead = False
        self.fallen = asyncio.Event()
        self.at = ""
        """Where the last kill struck."""

    def kill_at(self, crossings: Iterable[int]) -> None:
        """Kill when these numbers are reached."""
        self._kills.update(crossings)

    def spare(self) -> None:
        """No more kills."""
        self._kills.clear()

    def revive(self) -> None:
        """Another life begins; all tasks of the one before must have ended."""
        self.dead = False
        self.fallen.clear()

    def kill(self, what: str) -> None:
        """The process dies here and now."""
        self.dead = True
        self.at = what
        self.fallen.set()
        self._tell(f"killed at crossing {self.count}: {what}")

    async def cross(self, what: str) -> None:
        """Pass, or die here, or wait for the end because one is dead."""
        if not self.dead:
            self.count += 1
            self._tell(f"{self.count} {what}")
            if self.count not in self._kills:
                return
            self.kill(what)
        await asyncio.get_running_loop().create_future()
