"""Places for work that holds much memory while it lasts, so that the most that is held does not grow with accounts.

A page is up to a hundred orders as bytes, as records and as documents, and often a connection for each order.
Memory that was once needed is seldom given back to the system, so the worst moment decides what the process takes
from then on.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

__all__ = ["Limiter"]


class Limiter:
    """At most so many at a time; first come, first served.

    `patience` is how long (seconds) one waits for a place, `lease` how long a place counts as taken. Work that
    lasts longer goes on and leaves its place to others: it waits for a system that hangs, which needs no memory,
    and some of those must not keep all other accounts from their work.
    """

    def __init__(self, places: int, patience: float, lease: float = 20.0) -> None:
        self._free = asyncio.Semaphore(places)
        self._patience = patience
        self._lease = lease

    @contextlib.asynccontextmanager
    async def one(self) -> AsyncIterator[bool]:
        """Wait for a place; gives False when none came free in good time: what then is the caller's affair.

        A waiting task has other work too, and those in front of it may hang.
        """
        if not await self._placed():
            yield False
            return
        taken = True

        def leave() -> None:
            nonlocal taken
            if taken:
                taken = False
                self._free.release()

        over = asyncio.get_running_loop().call_later(self._lease, leave)
        try:
            yield True
        finally:
            over.cancel()
            leave()

    async def _placed(self) -> bool:
        if not self._free.locked():
            return await self._free.acquire()  # at once, and without the price of a time-out
        try:
            async with asyncio.timeout(self._patience):
                return await self._free.acquire()
        except TimeoutError:
            return False
