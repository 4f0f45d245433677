"""Waiting for what a daemon does by itself, with a time-out that says what was waited for and what stood there."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

__all__ = ["described", "until"]

Look = Callable[[], Awaitable[Any] | Any]


async def until(
    wanted: Look, *, what: object = None, stands: Look | None = None, within: float = 20, pause: float = 0.02
) -> Any:
    """Ask `wanted` until it gives something true, which is returned.

    After `within` seconds AssertionError says what was waited for (`what`, else the source of `wanted` with the
    names it takes from around it) and what `stands` gives then, else what `wanted` gave last.
    """
    last: Any = "nothing: it was never answered"
    try:
        async with asyncio.timeout(within):
            while not (last := await _asked(wanted)):
                await asyncio.sleep(pause)
    except TimeoutError:
        there = last if stands is None else await _asked(stands)
        sought = what if what is not None else described(wanted)
        raise AssertionError(f"waited {within:g} s for {sought}\nthere stood: {there}") from None
    return last


async def _asked(look: Look) -> Any:
    answer = look()
    return await answer if inspect.isawaitable(answer) else answer


def described(wanted: Look) -> str:
    """The source of a condition, and the values that it is about."""
    try:
        text = inspect.cleandoc(inspect.getsource(wanted))
        about = inspect.getclosurevars(wanted).nonlocals
    except (OSError, TypeError):
        return repr(wanted)
    values = ", ".join(f"{name}={value!r}" for name, value in about.items() if name != "self")
    return f"{text}\n  where {values}" if values else text
