"""The import log: every execution of every feed with its counts and errors."""

from __future__ import annotations

from typing import Any

from olhubd.control.api import runs
from olhubd.control.api.schema.runs import RunsQuery
from olhubd.control.dashboard.page import PageRequest, older, page

__all__ = ["ROUTES"]


async def listing(visit: PageRequest) -> dict[str, Any]:
    asked = visit.query
    found = await visit.ask(runs.listing, visit.checked(RunsQuery, **asked))
    return {
        "rows": found.items,
        "asked": asked,
        "accounts": sorted(visit.hub.configuration.accounts),
        "older": older("/runs", asked, found.next),
    }


ROUTES = (page("/runs", "runs.html", listing),)
