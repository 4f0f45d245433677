"""What is in stock: how many pieces of each item may be sold, why, and what its offers show."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from olhubd.control.api import sales_stops, stock
from olhubd.control.api.schema.sales_stops import LiftRequest, SalesStopPage, StopRequest
from olhubd.control.api.schema.stock import StockQuery
from olhubd.control.dashboard.page import PageRequest, button, older, page
from olhubd.control.dashboard.state import Notice

__all__ = ["ROUTES"]


async def listing(visit: PageRequest) -> dict[str, Any]:
    asked = {name: value.strip() for name, value in visit.query.items()}
    stops = await visit.ask(sales_stops.listing)
    channels = {name for rule in visit.hub.in_force.stock() for name in rule.channels}
    found = await visit.ask(stock.listing, visit.checked(StockQuery, **asked))
    return {
        "rows": found.items,
        "asked": asked,
        "stops": stops.items,
        "stoppable": sorted(channels - {one.account for one in stops.items}),
        "masters": sorted({rule.master for rule in visit.hub.in_force.stock()}),
        "older": older("/stock", asked, found.next),
        "newest": urlencode({name: value for name, value in asked.items() if name != "before"}),
    }


async def stop(visit: PageRequest) -> tuple[str, Notice | None]:
    given: dict[str, Any] = visit.filled("account", "all", "reason")
    done = await visit.ask(sales_stops.stop, body=visit.checked(StopRequest, **given))
    note = "note.stopped" if all(one.unreached is None for one in done.items) else "note.stopped-unreached"
    return visit.form.get("back", "/stock"), Notice(note, {"accounts": _names(done)})


async def lift(visit: PageRequest) -> tuple[str, Notice | None]:
    given: dict[str, Any] = visit.filled("account", "all")
    done = await visit.ask(sales_stops.lift, body=visit.checked(LiftRequest, **given))
    return visit.form.get("back", "/stock"), Notice("note.lifted", {"accounts": _names(done)})


def _names(done: SalesStopPage) -> str:
    return ", ".join(one.account for one in done.items)


ROUTES = (
    page("/stock", "stock.html", listing),
    button("/sales-stops", stop, limit=60.0),
    button("/sales-stops/lift", lift, limit=60.0),
)
