"""Changes of many offers at once: what was stopped and why, with examples, and the two buttons of a person."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from olhubd.control.api import stock_plans
from olhubd.control.api.schema.stock_plans import ApprovePlanRequest, RejectPlanRequest, StockPlansQuery
from olhubd.control.dashboard.page import PageRequest, button, older, page
from olhubd.control.dashboard.state import Notice

__all__ = ["ROUTES"]


async def listing(visit: PageRequest) -> dict[str, Any]:
    asked = {name: value.strip() for name, value in visit.query.items()}
    found = await visit.ask(stock_plans.listing, visit.checked(StockPlansQuery, **{"limit": 20, **asked}))
    return {
        "rows": found.items,
        "asked": asked,
        "older": older("/stock/plans", asked, found.next),
        "newest": urlencode({name: value for name, value in asked.items() if name != "before"}),
    }


async def approve(visit: PageRequest) -> tuple[str, Notice | None]:
    """The page says what it showed: what has come to the plan since is nobody's approval."""
    given: dict[str, Any] = visit.filled("offers", "zeros", "raises")
    done = await visit.ask(stock_plans.approve, body=visit.checked(ApprovePlanRequest, **given))
    return visit.form.get("back", "/stock/plans"), Notice("note.plan-approved", {"plan": done.id})


async def reject(visit: PageRequest) -> tuple[str, Notice | None]:
    given: dict[str, Any] = visit.filled("reason")
    done = await visit.ask(stock_plans.reject, body=visit.checked(RejectPlanRequest, **given))
    return visit.form.get("back", "/stock/plans"), Notice("note.plan-rejected", {"plan": done.id})


ROUTES = (
    page("/stock/plans", "stock_plans.html", listing),
    button("/stock-plans/{plan}/approve", approve),
    button("/stock-plans/{plan}/reject", reject),
)
