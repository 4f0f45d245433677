"""The catalogue: products, price lists, and the imports that bring both; one is begun by a button there."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from olhubd.control.api import imports, list_prices, products
from olhubd.control.api.schema.imports import ImportsQuery
from olhubd.control.api.schema.list_prices import ListPricesQuery, PriceListsQuery
from olhubd.control.api.schema.products import ProductsQuery
from olhubd.control.dashboard.page import PageRequest, older, page
from olhubd.model import ProductKind, ProductState

__all__ = ["ROUTES"]

_MORE = frozenset({"sku", "ean", "state", "shared"})
"""Filters that are folded away until one is used."""


async def listing(visit: PageRequest) -> dict[str, Any]:
    asked = _asked(visit)
    found = await visit.ask(products.listing, visit.checked(ProductsQuery, **asked))
    return {
        "rows": found.items,
        "asked": asked,
        "accounts": _masters(visit),
        "kinds": tuple(ProductKind),
        "states": tuple(ProductState),
        "more": not _MORE.isdisjoint(asked),
        **_pages("/products", asked, found.next),
    }


async def card(visit: PageRequest) -> dict[str, Any]:
    return {"card": await visit.ask(products.card)}


async def prices(visit: PageRequest) -> dict[str, Any]:
    asked = _asked(visit)
    found = await visit.ask(list_prices.listing, visit.checked(ListPricesQuery, **asked))
    lists = (await visit.ask(list_prices.lists, PriceListsQuery())).items
    return {
        "rows": found.items,
        "lists": lists,
        "asked": asked,
        "accounts": _masters(visit),
        "names": sorted({one.name for one in lists}),
        "currencies": sorted({currency for one in lists for currency in one.prices}),
        **_pages("/prices", asked, found.next),
    }


async def history(visit: PageRequest) -> dict[str, Any]:
    asked = _asked(visit)
    found = await visit.ask(imports.listing, visit.checked(ImportsQuery, **asked))
    standing = await visit.ask(imports.accounts)
    return {
        "rows": found.items,
        "standing": standing.items,
        "asked": asked,
        "accounts": _masters(visit),
        **_pages("/imports", asked, found.next),
    }


def _asked(visit: PageRequest) -> dict[str, str]:
    return {name: value.strip() for name, value in visit.query.items()}


def _masters(visit: PageRequest) -> list[str]:
    """The accounts whose products are read."""
    return [name for name, one in sorted(visit.hub.configuration.accounts.items()) if one.products.read]


def _pages(path: str, asked: dict[str, str], before: int | None) -> dict[str, Any]:
    return {
        "older": older(path, asked, before),
        "newest": urlencode({name: value for name, value in asked.items() if name != "before"}),
    }


ROUTES = (
    page("/products", "products.html", listing),
    page("/products/{product}", "product.html", card),
    page("/prices", "prices.html", prices),
    page("/imports", "imports.html", history),
)
