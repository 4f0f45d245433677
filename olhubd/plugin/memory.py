"""What a connector read once and may believe for a while: a list of carriers, the rules of a shop's taxes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

__all__ = ["Memory"]

T = TypeVar("T")


class Memory:
    """Values by key, each until its time is over. Many who want one at the same time cause one reading."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, Any]] = {}
        self._reading: dict[str, asyncio.Lock] = {}
        self._forgotten = 0

    async def recall(
        self, key: str, seconds: float, load: Callable[[], Awaitable[T]], now: Callable[[], float], fresh: bool
    ) -> T:
        """The value of `key`, read by `load` where there is none or it is older than `seconds`."""
        kept = self._kept.get(key)
        if kept is None or fresh or now() >= kept[0]:
            async with self._reading.setdefault(key, asyncio.Lock()):
                # Somebody else may have read it meanwhile.
                known = self._kept.get(key)
                if known is kept or known is None or fresh:
                    forgotten = self._forgotten
                    read = await load()
                    known = (now() + seconds, read)
                    if forgotten == self._forgotten:
                        self._kept[key] = known
                kept = known
        value: T = kept[1]
        return value

    def forget(self, *keys: str) -> None:
        """Drop these, so that the next use reads them again; what is being read now is not kept."""
        self._forgotten += 1
        for key in keys:
            self._kept.pop(key, None)
