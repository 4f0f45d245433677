"""What can be done from outside to what the simulated shop sells: the verbs about its feeds."""

# ruff: noqa: A002 - the verbs are called by name from outside, and there a thing's id is just `id`.

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from olhubd.model import Kind, ListPrice, Money, ProductKind
from olhubd_kit.simulator import BookedItem, BookedProduct, Listed, Verb
from olhubd_kit.simulators.woocommerce.catalogue import ProductCatalogue
from olhubd_kit.simulators.woocommerce.offers import offer_number, product_number

__all__ = ["ProductShelf"]

_STOCK = "stock"
_PRODUCTS = "products"
_OFFERS = "offers"


class ProductShelf:
    """The products of one shop as its feeds of stock, of products and of offers read them."""

    def __init__(self, catalogue: ProductCatalogue, now: Callable[[], datetime]) -> None:
        self._catalogue = catalogue
        self._now = now

    def listed(self) -> Mapping[str, Sequence[Listed]]:
        """Every product and variation: what is counted of it, and its price."""
        rows = self._catalogue.products
        return {
            _STOCK: [Listed(kind=Kind.STOCK, external_id=str(number)) for number in rows],
            _PRODUCTS: [
                *(Listed(kind=Kind.PRODUCT, external_id=str(number)) for number in rows),
                *(
                    Listed(kind=Kind.PRICE, external_id=ListPrice.key(str(number)))
                    for number, row in rows.items()
                    if row["type"] != "variable"
                ),
            ],
            _OFFERS: [
                Listed(kind=Kind.OFFER, external_id=offer_number(row))
                for row in rows.values()
                if row["type"] != "variable"
            ],
        }

    def verbs(self) -> Mapping[str, Verb]:
        return {
            "put": self.put,
            "take": self.take,
            "change": self.change,
            "spoil": self.spoil,
            "stock_item": self.stock_item,
            "stock_variations": self.stock_variations,
            "set_pieces": self.set_pieces,
            "untrack": self.untrack,
            "lose_count": self.lose_count,
            "withdraw_item": self.withdraw_item,
            "list_product": self.list_product,
            "price_product": self.price_product,
        }

    def stocked(self) -> Sequence[BookedItem]:
        """Every product and variation, as the shop sells it."""
        return [self._booked(row) for row in self._catalogue.products.values()]

    def _booked(self, row: Mapping[str, Any]) -> BookedItem:
        parent = self._catalogue.products.get(row["parent_id"], row)
        counted = row["manage_stock"] is True and row["type"] != "variable"
        number = row["stock_quantity"]
        out = row["manage_stock"] is False and row["type"] != "variable" and row["stock_status"] == "outofstock"
        return BookedItem(
            external_id=str(row["id"]),
            free=number if counted and isinstance(number, int) else None,
            counted=counted,
            on_sale=row["status"] == parent["status"] == "publish" and not out,
            sku=(row["sku"] or None) if parent is row or row["sku"] != parent["sku"] else None,
        )

    def catalogued(self, currency: str, *, gross: bool) -> Sequence[BookedProduct]:
        """Every product and variation with its regular price."""
        return [self._described(row, currency, gross) for row in self._catalogue.products.values()]

    def _described(self, row: Mapping[str, Any], currency: str, gross: bool) -> BookedProduct:
        parent = self._catalogue.products.get(row["parent_id"], row)
        kind = {"variable": ProductKind.PARENT, "variation": ProductKind.VARIANT}.get(
            row["type"], ProductKind.SIMPLE
        )
        price = row["regular_price"]
        return BookedProduct(
            external_id=str(row["id"]),
            price=Money(Decimal(price), currency) if isinstance(price, str) and price else None,
            gross=gross,
            kind=kind,
            parent_id=str(parent["id"]) if parent is not row else None,
            sku=(row["sku"] or None) if parent is row or row["sku"] != parent["sku"] else None,
        )

    def list_product(self, amount: str = "10.00") -> str:
        """A product at this regular price, or at none."""
        fields = {"manage_stock": True, "stock_quantity": 5, "regular_price": amount}
        return str(self._catalogue.put(self._new_sku(), self._at, **fields)["id"])

    def price_product(self, id: str, amount: str) -> None:
        """The seller gives a product another regular price, or takes its price off."""
        self._row(_PRODUCTS, id).update(regular_price=amount, date_modified_gmt=self._at)

    def stock_item(self, pieces: float = 5) -> str:
        """A product that the shop counts, so many pieces of it."""
        fields = {"manage_stock": True, "stock_quantity": pieces, "regular_price": "10.00"}
        return str(self._catalogue.put(self._new_sku(), self._at, **fields)["id"])

    def stock_variations(self, count: int = 2, own: bool = True) -> list[str]:
        """A variable product with `count` variations, five pieces of each; without `own` SKUs they are sent with
        that of their product."""
        sku = self._new_sku()
        parent = self._catalogue.put(sku, self._at, type="variable", manage_stock=False, stock_quantity=None)
        fields = {"type": "variation", "parent_id": parent["id"], "manage_stock": True, "stock_quantity": 5}
        for number in range(count):
            row = self._catalogue.put(f"{sku}-{number}" if own else sku, self._at, **fields)
            parent["variations"].append(row["id"])
        return [str(number) for number in parent["variations"]]

    def set_pieces(self, id: str, pieces: float) -> None:
        """The seller sets how many there are; a plugin lets that be half a piece."""
        self._set(id, stock_quantity=pieces)

    def untrack(self, id: str) -> None:
        """The shop does not count it any more."""
        self._set(id, manage_stock=False, stock_quantity=None)

    def lose_count(self, id: str) -> None:
        """The shop counts it, and nobody has said how many there are."""
        self._set(id, manage_stock=True, stock_quantity=None)

    def withdraw_item(self, id: str, back: bool = False) -> None:
        """A product becomes a draft, or is published again."""
        self._set(id, status="publish" if back else "draft")

    def _set(self, id: str, **fields: Any) -> None:
        row = self._row(_STOCK, id)
        row |= {**fields, "date_modified_gmt": self._at}

    def _new_sku(self) -> str:
        number = len(self._catalogue.products)
        while self._catalogue.by_sku(sku := f"NEW-{number}"):
            number += 1
        return sku

    def put(self, feed: str, count: int = 1) -> None:
        """`count` things more: products, each with five pieces and a price. In the feed of products one of these is
        two things, itself and its price; the last of an odd number has variations to come, and no price."""
        _known(feed)
        fields = {"manage_stock": True, "stock_quantity": 5, "regular_price": "10.00"}
        products, rest = divmod(count, 2) if feed == _PRODUCTS else (count, 0)
        for _ in range(products):
            self._catalogue.put(self._new_sku(), self._at, **fields)
        if rest:
            self._catalogue.put(self._new_sku(), self._at, type="variable", manage_stock=False)

    def take(self, feed: str, kind: str, id: str) -> None:
        """The product is deleted, and its price with it."""
        if feed == _PRODUCTS and kind == Kind.PRICE and _number(id) not in self._catalogue.products:
            return
        self._row(feed, id)
        self._catalogue.products.pop(_number(id))

    def change(self, feed: str, kind: str, id: str) -> None:
        """One piece more is on the shelf, a piece costs one more, or it is called otherwise."""
        row = self._row(feed, id)
        if kind == Kind.PRODUCT:
            row |= {"name": f"{row['name']} +", "date_modified_gmt": self._at}
            return
        if feed == _PRODUCTS:
            row |= {"regular_price": f"{Decimal(row['regular_price'] or 0) + 1}", "date_modified_gmt": self._at}
            return
        quantity = (row["stock_quantity"] or 0) + 1
        row |= {"manage_stock": True, "stock_quantity": quantity, "date_modified_gmt": self._at}

    def spoil(self, feed: str, kind: str, id: str) -> None:
        """A plugin answers the number of pieces, the price, or what a bundle is of, as what it is not; for an offer
        its status."""
        field = {_STOCK: "stock_quantity", _PRODUCTS: "regular_price", _OFFERS: "status"}[feed]
        field = "bundled_items" if kind == Kind.PRODUCT else field
        self._row(feed, id).update({field: [None], "date_modified_gmt": self._at})

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
    if feed not in (_STOCK, _PRODUCTS, _OFFERS):
        raise ValueError(f"there is no feed {feed!r}, only {_STOCK!r}, {_PRODUCTS!r} and {_OFFERS!r}")


def _number(id: str) -> int:
    """The product of a record: that of a price has the list after its number, an offer its parent before it."""
    return product_number(id.partition("/")[0])
