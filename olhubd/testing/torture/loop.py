"""An event loop whose time passes only when nothing is left to do: days of the daemon's life in seconds.

Time jumps to the next timer as soon as every task waits. No thread may take part, or time would run ahead of it:
what asyncio would hand to an executor runs at once in the loop, and the store waits for its own threads without
letting the loop go on (see `olhubd.testing.torture.store`). So the order of all steps, and with it a schedule,
depends on nothing but the seed. While a database is opened or closed, time stands still instead.
"""

from __future__ import annotations

import asyncio
import contextlib
import selectors
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["Loop", "Stuck"]

_START = 1000.0
_TURNS = 300_000
"""Turns of the loop without a moment passing, after which it is taken to spin."""


class Stuck(RuntimeError):
    """Nothing will ever happen any more, or it spins and no time passes."""


def _raise(why: str) -> None:
    raise Stuck(why)


class _Selector(selectors.DefaultSelector):
    """Lets time pass in place of waiting."""

    loop: Loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self.loop.frozen:
            return super().select(1.0 if timeout is None else min(timeout, 1.0))
        if timeout is None:
            self.loop.stuck("every task waits for something that cannot happen any more")
        else:
            self.loop.pass_by(timeout)
        return []


class Loop(asyncio.SelectorEventLoop):
    """Use as the `loop_factory` of an `asyncio.Runner`."""

    def __init__(self) -> None:
        self.now = _START
        self.frozen = 0
        self._turns = 0
        self.stuck: Callable[[str], None] = _raise
        """Hears that nothing will go on by itself, and why."""
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        """Let so many seconds pass; zero is a turn without time."""
        if seconds > 0:
            self.now += seconds
            self._turns = 0
            return
        self._turns += 1
        if self._turns > _TURNS:
            self._turns = 0
            self.stuck("something spins: no time passes, and yet there is always something to do")

    @contextlib.contextmanager
    def freeze(self) -> Iterator[None]:
        """No time passes; threads may take part."""
        self.frozen += 1
        try:
            yield
        finally:
            self.frozen -= 1

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:
            done.set_exception(error)
        return done
