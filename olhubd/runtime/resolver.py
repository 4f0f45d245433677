"""Looking names up without blocking other work.

A server of names that hangs keeps a thread for half a minute. Each name has one of its own while it is looked up,
for all callers; and a name that was not found is not asked for again at once.
"""

from __future__ import annotations

import asyncio
import socket
from functools import partial
from typing import Any

from aiohttp.abc import ResolveResult
from aiohttp.resolver import ThreadedResolver

from olhubd.runtime.threads import apart

__all__ = ["SharedResolver"]

KEPT = 10.0
"""Seconds for which a name that was not found counts as not found."""


class _Apart:
    """What the resolver needs of a loop, in threads of their own."""

    async def getaddrinfo(self, host: Any, port: Any, **how: Any) -> Any:
        return await apart(f"name {host}", partial(socket.getaddrinfo, host, port, **how))

    async def getnameinfo(self, address: Any, flags: int = 0) -> Any:
        return await apart("name of an address", partial(socket.getnameinfo, address, flags))


class SharedResolver(ThreadedResolver):
    """The system's own resolver, asked once for all who ask at one time."""

    def __init__(self) -> None:
        super().__init__(_Apart())  # type: ignore[arg-type]  # it asks for no more of a loop
        self._under_way: dict[tuple[str, int, int], asyncio.Task[list[ResolveResult]]] = {}
        self._missed: dict[str, tuple[float, OSError]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        now = asyncio.get_running_loop().time()
        if (missed := self._missed.get(host)) is not None:
            until, error = missed
            if now < until:
                raise type(error)(*error.args)
            del self._missed[host]
        key = (host, port, int(family))
        asking = self._under_way.get(key)
        if asking is None:
            asking = self._under_way[key] = asyncio.create_task(
                super().resolve(host, port, family), name=f"name {host}"
            )
            asking.add_done_callback(partial(self._known, key))
        return await asyncio.shield(asking)

    def _known(self, key: tuple[str, int, int], asked: asyncio.Task[list[ResolveResult]]) -> None:
        del self._under_way[key]
        if not asked.cancelled() and isinstance(error := asked.exception(), OSError):
            self._missed[key[0]] = (asyncio.get_running_loop().time() + KEPT, error)

    async def close(self) -> None:
        for asking in self._under_way.values():
            asking.cancel()
