"""What can be done from outside to what the simulated shop sells: verbs about its feeds of stock and products."""

# ruff: noqa: A002 - the verbs are called by name from outside, and there a thing's id is just `id`.

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from olhubd.model import Kind, ListPrice
from olhubd_kit.simulator import Listed, Verb
from olhubd_kit.simulators.woocommerce.catalogue import ProductCatalogue

__all__ = ["ProductShelf"]

_STOCK = "stock"
_PRODUCTS = "products"


class ProductShelf:
    """The products of one shop as its feeds of stock and of products read them."""

    def __init__(self, catalogue: ProductCatalogue, now: Callable[[], datetime]) -> None:
        self._catalogue = catalogue
        self._now = now

    def listed(self) -> Mapping[str, Sequence[Listed]]:
        """Every product and variation: what is counted of it, and its price."""
        rows = self._catalogue.products
        return {
            _STOCK: [Listed(kind=Kind.STOCK, external_id=str(number)) for number in rows],
            _PRODUCTS: [
                Listed(kind=Kind.PRICE, external_id=ListPrice.key(str(number)))
                for number, row in rows.items()
                if row["type"] != "variable"
            ],
        }

    def verbs(self) -> Mapping[str, Verb]:
        return {"put": self.put, "take": self.take, "change": self.change, "spoil": self.spoil}

    def put(self, feed: str, count: int = 1) -> None:
        """`count` products more, each with five pieces and a price."""
        _known(feed)
        for _ in range(count):
            number = len(self._catalogue.products)
            fields = {"manage_stock": True, "stock_quantity": 5, "regular_price": "10.00"}
            while self._catalogue.by_sku(sku := f"NEW-{number}"):
                number += 1
            self._catalogue.put(sku, self._at, **fields)

    def take(self, feed: str, kind: str, id: str) -> None:
        """The product is deleted."""
        self._row(feed, id)
        self._catalogue.products.pop(_number(id))

    def change(self, feed: str, kind: str, id: str) -> None:
        """One piece more is on the shelf, or a piece costs one more."""
        row = self._row(feed, id)
        if feed == _PRODUCTS:
            row |= {"regular_price": f"{Decimal(row['regular_price'] or 0) + 1}", "date_modified_gmt": self._at}
            return
        quantity = (row["stock_quantity"] or 0) + 1
        row |= {"manage_stock": True, "stock_quantity": quantity, "date_modified_gmt": self._at}

    def spoil(self, feed: str, kind: str, id: str) -> None:
        """A plugin answers the number of pieces, or the price, as a list."""
        field = "regular_price" if feed == _PRODUCTS else "stock_quantity"
        self._row(feed, id).update({field: [], "date_modified_gmt": self._at})

    @property
    def _at(self) -> str:
        return self._now().replace(tzinfo=None, microsecond=0).isoformat()

    def _row(self, feed: str, id: str) -> dict[str, Any]:
        _known(feed)
        row = self._catalogue.products.get(_number(id))
        if row is None:
            raise ValueError(f"the shop has no product {id}")
        return row


def _known(feed: str) -> None:
    if feed not in (_STOCK, _PRODUCTS):
        raise ValueError(f"there is no feed {feed!r}, only {_STOCK!r} and {_PRODUCTS!r}")


def _number(id: str) -> int:
    """The product of a record: that of a price has the list after its number."""
    number = id.partition("/")[0]
    return int(number) if number.isdecimal() else 0
