"""What may be sold of stock items, with the cause of each term and what their offers show."""

from __future__ import annotations

from olhubd.control.api.lookup import known_account
from olhubd.control.api.offers import article_number
from olhubd.control.api.schema.base import Nothing
from olhubd.control.api.schema.stock import StockItemPage, StockItemRow, StockQuery
from olhubd.control.http.problem import Refusal
from olhubd.control.http.routes import Call, route
from olhubd.engine.levels.explaining import explain, explain_items
from olhubd.model import Reason
from olhubd.store import Reader, catalog_search, stock_items
from olhubd.store.catalog_search import StockSearch

__all__ = ["ROUTES"]


async def listing(call: Call[StockQuery, Nothing]) -> StockItemPage:
    """The stock items that fit all filters, the newest first, each as it is explained."""
    asked, hub = call.query, call.hub
    await known_account(hub, "account", asked.account)
    wanted = StockSearch(
        account=asked.account,
        unlinked=asked.unlinked,
        sold_out=asked.sold_out,
        uneven=asked.uneven,
        text=asked.text,
        sku=asked.sku,
        gtin=article_number(asked.ean),
    )
    rules = hub.in_force.stock()

    async def work(reader: Reader) -> StockItemPage:
        page = await catalog_search.find_stock(reader, wanted, before=asked.before, limit=asked.limit)
        found = await stock_items.read(reader, page.ids)
        rows = await explain_items(reader, [found[id_] for id_ in page.ids if id_ in found], rules)
        return StockItemPage(items=tuple(map(StockItemRow.of, rows)), next=page.next)

    return await hub.database.read(work)


async def explained(call: Call[Nothing, Nothing]) -> StockItemPage:
    """The items that bear this mark of the seller, or have this number at their stock master."""
    name = call.path["item"]
    found = await explain(call.hub.database.reader, name, call.hub.in_force.stock())
    if not found:
        raise Refusal(404, "not-found", Reason("none.stock-item", item=name))
    return StockItemPage(items=tuple(map(StockItemRow.of, found)))


ROUTES = (
    route("GET", "/api/v1/stock", listing),
    route("GET", "/api/v1/stock/{item}", explained, refusals=(404,)),
)
