"""A plugin that breaks the rules of asyncio and of its own contract, beside good accounts that must not feel it.

Each way is an ordinary mistake: a cancelled inner task, an exit in a library, a page that never ends. What is asked
of the hub is only that the others go on, that it stops when it is cancelled, and that it says whose fault it is.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, ClassVar

from olhubd.plugin import Account, Connector, Cursor, OrderFeed, Page, Parts, RateLimited, Sweep
from olhubd_torture.memory_connectors import DEFAULTS, MemoryConnector

__all__ = ["ROGUE", "WAYS", "RogueConnector"]

ROGUE = "rogue"
"""The name of its account."""


class _Gone(BaseException):
    """Nothing that anybody expects."""


async def _leaks_a_cancellation(_door: RogueConnector, _cursor: Cursor) -> Page:
    inner = asyncio.create_task(asyncio.sleep(60))
    inner.cancel()
    await inner
    raise AssertionError


async def _exits(_door: RogueConnector, _cursor: Cursor) -> Page:
    raise SystemExit(1)


async def _interrupts(_door: RogueConnector, _cursor: Cursor) -> Page:
    raise KeyboardInterrupt


async def _raises_what_nobody_catches(_door: RogueConnector, _cursor: Cursor) -> Page:
    raise _Gone


async def _never_comes_to_an_end(_door: RogueConnector, cursor: Cursor) -> Page:
    return Page(records=[], cursor=cursor, more=True)


async def _never_comes_to_an_end_slowly(_door: RogueConnector, cursor: Cursor) -> Page:
    await asyncio.sleep(0)
    return Page(records=[], cursor=cursor, more=True)


async def _asks_for_no_time(_door: RogueConnector, _cursor: Cursor) -> Page:
    raise RateLimited("429", retry_after=float("nan"))


async def _will_not_be_cancelled(door: RogueConnector, _cursor: Cursor) -> Page:
    weather = door.settings.weather
    process = weather.processes
    while weather.processes == process:  # what nothing else ends, the end of its process does
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(5)
    raise asyncio.CancelledError


async def _forgets_where_it_is(_door: RogueConnector, _cursor: Cursor) -> Page:
    return Page(records=[], cursor=None)  # type: ignore[arg-type]


async def _tells_what_is_no_order(_door: RogueConnector, cursor: Cursor) -> Page:
    odd: Any = (None, {"id": 5}, "an order")
    return Page(records=odd, cursor=Cursor(f"{cursor}+"))


async def _forgets_to_answer(_door: RogueConnector, _cursor: Cursor) -> Page:
    return None  # type: ignore[return-value]


WAYS: dict[str, Callable[[RogueConnector, Cursor], Awaitable[Page]]] = {
    way.__name__.strip("_").replace("_", " "): way
    for way in (
        _leaks_a_cancellation,
        _exits,
        _interrupts,
        _raises_what_nobody_catches,
        _never_comes_to_an_end,
        _never_comes_to_an_end_slowly,
        _asks_for_no_time,
        _will_not_be_cancelled,
        _forgets_where_it_is,
        _tells_what_is_no_order,
        _forgets_to_answer,
    )
}
"""By what it does when it is asked for orders."""


class RogueOrders(OrderFeed, Sweep):
    def __init__(self, door: RogueConnector) -> None:
        self.door = door

    async def start(self, since: datetime | None) -> Cursor:
        return Cursor("0")

    async def pull(self, cursor: Cursor) -> Page:
        return await WAYS[self.door.settings.system](self.door, cursor)

    async def sweep(self, since: datetime, cursor: Cursor | None) -> Page:
        return await WAYS[self.door.settings.system](self.door, cursor or Cursor("0"))


class RogueConnector(Connector[MemoryConnector]):
    """Its `system` is the way."""

    name = "rogue"
    title = "A plugin with a fault"
    Settings = MemoryConnector
    defaults = DEFAULTS
    provides: ClassVar[Parts] = {RogueOrders: "orders"}

    def __init__(self, account: Account[MemoryConnector]) -> None:
        super().__init__(account)
        self.orders = RogueOrders(self)
