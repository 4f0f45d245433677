"""What the simulated shop's buyers can buy, the batches that write it, and the verbs about both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from olhubd_kit.simulator import BookedOffer, Verb
from olhubd_kit.simulators.woocommerce.arithmetic import TaxScheme
from olhubd_kit.simulators.woocommerce.catalogue import ProductCatalogue
from olhubd_kit.simulators.woocommerce.product_prices import ProductPrices
from olhubd_kit.simulators.woocommerce.refusal import WordPressError, invalid

__all__ = ["ProductOffers", "offer_number", "product_number"]

_MOST = 100
"""Rows in one batch, as the shop has it without a filter of its own."""
_INVALID = "woocommerce_rest_product_invalid_id"


def offer_number(row: Mapping[str, Any]) -> str:
    """The number by which a row is sold: a variation's with its parent's before it."""
    return f"{row['parent_id']}:{row['id']}" if row["type"] == "variation" else str(row["id"])


def product_number(offer: str) -> int:
    """The product of an offer; 0 where it is none's."""
    own = offer.rpartition(":")[2]
    return int(own) if own.isdecimal() else 0


class ProductOffers:
    """The products of one shop as buyers see them."""

    def __init__(
        self, catalogue: ProductCatalogue, scheme: Callable[[], TaxScheme], now: Callable[[], datetime]
    ) -> None:
        self._catalogue = catalogue
        self._now = now
        self.prices = ProductPrices(catalogue, scheme, now, row_of=self._known, number_of=offer_number)
        self.left_out: set[int] = set()
        """Products that lists count and do not show."""
        self.failing: set[int] = set()
        """Products that a plugin refuses to have saved."""
        self.ignored = 0
        """How many of the next batches are answered as done and not kept."""

    def sold(self) -> Sequence[dict[str, Any]]:
        """All rows that buyers can put into a cart, were they on sale."""
        return [row for row in self._catalogue.products.values() if row["type"] != "variable"]

    def verbs(self) -> Mapping[str, Verb]:
        return {
            "list_offers": self.list_offers,
            "buyable": self.buyable,
            "set_quantity": self.set_quantity,
            "fail_tasks": self.fail_tasks,
            "ignore_commands": self.ignore_commands,
            "sell_offer": self.sell_offer,
            "end_offer": self.end_offer,
            "set_offer_state": self.set_offer_state,
            "hide_quantity": self.hide_quantity,
            "leave_out": self.leave_out,
            "unmark_offer": self.unmark_offer,
            **self.prices.verbs(),
        }

    def offered(self) -> Sequence[BookedOffer]:
        """All that is counted, with what buyers can buy of it."""
        buyable = self.buyable()
        rows = {offer_number(row): row for row in self.sold()}
        return [
            BookedOffer(external_id=key, buyable=buyable[key], sku=row["sku"] or None)
            for key, row in rows.items()
            if key in buyable
        ]

    def list_offers(self, count: int = 1, quantity: int = 5) -> list[str]:
        """`count` products more, `quantity` pieces of each."""
        made = []
        for _ in range(count):
            number = len(self._catalogue.products)
            while self._catalogue.by_sku(sku := f"OFFER-{number}"):
                number += 1
            fields = {"manage_stock": True, "stock_quantity": quantity, "regular_price": "10.00"}
            made.append(offer_number(self._catalogue.put(sku, self._at, **fields)))
        return made

    def buyable(self) -> dict[str, int]:
        """How many pieces of each counted product buyers can buy."""
        return {
            offer_number(row): max(0, row["stock_quantity"]) if self._on_sale(row) else 0
            for row in self.sold()
            if row["manage_stock"] is True and isinstance(row["stock_quantity"], int)
        }

    def set_quantity(self, offer: str, quantity: int) -> None:
        """A person writes the number of pieces in the shop's panel."""
        self._set(self._known(offer), quantity)

    def sell_offer(self, offer: str, pieces: int = 1) -> None:
        """Buyers buy so many pieces of a product."""
        row = self._known(offer)
        self._set(row, row["stock_quantity"] - pieces)

    def end_offer(self, offer: str, by: str = "seller") -> None:
        """A person makes a draft of a product."""
        self.set_offer_state(offer, "draft")

    def set_offer_state(self, offer: str, state: str) -> None:
        """The product has a status, even one that a plugin has brought."""
        self._known(offer).update(status=state, date_modified_gmt=self._at)

    def hide_quantity(self, offer: str) -> None:
        """The shop counts the product, and nobody has said how many there are."""
        self._known(offer).update(stock_quantity=None, date_modified_gmt=self._at)

    def leave_out(self, offer: str) -> None:
        """A plugin takes the product out of all pages, and not out of their count."""
        self.left_out.add(self._known(offer)["id"])

    def shown(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The rows of a page that a plugin leaves in it."""
        return [row for row in rows if row["id"] not in self.left_out]

    def unmark_offer(self, offer: str) -> None:
        """The product has a SKU no more."""
        self._known(offer).update(sku="", date_modified_gmt=self._at)

    def _known(self, offer: str) -> dict[str, Any]:
        row = self._catalogue.products.get(product_number(offer))
        if row is None:
            raise ValueError(f"the shop has no product {offer}")
        return row

    def fail_tasks(self, offers: Sequence[str]) -> None:
        """A plugin refuses to have these products saved."""
        self.failing |= {product_number(offer) for offer in offers}

    def ignore_commands(self, count: int = 1) -> None:
        """The next `count` batches repeat what was sent and nothing of it is kept."""
        self.ignored += count

    def batch(self, body: Any, parent: int | None = None) -> dict[str, Any]:
        """POST /products/batch, or that of a parent's variations: each row by itself, in the order as sent."""
        rows = body.get("update") if isinstance(body, dict) else None
        if not isinstance(rows, list):
            raise invalid("update", "update is not of type array.")
        if len(rows) > _MOST:
            raise WordPressError(
                413,
                "woocommerce_rest_request_entity_too_large",
                f"Unable to accept more than {_MOST} items for this request.",
            )
        kept = not self.ignored
        self.ignored -= not kept
        return {"update": [self._row(row, parent, kept) for row in rows]}

    def _row(self, change: dict[str, Any], parent: int | None, kept: bool) -> dict[str, Any]:
        id_ = change.get("id", 0)
        row = self._catalogue.products.get(id_)
        below = row is not None and row["type"] == "variation"
        if row is None or (parent is not None and row["parent_id"] != parent):
            return _failed(id_, _INVALID, "Invalid ID.", 400)
        if below and parent is None:
            said = "To manipulate product variations you should use the /products/<product_id>/variations/<id>"
            return _failed(id_, "woocommerce_rest_invalid_product_id", f"{said} endpoint.", 404)
        if id_ in self.failing:
            names = {name: "refused" for name in change if name == "regular_price"}
            return _failed(id_, "product_refused", "A plugin refuses to save this product.", 400, names)
        quantity = change.get("stock_quantity")
        if quantity is not None and not isinstance(quantity, int):
            return _failed(id_, "rest_invalid_param", "stock_quantity is not of type integer.", 400)
        price = change.get("regular_price")
        if not kept:
            sent = {"stock_quantity": quantity, "regular_price": price}
            return {**row, **{name: value for name, value in sent.items() if value is not None}}
        if price is not None:
            self.prices.take(row, price)
        if "manage_stock" in change:
            row["manage_stock"] = change["manage_stock"]
        # The number of what is not counted is dropped without a word.
        if quantity is not None and row["manage_stock"] is True:
            self._set(row, quantity)
        return dict(row)

    def _set(self, row: dict[str, Any], quantity: int) -> None:
        row |= {
            "stock_quantity": quantity,
            "stock_status": "instock" if quantity > 0 else "outofstock",
            "date_modified_gmt": self._at,
        }

    def _on_sale(self, row: Mapping[str, Any]) -> bool:
        above = self._catalogue.products.get(row["parent_id"], row)
        return bool(row["status"] == "publish" and above["status"] == "publish")

    @property
    def _at(self) -> str:
        return self._now().replace(tzinfo=None, microsecond=0).isoformat()


def _failed(
    id_: int, code: str, message: str, status: int, params: Mapping[str, str] | None = None
) -> dict[str, Any]:
    data = {"status": status} | ({"params": params} if params else {})
    return {"id": id_, "error": {"code": code, "message": message, "data": data}}
