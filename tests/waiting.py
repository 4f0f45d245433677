"""Waiting for what a daemon does by itself. Who waits in vain says what was waited for and what stood there."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import os
from collections.abc import Awaitable, Callable
from typing import Any

__all__ = ["described", "until"]

PATIENCE = float(os.environ.get("OLHUBD_TEST_PATIENCE", "60"))
"""Seconds of waiting for what does not come. Less is enough where the code is broken on purpose."""
_BUSY = 4
"""How much longer a busy machine is given, by the clock."""

Look = Callable[[], Awaitable[Any] | Any]


async def until(
    wanted: Look,
    progress: Callable[[], object] | None = None,
    *,
    what: object = None,
    stands: Look | None = None,
    within: float = PATIENCE,
    pause: float = 0.02,
) -> Any:
    """Ask `wanted` until it gives something true, which is returned; as long as `progress` gives something else.

    After `within` seconds in which nothing goes on AssertionError says what was waited for (`what`, else the source
    of `wanted` with the names it takes from around it) and what `stands` gives then, else what `wanted` gave last.
    They are counted by looks, of which a busy machine makes fewer in the same time, and it ends in any case.
    """
    looks = max(1, round(within / max(pause, 0.001)))
    last: Any = "nothing: it was never answered"
    before, left = progress() if progress else None, looks
    time = asyncio.get_running_loop().time
    latest = time() + _BUSY * within
    with contextlib.suppress(TimeoutError):
        while left > 0 and time() < latest:
            async with asyncio.timeout(max(within, 60)):
                last = await _asked(wanted)
            if last:
                return last
            now = progress() if progress else None
            left, latest = (left - 1, latest) if now == before else (looks, time() + _BUSY * within)
            before = now
            await asyncio.sleep(pause)
    there = last if stands is None else await _asked(stands)
    sought = what if what is not None else described(wanted)
    how_far = "" if progress is None else f"\nnothing goes on: progress stands at {before}"
    raise AssertionError(f"waited {within:g} s for {sought}{how_far}\nthere stood: {there}")


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
