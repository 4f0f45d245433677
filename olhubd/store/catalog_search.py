"""The lists of offers, links and stock items by what a person looks for, as the home does it.

Which index is to be walked is named to each database in its own dialect.
"""

from __future__ import annotations

from olhubd.store.sqlite.catalog_search import (
    CatalogPage,
    LinkSearch,
    OfferSearch,
    StockSearch,
    find_links,
    find_offers,
    find_stock,
)

__all__ = [
    "CatalogPage",
    "LinkSearch",
    "OfferSearch",
    "StockSearch",
    "find_links",
    "find_offers",
    "find_stock",
]
