"""What may be sold of a stock item, with the cause of each term and what its offers show."""

from __future__ import annotations

from olhubd.control.api.schema.base import Nothing
from olhubd.control.api.schema.stock import StockItemPage, StockItemRow
from olhubd.control.http.problem import Refusal
from olhubd.control.http.routes import Call, route
from olhubd.engine.levels.explaining import explain
from olhubd.model import Reason

__all__ = ["ROUTES"]


async def explained(call: Call[Nothing, Nothing]) -> StockItemPage:
    """The items that bear this mark of the seller, or have this number at their stock master."""
    name = call.path["item"]
    found = await explain(call.hub.database.reader, name, call.hub.in_force.stock())
    if not found:
        raise Refusal(404, "not-found", Reason("none.stock-item", item=name))
    return StockItemPage(items=tuple(map(StockItemRow.of, found)))


ROUTES = (route("GET", "/api/v1/stock/{item}", explained, refusals=(404,)),)
