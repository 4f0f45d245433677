"""Alarms, and the daily comparison of each account's orders with its source."""

from __future__ import annotations

from olhubd.control.api.lookup import known_account, unit
from olhubd.control.api.schema.alarms import (
    AlarmPage,
    AlarmRow,
    AlarmsQuery,
    ReconcileRequest,
    ReconciliationPage,
    ReconciliationRow,
    ReconciliationsQuery,
)
from olhubd.control.api.schema.base import Nothing
from olhubd.control.http.problem import Refusal
from olhubd.control.http.routes import Call, route
from olhubd.model import Reason
from olhubd.plugin import PluginError
from olhubd.store import alarms, reconciliations

__all__ = ["ROUTES"]


async def listing(call: Call[AlarmsQuery, Nothing]) -> AlarmPage:
    """What is wrong now, or with `past` what was; the newest first.

    One that is wrong although the database cannot be written is listed too.
    """
    asked = call.query
    if asked.past:
        found = await alarms.listing(
            call.hub.database.reader, past=True, kind=asked.kind, before=asked.before, limit=asked.limit
        )
    else:
        open_ = sorted(call.hub.alarms.open.values(), key=lambda alarm: -alarm.id)
        fitting = [
            alarm
            for alarm in open_
            if asked.kind in (None, alarm.kind) and (asked.before is None or alarm.id < asked.before)
        ]
        found = fitting[: asked.limit]
    rows = tuple(AlarmRow.of(alarm) for alarm in found)
    return AlarmPage(items=rows, next=found[-1].id if len(found) == asked.limit else None)


async def compared(call: Call[ReconciliationsQuery, Nothing]) -> ReconciliationPage:
    """Each account's days as the source and the hub count them; the newest first."""
    asked = call.query
    await known_account(call.hub, "account", asked.account)
    found = await reconciliations.listing(
        call.hub.database.reader,
        account=asked.account,
        differing=asked.different,
        before=asked.before,
        limit=asked.limit,
    )
    rows = tuple(ReconciliationRow.of(one) for one in found)
    return ReconciliationPage(items=rows, next=found[-1].id if len(found) == asked.limit else None)


async def reconcile(call: Call[Nothing, ReconcileRequest]) -> ReconciliationRow:
    """Compare one day of an account with its source now: the last whole one, or the one that is named."""
    at_work = unit(call.hub, call.path["account"])
    try:
        found = await call.hub.reconciler.reconcile(at_work.name, call.body.day, call.who)
    except PluginError as error:
        raise Refusal(502, "remote", Reason("reconcile.cannot", account=at_work.name, error=error)) from error
    return ReconciliationRow.of(found)


ROUTES = (
    route("GET", "/api/v1/alarms", listing),
    route("GET", "/api/v1/reconciliations", compared),
    route("POST", "/api/v1/accounts/{account}/reconcile", reconcile, limit=90.0, refusals=(404, 409, 502)),
)
