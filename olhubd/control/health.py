"""Whether it lives, and whether it works: open to all, since who asks is often a machine without a token."""

from __future__ import annotations

import asyncio
import contextlib

import aiosqlite

from olhubd.control.records import Health, Nothing, Readiness
from olhubd.control.routes import Call, Reply, route
from olhubd.engine.hub import Hub
from olhubd.store import StoreError

__all__ = ["ROUTES", "readiness"]

_DATABASE_LIMIT = 2.0


async def alive(call: Call[Nothing, Nothing]) -> Health:
    """That this is answered at all says it: the event loop turns."""
    return Health()


async def ready(call: Call[Nothing, Nothing]) -> Reply[Readiness]:
    """200 while the database answers and no loop is stuck, else 503 with what is wrong."""
    found = await readiness(call.hub)
    return Reply(content=found, status=200 if found.ready else 503)


async def readiness(hub: Hub) -> Readiness:
    overdue = {name: round(late, 1) for name, late in sorted(hub.overdue().items())}
    database = await _database_answers(hub)
    return Readiness(ready=database and not overdue, database=database, overdue=overdue)


async def _database_answers(hub: Hub) -> bool:
    with contextlib.suppress(aiosqlite.Error, StoreError, TimeoutError, ValueError):
        async with asyncio.timeout(_DATABASE_LIMIT):
            return await hub.database.reader.one("SELECT 1") == (1,)
    return False


ROUTES = (
    route("GET", "/healthz", alive),
    route("GET", "/readyz", ready),
)
