"""Orders with our mark that a shop has and nobody here knows."""

from __future__ import annotations

from olhubd.control.api.schema.base import DiscardRequest, Nothing
from olhubd.control.api.schema.strangers import StrangerPage, StrangerRow
from olhubd.control.http.routes import Call, route
from olhubd.engine.hub import Hub

__all__ = ["ROUTES"]


async def listing(call: Call[Nothing, Nothing]) -> StrangerPage:
    """All that wait, the oldest first; an alarm reports those that wait for long."""
    return await _page(call.hub)


async def give_up(call: Call[Nothing, DiscardRequest]) -> StrangerPage:
    """Let it wait for nobody any more. Answers with those that still wait."""
    account, order = call.path["account"], call.path["order"]
    await call.hub.strangers.discard(account, order, call.body.reason, call.who)
    return await _page(call.hub)


async def _page(hub: Hub) -> StrangerPage:
    found = await hub.strangers.listing()
    return StrangerPage(items=tuple(map(StrangerRow.of, found)), next=None)


ROUTES = (
    route("GET", "/api/v1/strangers", listing),
    route("POST", "/api/v1/strangers/{account}/{order}/discard", give_up, refusals=(409,)),
)
