"""The price lists of the stock masters, and the prices in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from olhubd.control.api.lookup import known_account
from olhubd.control.api.schema.base import Nothing
from olhubd.control.api.schema.list_prices import (
    ListPricePage,
    ListPriceRow,
    ListPricesQuery,
    PriceListPage,
    PriceListRow,
    PriceListsQuery,
)
from olhubd.control.http.routes import Call, route
from olhubd.store import Reader, catalog_search, list_prices, products, stock_items
from olhubd.store.catalog_search import PriceSearch
from olhubd.store.list_prices import PriceCount, StoredPrice

__all__ = ["ROUTES", "price_rows"]


async def lists(call: Call[PriceListsQuery, Nothing]) -> PriceListPage:
    """The price lists that were read, by stock master and name, with the accounts whose offers go by them."""
    asked, hub = call.query, call.hub
    await known_account(hub, "account", asked.account)
    counts: dict[tuple[str, str], list[PriceCount]] = {}
    of = None if asked.account is None else [asked.account]
    for one in await list_prices.lists(hub.database.reader, of):
        counts.setdefault((one.account, one.name), []).append(one)
    channels = {
        (rule.master, rule.price_list): sorted(rule.channels) for rule in hub.in_force.prices() if rule.channels
    }
    rows = [PriceListRow.of(some, channels.get(key, ())) for key, some in counts.items()]
    return PriceListPage(items=tuple(rows))


async def listing(call: Call[ListPricesQuery, Nothing]) -> ListPricePage:
    """The prices of the lists that fit all filters, those of the newest products first."""
    asked, hub = call.query, call.hub
    await known_account(hub, "account", asked.account)
    wanted = PriceSearch(
        account=asked.account,
        price_list=asked.price_list,
        currency=asked.currency,
        item=asked.item,
        sku=asked.sku,
    )
    now = hub.clock.now()

    async def work(reader: Reader) -> ListPricePage:
        page = await catalog_search.find_prices(reader, wanted, before=asked.before, limit=asked.limit)
        found = await list_prices.read(reader, page.ids)
        rows = await price_rows(reader, [found[id_] for id_ in page.ids if id_ in found], now)
        return ListPricePage(items=rows, next=page.next)

    return await hub.database.read(work)


async def price_rows(reader: Reader, found: Sequence[StoredPrice], now: datetime) -> tuple[ListPriceRow, ...]:
    """These prices, in their order, with what their products are called."""
    named: dict[tuple[str, str], tuple[str, str | None]] = {}
    for account in sorted({one.account for one in found}):
        items = list({one.record.item: None for one in found if one.account == account})
        named |= await _named(reader, account, items)
    rows = []
    for one in found:
        name, sku = named.get((one.account, one.record.item), (None, None))
        rows.append(ListPriceRow.of(one, name, sku, now))
    return tuple(rows)


async def _named(
    reader: Reader, account: str, items: Sequence[str]
) -> Mapping[tuple[str, str], tuple[str, str | None]]:
    """What products are called, or else the stock items of their numbers."""
    counted = await stock_items.by_external(reader, account, items)
    listed = await products.by_external(reader, account, items)
    return {
        **{(account, number): (one.level.name, one.level.sku) for number, one in counted.items()},
        **{(account, number): (one.record.name, one.record.sku) for number, one in listed.items()},
    }


ROUTES = (
    route("GET", "/api/v1/price-lists", lists),
    route("GET", "/api/v1/list-prices", listing),
)
