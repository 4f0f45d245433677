"""What is in stock: how many pieces of each item may be sold, why, and what its offers show."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from olhubd.control.api import stock
from olhubd.control.api.schema.stock import StockQuery
from olhubd.control.dashboard.page import PageRequest, older, page

__all__ = ["ROUTES"]


async def listing(visit: PageRequest) -> dict[str, Any]:
    asked = {name: value.strip() for name, value in visit.query.items()}
    found = await visit.ask(stock.listing, visit.checked(StockQuery, **asked))
    return {
        "rows": found.items,
        "asked": asked,
        "masters": sorted({rule.master for rule in visit.hub.in_force.stock()}),
        "older": older("/stock", asked, found.next),
        "newest": urlencode({name: value for name, value in asked.items() if name != "before"}),
    }


ROUTES = (page("/stock", "stock.html", listing),)
