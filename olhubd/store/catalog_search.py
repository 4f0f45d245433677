"""The lists of offers, links, stock items, products and prices by what a person looks for, as the home does it.

Which index is to be walked is named to each database in its own dialect.
"""

from __future__ import annotations

from olhubd.store.sqlite.catalog_search import (
    CatalogPage,
    LinkSearch,
    OfferSearch,
    PriceSearch,
    ProductSearch,
    StockSearch,
    find_links,
    find_offers,
    find_prices,
    find_products,
    find_stock,
)

__all__ = [
    "CatalogPage",
    "LinkSearch",
    "OfferSearch",
    "PriceSearch",
    "ProductSearch",
    "StockSearch",
    "find_links",
    "find_offers",
    "find_prices",
    "find_products",
    "find_stock",
]
