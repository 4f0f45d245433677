"""Whether it lives, and whether it works: open to all, since who asks is often a machine without a token."""

from __future__ import annotations

from olhubd.control.api.schema.base import Nothing
from olhubd.control.api.schema.health import Health, Readiness
from olhubd.control.http.routes import Call, Reply, route
from olhubd.engine.hub import Hub

__all__ = ["ROUTES", "readiness"]


async def alive(call: Call[Nothing, Nothing]) -> Health:
    """That this is answered at all says it: the event loop turns."""
    return Health()


async def ready(call: Call[Nothing, Nothing]) -> Reply[Readiness]:
    """200 while the database answers and no loop is stuck, else 503 with what is wrong."""
    found = await readiness(call.hub)
    return Reply(content=found, status=200 if found.ready else 503)


async def readiness(hub: Hub) -> Readiness:
    overdue = {name: round(late, 1) for name, late in sorted(hub.supervisor.overdue().items())}
    database = await hub.database.answers()
    return Readiness(ready=database and not overdue, database=database, overdue=overdue)


ROUTES = (
    route("GET", "/healthz", alive, open_to_all=True),
    route("GET", "/readyz", ready, open_to_all=True, statuses=(200, 503)),
)
