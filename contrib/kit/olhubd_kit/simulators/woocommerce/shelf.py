"""What can be done from outside to what the simulated shop counts: the verbs about its feed of stock."""

# ruff: noqa: A002 - the verbs are called by name from outside, and there a thing's id is just `id`.

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from olhubd.model import Kind
from olhubd_kit.simulator import Listed, Verb
from olhubd_kit.simulators.woocommerce.catalogue import ProductCatalogue

__all__ = ["FEED", "ProductShelf"]

FEED = "stock"


class ProductShelf:
    """The products of one shop as its feed of stock reads them."""

    def __init__(self, catalogue: ProductCatalogue, now: Callable[[], datetime]) -> None:
        self._catalogue = catalogue
        self._now = now

    def listed(self) -> Sequence[Listed]:
        """Every product and variation."""
        return [Listed(kind=Kind.STOCK, external_id=str(number)) for number in self._catalogue.products]

    def verbs(self) -> Mapping[str, Verb]:
        return {"put": self.put, "take": self.take, "change": self.change, "spoil": self.spoil}

    def put(self, feed: str, count: int = 1) -> None:
        """`count` products more, each with five pieces."""
        _known(feed)
        for _ in range(count):
            number = len(self._catalogue.products)
            fields = {"manage_stock": True, "stock_quantity": 5}
            while self._catalogue.by_sku(sku := f"NEW-{number}"):
                number += 1
            self._catalogue.put(sku, self._at, **fields)

    def take(self, feed: str, kind: str, id: str) -> None:
        """The product is deleted."""
        self._row(feed, id)
        self._catalogue.products.pop(int(id))

    def change(self, feed: str, kind: str, id: str) -> None:
        """One piece more is on the shelf."""
        row = self._row(feed, id)
        quantity = (row["stock_quantity"] or 0) + 1
        row |= {"manage_stock": True, "stock_quantity": quantity, "date_modified_gmt": self._at}

    def spoil(self, feed: str, kind: str, id: str) -> None:
        """A plugin answers the number of pieces as a list."""
        row = self._row(feed, id)
        row |= {"stock_quantity": [], "date_modified_gmt": self._at}

    @property
    def _at(self) -> str:
        return self._now().replace(tzinfo=None, microsecond=0).isoformat()

    def _row(self, feed: str, id: str) -> dict[str, Any]:
        _known(feed)
        row = self._catalogue.products.get(int(id)) if id.isdecimal() else None
        if row is None:
            raise ValueError(f"the shop has no product {id}")
        return row


def _known(feed: str) -> None:
    if feed != FEED:
        raise ValueError(f"there is no feed {feed!r}, only {FEED!r}")
