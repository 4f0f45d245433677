"""Stopping all selling on an account in an emergency, and lifting that."""

from __future__ import annotations

from collections.abc import Sequence

from olhubd.control.api.schema.base import Nothing
from olhubd.control.api.schema.sales_stops import LiftRequest, SalesStopPage, SalesStopRow, StopRequest
from olhubd.control.http.problem import Refusal
from olhubd.control.http.routes import Call, route
from olhubd.engine.hub import Hub
from olhubd.model import Reason
from olhubd.store import sales_stops
from olhubd.store.sales_stops import SalesStop

__all__ = ["ROUTES"]


async def listing(call: Call[Nothing, Nothing]) -> SalesStopPage:
    """The accounts on which all selling is stopped, by name."""
    return await _page(call.hub, await sales_stops.every(call.hub.database.reader))


async def stop(call: Call[Nothing, StopRequest]) -> SalesStopPage:
    """Sell nothing more on an account, or on all. Answers with those that this has stopped, also those that cannot
    be reached now."""
    account = _meant(call.body)
    return await _page(call.hub, await call.hub.sales_stop_actions.stop(account, call.who, call.body.reason))


async def lift(call: Call[Nothing, LiftRequest]) -> SalesStopPage:
    """Show again what may be sold. Answers with the stops that this has lifted."""
    return await _page(call.hub, await call.hub.sales_stop_actions.lift(_meant(call.body), call.who))


def _meant(body: StopRequest | LiftRequest) -> str | None:
    """The account that is named; None for all."""
    if (body.account is None) is not body.all:
        raise Refusal(400, "body", Reason("request.account-or-all"))
    return body.account


async def _page(hub: Hub, found: Sequence[SalesStop]) -> SalesStopPage:
    names = [one.account for one in found]
    selling = await sales_stops.selling(hub.database.reader, names) if names else {}
    unreached = hub.directory.unreached
    rows = [SalesStopRow.of(one, selling.get(one.account, 0), unreached(one.account)) for one in found]
    return SalesStopPage(items=tuple(rows), next=None)


ROUTES = (
    route("GET", "/api/v1/sales-stops", listing),
    route("POST", "/api/v1/sales-stops", stop, limit=60.0, refusals=(400, 409)),
    route("POST", "/api/v1/sales-stops/lift", lift, limit=60.0, refusals=(400, 409)),
)
