"""Changes of many offers at once that the brake has stopped, and what a person decides about them."""

from __future__ import annotations

from olhubd.control.api.lookup import known_account
from olhubd.control.api.schema.base import Nothing
from olhubd.control.api.schema.stock_plans import (
    ApprovePlanRequest,
    RejectPlanRequest,
    StockPlanPage,
    StockPlanRow,
    StockPlansQuery,
)
from olhubd.control.http.problem import Refusal
from olhubd.control.http.routes import Call, route
from olhubd.model import Reason
from olhubd.store import Reader, stock_plans
from olhubd.store.stock_plans import BrakedPlan, PlanTally

__all__ = ["ROUTES"]


async def listing(call: Call[StockPlansQuery, Nothing]) -> StockPlanPage:
    """The plans, the newest first."""
    asked, hub = call.query, call.hub
    await known_account(hub, "account", asked.account)

    async def work(reader: Reader) -> StockPlanPage:
        found = await stock_plans.listing(
            reader, account=asked.account, open_=asked.open, before=asked.before, limit=asked.limit
        )
        rows = [await _row(reader, plan) for plan in found]
        return StockPlanPage(items=tuple(rows), next=found[-1].id if len(found) == asked.limit else None)

    return await hub.database.reader.together(work)


async def one(call: Call[Nothing, Nothing]) -> StockPlanRow:
    """One plan, as in the list."""
    number = call.number("plan")

    async def work(reader: Reader) -> StockPlanRow | None:
        plan = await stock_plans.read(reader, number)
        return await _row(reader, plan) if plan is not None else None

    found = await call.hub.database.reader.together(work)
    if found is None:
        raise Refusal(404, "not-found", Reason("none.stock-plan", plan=number))
    return found


async def approve(call: Call[Nothing, ApprovePlanRequest]) -> StockPlanRow:
    """Let a plan go: its offers show what the stock master's numbers make of them now."""
    await one(_asked(call))
    seen = PlanTally(offers=call.body.offers, zeros=call.body.zeros, raises=call.body.raises)
    await call.hub.stock_plan_actions.approve(call.number("plan"), call.who, seen)
    return await one(_asked(call))


async def reject(call: Call[Nothing, RejectPlanRequest]) -> StockPlanRow:
    """Leave the offers of a plan as they are until the stock master says other numbers of them."""
    await one(_asked(call))
    await call.hub.stock_plan_actions.reject(call.number("plan"), call.who, call.body.reason)
    return await one(_asked(call))


def _asked(call: Call[Nothing, ApprovePlanRequest] | Call[Nothing, RejectPlanRequest]) -> Call[Nothing, Nothing]:
    return Call(
        context=call.context, query=Nothing(), body=Nothing(), path=call.path, who=call.who, headers=call.headers
    )


async def _row(reader: Reader, plan: BrakedPlan) -> StockPlanRow:
    if plan.ended_at is not None:
        return StockPlanRow.of(plan, plan.tally or PlanTally(), plan.examples)
    some = await stock_plans.examples(reader, plan.id)
    return StockPlanRow.of(plan, await stock_plans.tally(reader, plan.id), tuple(some))


_PLAN = "/api/v1/stock-plans/{plan}"

ROUTES = (
    route("GET", "/api/v1/stock-plans", listing),
    route("GET", _PLAN, one),
    route("POST", f"{_PLAN}/approve", approve, refusals=(404, 409)),
    route("POST", f"{_PLAN}/reject", reject, refusals=(404, 409)),
)
