"""What deliveries wait for, grouped by their cause, and one decision about all of a cause."""

from __future__ import annotations

from collections.abc import Sequence

from olhubd.control.api.deliveries import delivery_rows
from olhubd.control.api.lookup import known_account
from olhubd.control.api.schema.base import Nothing
from olhubd.control.api.schema.deliveries import DeliveryRow
from olhubd.control.api.schema.hold_causes import (
    CauseDecisionRow,
    DecideCauseRequest,
    DiscardCauseRequest,
    HoldCauseList,
    HoldCauseRow,
    HoldCausesQuery,
    UndecidedRow,
)
from olhubd.control.http.problem import Refusal
from olhubd.control.http.routes import Call, route
from olhubd.decide.permitted import OperatorAction
from olhubd.engine.operator.deliveries import WAIVABLE
from olhubd.engine.operator.hold_causes import CauseOutcome, HoldCause, causes
from olhubd.model import DeliveryId, Reason, beside
from olhubd.store import deliveries

__all__ = ["ROUTES"]

_FOR_ALL = (OperatorAction.RETRY, OperatorAction.RELEASE, OperatorAction.DISCARD)
"""What needs no look at the single order. To accept is to say of each that what is there is right."""


async def listing(call: Call[HoldCausesQuery, Nothing]) -> HoldCauseList:
    """The causes for which deliveries wait, that of most of them first."""
    await known_account(call.hub, "target", call.query.target)
    reader = call.hub.database.reader
    found = await reader.together(lambda held: causes(held, call.query.target))
    shown = found[: call.query.limit]
    rows = {row.id: row for row in await delivery_rows(call.hub, await deliveries.many(reader, _latest(shown)))}
    return HoldCauseList(
        items=tuple(_row(one, rows[one.latest]) for one in shown),
        causes=len(found),
        deliveries=sum(one.count for one in found),
    )


def _latest(found: Sequence[HoldCause]) -> list[DeliveryId]:
    return [one.latest for one in found]


def _row(one: HoldCause, example: DeliveryRow) -> HoldCauseRow:
    can = {choice.name for choice in example.actions if choice.possible}
    if example.held is None or example.held.kind not in WAIVABLE:
        can.discard(OperatorAction.RELEASE)
    return HoldCauseRow(
        cause=one.name,
        target=one.target,
        action=one.action,
        count=one.count,
        first_at=one.first,
        last_at=one.last,
        decisions=tuple(name for name in _FOR_ALL if name in can),
        example=example,
    )


async def retry(call: Call[Nothing, DecideCauseRequest]) -> CauseDecisionRow:
    """Try all deliveries of a cause again; those whose outcome is not known are looked up first."""
    asked = call.body
    return _answer(call, await call.hub.hold_causes.retry(_name(call), *_span(asked), call.who))


async def release(call: Call[Nothing, DecideCauseRequest]) -> CauseDecisionRow:
    """Let all deliveries of a cause go although a rule of their route holds them."""
    asked = call.body
    return _answer(call, await call.hub.hold_causes.release(_name(call), *_span(asked), call.who))


async def discard(call: Call[Nothing, DiscardCauseRequest]) -> CauseDecisionRow:
    """Give all deliveries of a cause up for good."""
    asked, name = call.body, _name(call)
    return _answer(call, await call.hub.hold_causes.discard(name, *_span(asked), call.who, asked.reason))


_Decided = Call[Nothing, DecideCauseRequest] | Call[Nothing, DiscardCauseRequest]


def _span(asked: DecideCauseRequest) -> tuple[DeliveryId, DeliveryId]:
    return DeliveryId(asked.after), DeliveryId(asked.until)


def _name(call: _Decided) -> str:
    return call.path["cause"]


def _answer(call: _Decided, outcome: CauseOutcome) -> CauseDecisionRow:
    if not (outcome.done or outcome.refused or call.body.after):
        raise Refusal(404, "not-found", Reason("none.hold-cause", cause=f"{_name(call)!r}"))
    return CauseDecisionRow(
        done=outcome.done,
        refused=tuple(UndecidedRow(id=one.id, why=one.why, **beside("why", one.why)) for one in outcome.refused),
        left=outcome.left,
        through=outcome.through,
    )


_CAUSE = "/api/v1/hold-causes/{cause}"
_LIMIT = 60.0

ROUTES = (
    route("GET", "/api/v1/hold-causes", listing),
    route("POST", f"{_CAUSE}/retry", retry, limit=_LIMIT, refusals=(404,)),
    route("POST", f"{_CAUSE}/release", release, limit=_LIMIT, refusals=(404,)),
    route("POST", f"{_CAUSE}/discard", discard, limit=_LIMIT, refusals=(404,)),
)
