"""A wait that a timer or another task ends: what most of a daemon's tasks are at, most of the time.

It is there once for each account, so it is small, and it ends without a cancellation: `asyncio.timeout` around an
`asyncio.Event` costs several times as much memory and time.
"""

from __future__ import annotations

import asyncio

__all__ = ["Wakeup"]


class Wakeup:
    """One task at a time waits for it. What `wake` is about must be stored by its caller, as a flag or a request,
    and looked at before each wait: a wake-up while nobody waits has no effect."""

    __slots__ = ("_waiter",)

    def __init__(self) -> None:
        self._waiter: asyncio.Future[None] | None = None

    def wake(self) -> None:
        """End the wait under way, if there is one."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def wait(self, seconds: float | None = None) -> None:
        """Wait for `wake`, and for so many seconds at most."""
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = loop.call_later(seconds, self.wake) if seconds is not None else None
        try:
            await self._waiter
        finally:
            if timer is not None:
                timer.cancel()
