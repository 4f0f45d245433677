"""Records that could not be read, and what a person does about one."""

from __future__ import annotations

from olhubd.control.api.masking import masked
from olhubd.control.api.schema.base import DiscardRequest, Nothing
from olhubd.control.api.schema.quarantine import QuarantinePage, QuarantineQuery, QuarantineRow
from olhubd.control.http.problem import Refusal
from olhubd.control.http.routes import Call, route
from olhubd.decide.permitted import PermittedAction
from olhubd.model import Quarantined, Reason, beside
from olhubd.store import quarantine

__all__ = ["ROUTES"]

_ADVICE = (
    "Compare it with the order at its source. What is wrong there is mended there, and it lands as soon as the"
    " source tells it so; a retry asks at once. What is right there is a fault of the connector: report it with"
    " these facts. Discard it once it is dealt with by hand."
)


async def listing(call: Call[QuarantineQuery, Nothing]) -> QuarantinePage:
    """The records that could not be stored, the newest first."""
    asked = call.query
    found = await quarantine.listing(call.hub.database.reader, before=asked.before, limit=asked.limit)
    holds = call.hub.delivery_actions
    return QuarantinePage(
        items=tuple(_row(one, asked.raw, holds.options(one)) for one in found),
        next=found[-1].id if len(found) == asked.limit else None,
    )


async def one(call: Call[Nothing, Nothing]) -> QuarantineRow:
    """One record that could not be stored, as in the list."""
    record = await _record(call)
    return _row(record, False, call.hub.delivery_actions.options(record))


async def retry(call: Call[Nothing, Nothing]) -> QuarantineRow:
    """Ask the source for the record once more. It lands, or comes back with what is wrong with it now."""
    record = await _record(call)
    await call.hub.delivery_actions.read_again(record, call.who)
    return _row(record, False, call.hub.delivery_actions.options(record))


async def discard(call: Call[Nothing, DiscardRequest]) -> QuarantineRow:
    """Dismiss the record until its source sends a different version."""
    record = await _record(call)
    await call.hub.delivery_actions.give_up(record, call.body.reason, call.who)
    return _row(record, False, ())


async def _record(call: Call[Nothing, Nothing] | Call[Nothing, DiscardRequest]) -> Quarantined:
    number = call.number("record")
    record = await quarantine.get(call.hub.database.reader, number)
    if record is None:
        raise Refusal(404, "not-found", Reason("none.record", record=number))
    return record


def _row(record: Quarantined, raw: bool, actions: tuple[PermittedAction, ...]) -> QuarantineRow:
    return QuarantineRow(
        id=record.id,
        account=record.account,
        feed=record.feed,
        kind=record.kind,
        external_id=record.external_id,
        reason=record.reason,
        **beside("reason", record.reason),
        first_at=record.first_at,
        last_at=record.last_at,
        tries=record.tries,
        advice=_ADVICE,
        facts=masked(record.raw),
        actions=actions,
        raw=record.raw.decode(errors="replace") if raw else None,
    )


ROUTES = (
    route("GET", "/api/v1/quarantine", listing),
    route("GET", "/api/v1/quarantine/{record}", one),
    route("POST", "/api/v1/quarantine/{record}/retry", retry, statuses=(200,), refusals=(409,)),
    route("POST", "/api/v1/quarantine/{record}/discard", discard),
)
