"""The seller's own list of statuses: shown, added to, changed, put in order, and what each means to accounts."""

from __future__ import annotations

from olhubd.control.api.schema.base import Nothing
from olhubd.control.api.schema.own_statuses import OwnStatusList, OwnStatusRequest, OwnStatusRow, StatusPair
from olhubd.control.http.routes import Call, route
from olhubd.engine.hub import Hub
from olhubd.store import orders, own_statuses

__all__ = ["ROUTES"]


async def listing(call: Call[Nothing, Nothing]) -> OwnStatusList:
    """The list in its order, and which side leads of each account and the hub."""
    return await _all(call.hub)


async def change(call: Call[Nothing, OwnStatusRequest]) -> OwnStatusList:
    """Add a status, or change one: its title, its place, its words at accounts. In force at once."""
    asked = call.body
    await call.hub.own_statuses.change(
        call.path["status"],
        call.who,
        title=asked.title,
        position=asked.position,
        sends={account: word.strip() or None for account, word in asked.sends.items()},
        follows=asked.follows,
    )
    return await _all(call.hub)


async def remove(call: Call[Nothing, Nothing]) -> OwnStatusList:
    """Take a status off the list. One that orders or settings have is refused."""
    await call.hub.own_statuses.remove(call.path["status"], call.who)
    return await _all(call.hub)


async def _all(hub: Hub) -> OwnStatusList:
    configuration, own = hub.configuration, hub.in_force.statuses()
    reader = hub.database.reader
    counts = await orders.with_own_status(reader)
    pinned = bool(configuration.statuses)
    kept = {} if pinned else {one.status.name: one for one in await own_statuses.every(reader)}
    rows = tuple(
        OwnStatusRow(
            name=one.name,
            title=one.title,
            sends=dict(one.sends),
            follows=dict(one.follows),
            orders=counts.get(one.name, 0),
            changed_by=kept[one.name].changed_by if one.name in kept else None,
            changed_at=kept[one.name].changed_at if one.name in kept else None,
        )
        for one in own.items
    )
    pairs = tuple(
        StatusPair(
            account=name,
            leader=account.status_leader,
            sends=sum(name in one.sends for one in own.items),
            follows=sum(name in one.follows for one in own.items),
            first_status=account.first.general,
            first_status_cod=account.first.cod,
            first_status_paid=account.first.paid,
        )
        for name, account in sorted(configuration.accounts.items())
        if {"OrderFeed", "StatusSink"}.intersection(account.connector.capabilities())
    )
    origin = str(configuration.origin("statuses.0")) if pinned else None
    return OwnStatusList(items=rows, accounts=pairs, origin=origin)


ROUTES = (
    route("GET", "/api/v1/statuses", listing),
    route("POST", "/api/v1/statuses/{status}", change, refusals=(409,)),
    route("POST", "/api/v1/statuses/{status}/remove", remove, refusals=(409,)),
)
