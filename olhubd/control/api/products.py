"""The products of the stock masters' catalogues: the list, and one of them."""

from __future__ import annotations

from collections.abc import Sequence

from olhubd.control.api.list_prices import price_rows
from olhubd.control.api.lookup import hub_number, known_account
from olhubd.control.api.offers import article_number, offer_rows
from olhubd.control.api.schema.base import Nothing
from olhubd.control.api.schema.products import ProductCard, ProductPage, ProductPart, ProductRow, ProductsQuery
from olhubd.control.api.schema.stock import StockItemRow
from olhubd.control.http.problem import Refusal
from olhubd.control.http.routes import Call, route
from olhubd.engine.levels.explaining import explain_items
from olhubd.model import Reason
from olhubd.store import Reader, catalog_search, list_prices, products, stock_items
from olhubd.store.catalog_search import ProductSearch
from olhubd.store.products import StoredProduct

__all__ = ["ROUTES"]


async def listing(call: Call[ProductsQuery, Nothing]) -> ProductPage:
    """The products that fit all filters, the newest first."""
    asked, hub = call.query, call.hub
    await known_account(hub, "account", asked.account)
    wanted = ProductSearch(
        account=asked.account,
        kind=asked.kind,
        state=asked.state,
        gone=asked.gone,
        shared=asked.shared,
        text=asked.text,
        sku=asked.sku,
        gtin=article_number(asked.ean),
    )

    async def work(reader: Reader) -> ProductPage:
        page = await catalog_search.find_products(reader, wanted, before=asked.before, limit=asked.limit)
        found = await products.read(reader, page.ids)
        rows = tuple(ProductRow.of(found[id_]) for id_ in page.ids if id_ in found)
        return ProductPage(items=rows, next=page.next)

    return await hub.database.read(work)


async def card(call: Call[Nothing, Nothing]) -> ProductCard:
    """One product: by its reference (account:number), by its number, SKU or EAN where one alone has it, or by the
    hub's."""
    hub = call.hub
    now, rules = hub.clock.now(), hub.in_force.stock()

    async def work(reader: Reader) -> ProductCard:
        one = await _one(reader, call.path["product"])
        account, record = one.account, one.record
        parents = await products.by_external(reader, account, [record.parent_id] if record.parent_id else [])
        parts = await products.by_external(reader, account, [part.item for part in record.parts])
        prices = await list_prices.of_items(reader, account, [record.external_id])
        counted = await stock_items.by_external(reader, account, [record.external_id])
        explained = await explain_items(reader, list(counted.values()), rules)
        sold = sorted({offer.listed.id for item in explained for offer in item.offers})
        return ProductCard.of(
            one,
            parent=parents.get(record.parent_id or ""),
            variants=await products.variants(reader, account, record.external_id),
            parts=[ProductPart.of(part, parts.get(part.item)) for part in record.parts],
            prices=await price_rows(reader, sorted(prices, key=lambda price: price.record.price_list), now),
            stock=StockItemRow.of(explained[0]) if explained else None,
            offers=await offer_rows(reader, sold, rules),
        )

    return await hub.database.read(work)


async def _one(reader: Reader, text: str) -> StoredProduct:
    """The product that is meant. Raises Refusal."""
    found: Sequence[StoredProduct] = ()
    account, _, number = text.partition(":")
    if (own := hub_number(text)) is not None:
        found = list((await products.read(reader, [own])).values())
    elif number:
        found = list((await products.by_external(reader, account, [number])).values())
    if not found:
        found = await products.find(reader, text)
    if not found:
        raise Refusal(404, "not-found", Reason("none.product", product=text))
    if len(found) > 1:
        names = ", ".join(f"{one.account}:{one.external_id}" for one in found)
        raise Refusal(409, "ambiguous", Reason("request.which-product", product=text, names=names))
    return found[0]


ROUTES = (
    route("GET", "/api/v1/products", listing),
    route("GET", "/api/v1/products/{product}", card, refusals=(404, 409)),
)
