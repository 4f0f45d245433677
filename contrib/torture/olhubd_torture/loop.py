"""An event loop whose time passes only when nothing is left to do: days of the daemon's life in seconds.

Time jumps to the next timer as soon as every task waits. No thread may take part, or time would run ahead of it:
what asyncio would hand to an executor runs at once in the loop, and so do the store's statements (see
`olhubd_torture.inline`). Nothing is read from sockets either. So the order of all steps, and with it a
schedule, depends on nothing but the seed.
"""
# ruff: noqa: SLF001 - a loop is made of handles and timers, whose fields are the business of loops

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable
from typing import Any

__all__ = ["LoopStuck", "VirtualTimeLoop"]

_START = 1000.0
_TURNS = 300_000
"""Turns of the loop without a moment passing, after which it is taken to spin."""


class LoopStuck(RuntimeError):
    """Nothing will ever happen any more, or it spins and no time passes."""


def _raise(why: str) -> None:
    raise LoopStuck(why)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Use as the `loop_factory` of an `asyncio.Runner`."""

    # Of the loop it derives from, where they have no types.
    _ready: deque[Any]
    _scheduled: list[Any]
    _stopping: bool
    _timer_cancelled_count: int

    def __init__(self) -> None:
        self.now = _START
        self._turns = 0
        self.stuck: Callable[[str], None] = _raise
        """Called when nothing will go on by itself, with the reason."""
        super().__init__()

    def time(self) -> float:
        return self.now

    def _run_once(self) -> None:
        """One turn, as the loop it derives from makes it, only that time passes where that one would wait.

        Written again because that one asks the operating system at each of the thousands of turns of a schedule.
        """
        ready, timers = self._ready, self._scheduled
        while timers and timers[0]._cancelled:
            self._timer_cancelled_count -= 1
            heapq.heappop(timers)._scheduled = False
        if not ready and not timers and not self._stopping:
            self.stuck("every task waits for something that cannot happen any more")
            if not ready:
                _raise("nothing will ever happen any more")
        if ready or self._stopping:
            self._turn()
        else:
            self.now, self._turns = max(self.now, timers[0]._when), 0
        while timers and timers[0]._when <= self.now:
            timer = heapq.heappop(timers)
            timer._scheduled = False
            ready.append(timer)
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle._cancelled:
                handle._run()

    def _turn(self) -> None:
        """No time passes."""
        self._turns += 1
        if self._turns == _TURNS:
            self.stuck("something spins: no time passes, and yet there is always something to do")
        if self._turns > 2 * _TURNS:
            _raise("it spins on, although its process was killed for it")

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:
            done.set_exception(error)
        return done
