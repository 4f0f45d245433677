"""The import log, and what could not be read."""

from __future__ import annotations

from olhubd.control.api.lookup import known_account
from olhubd.control.api.records import QuarantinePage, Reading, RunPage, RunRow
from olhubd.control.api.requests import GivingUp, Nothing, QuarantineQuery, RunsQuery
from olhubd.control.http.problem import Refusal
from olhubd.control.http.routes import Call, route
from olhubd.model import Quarantined, Reason
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
    return RunPage(items=tuple(map(RunRow.of, found)), next=found[-1].id if len(found) == asked.limit else None)


async def refused(call: Call[QuarantineQuery, Nothing]) -> QuarantinePage:
    """The records that could not be stored, the newest first."""
    found = await quarantine.listing(call.hub.database.reader, call.query.limit)
    holds = call.hub.delivery_actions
    return QuarantinePage(items=tuple(Reading.of(one, call.query.raw, holds.options(one)) for one in found))


async def read_again(call: Call[Nothing, Nothing]) -> Reading:
    """Ask the source for the record once more. It lands, or comes back with what is wrong with it now."""
    record = await _record(call)
    await call.hub.delivery_actions.read_again(record, call.who)
    return Reading.of(record, False, call.hub.delivery_actions.options(record))


async def give_up(call: Call[Nothing, GivingUp]) -> Reading:
    """Let it wait for nobody any more, until its source tells it in other words."""
    record = await _record(call)
    await call.hub.delivery_actions.give_up(record, call.body.reason, call.who)
    return Reading.of(record, False, ())


async def _record(call: Call[Nothing, Nothing] | Call[Nothing, GivingUp]) -> Quarantined:
    number = call.number("record")
    record = await quarantine.get(call.hub.database.reader, number)
    if record is None:
        raise Refusal(404, "not-found", Reason("none.record", record=number))
    return record


ROUTES = (
    route("GET", "/api/v1/runs", listing),
    route("GET", "/api/v1/quarantine", refused),
    route("POST", "/api/v1/quarantine/{record}/retry", read_again, statuses=(200,), refusals=(409,)),
    route("POST", "/api/v1/quarantine/{record}/discard", give_up),
)
