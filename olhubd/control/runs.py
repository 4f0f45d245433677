"""The import log, and what could not be read."""

from __future__ import annotations

from olhubd.control.asked import Nothing, QuarantineQuery, RunsQuery
from olhubd.control.lookup import known_account
from olhubd.control.records import QuarantinePage, Reading, RunPage
from olhubd.control.routes import Call, route
from olhubd.store import quarantine, runs

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
    return RunPage(items=tuple(found), next=found[-1].id if len(found) == asked.limit else None)


async def refused(call: Call[QuarantineQuery, Nothing]) -> QuarantinePage:
    """The records that could not be stored, the newest first."""
    found = await quarantine.listing(call.hub.database.reader, call.query.limit)
    return QuarantinePage(items=tuple(Reading.of(record, call.query.raw) for record in found))


ROUTES = (
    route("GET", "/api/v1/runs", listing),
    route("GET", "/api/v1/quarantine", refused),
)
