"""The log of runs of feeds."""

from __future__ import annotations

from olhubd.control.api.lookup import known_account
from olhubd.control.api.schema.base import Nothing
from olhubd.control.api.schema.runs import RunPage, RunRow, RunsQuery
from olhubd.control.http.routes import Call, route
from olhubd.store import runs

__all__ = ["ROUTES"]


async def listing(call: Call[RunsQuery, Nothing]) -> RunPage:
    """The newest first; runs that found nothing share a row and count in `polls`."""
    asked = call.query
    await known_account(call.hub, "account", asked.account)
    await call.hub.runs.flush()
    found = await runs.listing(
        call.hub.database.reader,
        account=asked.account,
        wrong=asked.wrong,
        before=asked.before,
        limit=asked.limit,
    )
    return RunPage(items=tuple(map(RunRow.of, found)), next=found[-1].id if len(found) == asked.limit else None)


ROUTES = (route("GET", "/api/v1/runs", listing),)
