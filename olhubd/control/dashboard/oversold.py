"""Orders for which nothing was left: why, with what was known, and the button of who has dealt with one."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from olhubd.control.api import oversold
from olhubd.control.api.schema.oversold import CloseOversoldRequest, OversoldQuery
from olhubd.control.dashboard.page import PageRequest, button, older, page
from olhubd.control.dashboard.state import Notice
from olhubd.decide.stock.oversold import OversoldCause

__all__ = ["ROUTES"]


async def listing(visit: PageRequest) -> dict[str, Any]:
    asked = {name: value.strip() for name, value in visit.query.items() if value.strip()}
    found = await visit.ask(oversold.listing, visit.checked(OversoldQuery, **{"limit": 20, **asked}))
    return {
        "rows": found.items,
        "asked": asked,
        "causes": [cause.value for cause in OversoldCause],
        "channels": sorted({name for rule in visit.hub.in_force.stock() for name in rule.channels}),
        "older": older("/stock/oversold", asked, found.next),
        "newest": urlencode({name: value for name, value in asked.items() if name != "before"}),
    }


async def close(visit: PageRequest) -> tuple[str, Notice | None]:
    given: dict[str, Any] = visit.filled("reason")
    done = await visit.ask(oversold.close, body=visit.checked(CloseOversoldRequest, **given))
    return visit.form.get("back", "/stock/oversold"), Notice("note.oversold-closed", {"order": done.order})


ROUTES = (
    page("/stock/oversold", "oversold.html", listing),
    button("/oversold/{record}/close", close),
)
