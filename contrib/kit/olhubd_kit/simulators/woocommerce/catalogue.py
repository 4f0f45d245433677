"""What the simulated shop sells: the shared twenty products, two of them as variations of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from olhubd_kit.catalogue import PRODUCTS, ShelfProduct
from olhubd_kit.simulators.woocommerce.refusal import WordPressError

__all__ = ["ProductCatalogue", "rate_rows"]

_CLASSES = {"23": "", "8": "reduced-rate", "5": "super-reduced-rate"}
_VARIATIONS = ("KUB-BIA", "KUB-CZA")
_PARENT = 100


def rate_rows() -> list[dict[str, Any]]:
    """The rates of Poland and its neighbours, as GET /taxes gives them."""
    rows = [
        ("PL", "23", ""),
        ("PL", "8", "reduced-rate"),
        ("PL", "5", "super-reduced-rate"),
        ("PL", "0", "zero-rate"),
    ]
    rows += [("CZ", "21", ""), ("SK", "23", ""), ("HU", "27", ""), ("DE", "19", ""), ("AT", "20", "")]
    return [
        {
            "id": number,
            "country": country,
            "state": "",
            "postcode": "",
            "city": "",
            "postcodes": [],
            "cities": [],
            "rate": f"{percent}.0000",
            "name": "VAT",
            "priority": 1,
            "compound": False,
            "shipping": True,
            "order": number,
            "class": tax_class or "standard",
        }
        for number, (country, percent, tax_class) in enumerate(rows, start=1)
    ]


class ProductCatalogue:
    """Products by id, and their codes. It begins with `wares`, which hold the shared twenty."""

    def __init__(self, at: str, wares: Sequence[ShelfProduct] = PRODUCTS) -> None:
        self.products: dict[int, dict[str, Any]] = {}
        self.weight_unit = "kg"
        self._next = max(1000, _PARENT + len(wares))
        parent = self._row(_PARENT, "Kubek ceramiczny", "KUB", "", None, "", at)
        parent |= {"type": "variable", "manage_stock": False, "stock_quantity": None}
        for product in wares:
            number = _PARENT + int(product.external_id)
            rate = f"{product.tax.rate:f}"
            price = f"{product.price.amount:f}"
            row = self._row(
                number, product.name, product.sku or "", product.ean or "", product.quantity, _CLASSES[rate], at
            )
            row |= {"price": price, "regular_price": price}
            if product.sku in _VARIATIONS:
                row |= {"type": "variation", "parent_id": _PARENT}
                parent["variations"].append(number)

    def _row(
        self, number: int, name: str, sku: str, ean: str, quantity: int | None, tax_class: str, at: str
    ) -> dict[str, Any]:
        row: dict[str, Any] = {
            "id": number,
            "name": name,
            "type": "simple",
            "status": "publish",
            "parent_id": 0,
            "sku": sku,
            "global_unique_id": ean,
            "price": "",
            "regular_price": "",
            "sale_price": "",
            "date_on_sale_from_gmt": None,
            "date_on_sale_to_gmt": None,
            "manage_stock": quantity is not None,
            "stock_quantity": quantity,
            "stock_status": "instock",
            "tax_status": "taxable",
            "tax_class": tax_class,
            "variations": [],
            "description": "",
            "weight": "",
            "images": [],
            "attributes": [],
            "categories": [],
            "tags": [],
            "virtual": False,
            "downloadable": False,
            "date_created_gmt": at,
            "date_modified_gmt": at,
        }
        self.products[number] = row
        return row

    def add(self, body: dict[str, Any], at: str) -> dict[str, Any]:
        """POST /products. A taken SKU is refused with its owner's id."""
        sku = str(body.get("sku", ""))
        owner = self.by_sku(sku) if sku else None
        if owner is not None:
            raise WordPressError(
                400,
                "product_invalid_sku",
                "Invalid or duplicated SKU.",
                resource_id=owner["id"],
                unique_sku=f"{sku}-1",
            )
        self._next += 1
        row = self._row(self._next, str(body.get("name", "")), sku, "", None, "", at)
        row.update({key: value for key, value in body.items() if key in row and key != "id"})
        return row

    def put(self, sku: str, at: str, **fields: Any) -> dict[str, Any]:
        """A product as it gets into a shop past all checks: a translation, an import. Raises ValueError."""
        first = self.by_sku(sku)
        row = dict(first) if first is not None else self._row(0, sku, sku, "", None, "", at)
        if strange := [name for name in fields if name not in row or name == "id"]:
            raise ValueError(f"a product has no {strange[0]!r}")
        self.products.pop(0, None)
        self._next += 1
        self.products[self._next] = {**row, "id": self._next, "variations": [], **fields}
        return self.products[self._next]

    def by_sku(self, sku: str) -> dict[str, Any] | None:
        wanted = sku.strip().casefold()
        return next((p for p in self.products.values() if p["sku"].casefold() == wanted), None) if wanted else None

    def find(self, params: dict[str, str]) -> list[dict[str, Any]]:
        """GET /products: without sku or global_unique_id only parents and simple products."""
        rows = list(self.products.values())
        for field in ("sku", "global_unique_id"):
            if field in params:
                wanted = {code.strip().casefold() for code in params[field].split(",")}
                rows = [p for p in rows if p[field] and p[field].casefold() in wanted]
        if not {"sku", "global_unique_id"} & params.keys():
            rows = [p for p in rows if p["type"] != "variation"]
        if "include" in params:
            ids = set(params["include"].split(","))
            rows = [p for p in rows if str(p["id"]) in ids]
        if params.get("status", "any") != "any":
            rows = [p for p in rows if p["status"] in params["status"].split(",")]
        if "modified_after" in params:  # the bound itself is not part of it
            rows = [p for p in rows if p["date_modified_gmt"] > params["modified_after"]]
        key = "date_modified_gmt" if params.get("orderby") == "modified" else "id"
        return sorted(rows, key=lambda p: (p[key], p["id"]), reverse=params.get("order", "desc") == "desc")

    def variations(self, parent: int, params: Mapping[str, str]) -> list[dict[str, Any]]:
        """GET /products/{id}/variations."""
        rows = [p for p in self.products.values() if p["type"] == "variation" and p["parent_id"] == parent]
        if "include" in params:
            rows = [p for p in rows if str(p["id"]) in params["include"].split(",")]
        return rows

    def move(self, product_id: int, pieces: int, at: str) -> bool:
        """Change the stock of a product that counts it; what the API orders may go below zero."""
        row = self.products.get(product_id)
        if row is None or not row["manage_stock"]:
            return False
        row["stock_quantity"] += pieces
        row["stock_status"] = "instock" if row["stock_quantity"] > 0 else "outofstock"
        row["date_modified_gmt"] = at
        return True
