"""The orders of the simulated shop: made, changed, moved from status to status; stock and payment follow.

Nothing guards against a second order of the same kind: the same body twice is two orders, and takes the stock
twice.
"""

from __future__ import annotations

import bisect
import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from olhubd_kit.simulators.woocommerce.arithmetic import PricedRow, TaxScheme, money, sums
from olhubd_kit.simulators.woocommerce.catalogue import ProductCatalogue
from olhubd_kit.simulators.woocommerce.mails import Mails, is_email
from olhubd_kit.simulators.woocommerce.refusal import WordPressError, invalid
from olhubd_kit.simulators.woocommerce.tables import Tables

__all__ = ["DEATHS", "STATUSES", "PhpKilled", "ShopOrder", "WooCommerceBooks"]

STATUSES = {
    "pending": "Pending payment",
    "processing": "Processing",
    "on-hold": "On hold",
    "completed": "Completed",
    "cancelled": "Cancelled",
    "refunded": "Refunded",
    "failed": "Failed",
    "checkout-draft": "Draft",
}
DEATHS = ("start", "lines", "sums", "totals", "status")
"""Where PHP may die while it makes an order: before the first saving, before the lines, before the total, before
the status, before the stock."""
_REDUCES = {"processing", "completed", "on-hold"}
_RETURNS = {"cancelled", "pending"}
_AWAITS = {"on-hold", "pending", "failed", "cancelled"}
_ADDRESS = (
    "first_name",
    "last_name",
    "company",
    "address_1",
    "address_2",
    "city",
    "state",
    "postcode",
    "country",
    "phone",
)
_PLAIN = ("customer_note", "payment_method", "payment_method_title", "transaction_id", "parent_id", "customer_id")
_SECTIONS = {"line_items": "line", "fee_lines": "fee", "shipping_lines": "shipping"}


class PhpKilled(Exception):
    """PHP was killed: what was saved until then stays, and nobody gets an answer."""


class ShopOrder(msgspec.Struct, kw_only=True):
    """One order: `doc` as it is answered, and what only the shop itself knows."""

    doc: dict[str, Any]
    items: dict[int, PricedRow] = {}
    created: int = 0
    modified: int = 0
    reduced: bool = False
    silent: bool = False
    """Written past WooCommerce: no filter by the date of change finds it."""
    bent: dict[str, Any] = {}
    """Fields that a plugin of the shop puts in place of the order's own, in every answer."""
    notes: list[dict[str, Any]] = []
    fulfilments: list[dict[str, Any]] = []
    trackings: list[dict[str, Any]] = []

    @property
    def told(self) -> dict[str, Any]:
        """The order as it is answered."""
        return {**self.doc, **self.bent} if self.bent else self.doc

    def meta(self, key: str) -> Any:
        return next((row["value"] for row in self.doc["meta_data"] if row["key"] == key), None)


class WooCommerceBooks:
    """`zone` is the shop's distance from UTC."""

    def __init__(
        self,
        catalogue: ProductCatalogue,
        scheme: TaxScheme,
        now: Callable[[], datetime],
        zone: timedelta,
        currency: str,
    ) -> None:
        self.catalogue, self.scheme, self.now, self.zone, self.currency = catalogue, scheme, now, zone, currency
        self.tables = Tables()
        self.mails = Mails()
        self.address_of: Callable[[int], str] = lambda _customer: ""
        """The address of a customer, which an order without one of its own takes over."""
        self.deaths: list[str] = []
        """Where PHP dies while it makes the next orders, one of `DEATHS` for each."""
        self.drafts = 0
        """How many of the next orders are refused after their first saving, which leaves a draft."""
        self.statuses = dict(STATUSES)
        self.free_lines = True
        self.silent = 0
        """How many of the next orders are `ShopOrder.silent`."""
        self.sheets: dict[int, ShopOrder] = {}
        self.by_created: list[tuple[int, int]] = []
        self.by_modified: list[tuple[int, int]] = []
        self._last = 500
        self._row = 9000
        self._meta = 40_000

    # Making and changing

    def create(self, body: dict[str, Any]) -> ShopOrder:
        """POST /orders."""
        self._check(body)
        death = self.deaths.pop(0) if self.deaths else ""
        if death == "start":
            raise PhpKilled
        seconds = int(self.now().timestamp())
        self._last += 1
        sheet = ShopOrder(doc=self._blank(self._last, body), created=seconds, modified=seconds)
        self._dates(sheet.doc, "created", seconds)
        self._dates(sheet.doc, "modified", seconds)
        draft = self.drafts > 0
        self._fill(sheet, {name: part for name, part in body.items() if name not in _SECTIONS or death != "lines"})
        self._recalculate(sheet)
        for row in self.tables.keep(sheet.doc):
            del sheet.items[row]
        # A body that was refused until now leaves nothing behind; from here on the order is there.
        self.sheets[self._last] = sheet
        sheet.silent, self.silent = self.silent > 0, max(0, self.silent - 1)
        self.by_created.append((seconds, self._last))
        bisect.insort(self.by_modified, (seconds, self._last))
        if draft:
            self.drafts -= 1
            sheet.doc["status"] = "checkout-draft"
            raise WordPressError(400, "woocommerce_rest_invalid_coupon", "The coupon does not exist.")
        if death == "sums":
            sheet.doc["total"] = money(0, self.scheme.decimals)
        if death in ("lines", "sums", "totals"):
            raise PhpKilled
        self._advance(sheet, body, creating=True, stock=death != "status")
        if death:
            raise PhpKilled
        return sheet

    def update(self, sheet: ShopOrder, body: dict[str, Any]) -> ShopOrder:
        """PUT /orders/{id}: only what is named changes."""
        self._check(body)
        self._fill(sheet, body)
        if body.keys() & {"billing", "shipping", *_SECTIONS}:
            self._recalculate(sheet)
        self._advance(sheet, body, creating=False)
        self.touch(sheet)
        return sheet

    def touch(self, sheet: ShopOrder) -> None:
        """Move the date of the last change."""
        seconds = int(self.now().timestamp())
        number = sheet.doc["id"]
        if seconds != sheet.modified:
            at = bisect.bisect_left(self.by_modified, (sheet.modified, number))
            del self.by_modified[at]
            bisect.insort(self.by_modified, (seconds, number))
            sheet.modified = seconds
            self._dates(sheet.doc, "modified", seconds)

    def delete(self, sheet: ShopOrder) -> None:
        """For good: the list and the address both forget it."""
        number = sheet.doc["id"]
        del self.sheets[number]
        self.by_created.remove((sheet.created, number))
        self.by_modified.remove((sheet.modified, number))

    def trash(self, sheet: ShopOrder) -> None:
        sheet.doc["status"] = "trash"
        self.touch(sheet)

    def get(self, number: str) -> ShopOrder:
        sheet = self.sheets.get(int(number)) if number.isdigit() else None
        if sheet is None:
            raise WordPressError(404, "woocommerce_rest_shop_order_invalid_id", "Invalid ID.")
        return sheet

    # The parts of it

    def _check(self, body: dict[str, Any]) -> None:
        """What the schema refuses, before anything is done."""
        for name in ("billing", "shipping"):
            for field, value in body.get(name, {}).items():
                if not isinstance(value, str):
                    raise invalid(name, f"{name}[{field}] is not of type string.")
            email = body.get(name, {}).get("email")
            if email is not None and not is_email(email):
                raise invalid(name, f"{name}[email] is not a valid email.")
        status = body.get("status")
        if status is not None and status not in self.statuses:
            words = {"code": "rest_not_in_enum", "message": "status is not one of them.", "data": None}
            where = {"status": "status is not one of them."}
            message = "Invalid parameter(s): status"
            raise WordPressError(400, "rest_invalid_param", message, params=where, details={"status": words})
        currency = body.get("currency")
        if currency is not None and not re.fullmatch("[A-Z]{3}", currency):
            raise invalid("currency", "currency is not one of them.")
        for row in body.get("line_items", ()):
            named = row.get("product_id") or row.get("variation_id") or row.get("sku") or row.get("id")
            if not named and not (self.free_lines and row.get("name")):
                raise WordPressError(
                    400, "woocommerce_rest_required_product_reference", "Product ID or SKU is required."
                )
        for row in body.get("shipping_lines", ()):
            if not row.get("id") and not row.get("method_id"):
                raise WordPressError(
                    400, "woocommerce_rest_invalid_shipping_item", "Shipping method ID is required."
                )
        for row in body.get("fee_lines", ()):
            if not row.get("id") and not row.get("name"):
                raise WordPressError(400, "woocommerce_rest_invalid_fee_item", "Fee name is required.")

    def _blank(self, number: int, body: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": number,
            "parent_id": 0,
            "number": str(number),
            "order_key": f"wc_order_{secrets.token_hex(6)}",
            "created_via": body.get("created_via") or "rest-api",
            "version": "10.9.1",
            "status": "pending",
            "currency": body.get("currency") or self.currency,
            "prices_include_tax": self.scheme.prices_include_tax,
            "customer_id": 0,
            "customer_note": "",
            "billing": dict.fromkeys((*_ADDRESS, "email"), ""),
            "shipping": dict.fromkeys(_ADDRESS, ""),
            "payment_method": "",
            "payment_method_title": "",
            "transaction_id": "",
            "date_paid": None,
            "date_paid_gmt": None,
            "date_completed": None,
            "date_completed_gmt": None,
            "line_items": [],
            "tax_lines": [],
            "shipping_lines": [],
            "fee_lines": [],
            "coupon_lines": [],
            "refunds": [],
            "meta_data": [],
        }

    def _dates(self, doc: dict[str, Any], name: str, seconds: int) -> None:
        at = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
        doc[f"date_{name}_gmt"] = at.isoformat()
        doc[f"date_{name}"] = (at + self.zone).isoformat()

    def _fill(self, sheet: ShopOrder, body: dict[str, Any]) -> None:
        doc = sheet.doc
        for name in _PLAIN:
            if body.get(name) is not None:
                doc[name] = body[name]
        for name in ("billing", "shipping"):
            doc[name].update(body.get(name, {}))
        if not doc["billing"]["email"] and doc["customer_id"]:
            doc["billing"]["email"] = self.address_of(doc["customer_id"])
        for name, kind in _SECTIONS.items():
            for row in body.get(name, ()):
                self._set_item(sheet, name, kind, row)
        self._set_meta(doc["meta_data"], body.get("meta_data", ()))

    def _set_meta(self, held: list[dict[str, Any]], rows: Any) -> None:
        """A row without id replaces its key; two with one key leave the last; null with an id deletes."""
        if not held:
            last = {row["key"]: row["value"] for row in rows if row.get("value") is not None}
            held += [{"id": self._meta + i, "key": k, "value": v} for i, (k, v) in enumerate(last.items(), start=1)]
            self._meta += len(last)
            return
        for row in rows:
            key, number, value = row["key"], row.get("id"), row.get("value")
            same = [m for m in held if (m["id"] == number if number else m["key"] == key)]
            for old in same[1:] if value is not None else same:
                held.remove(old)
            if value is None:
                continue
            if same:
                same[0]["value"] = value
            else:
                self._meta += 1
                held.append({"id": self._meta, "key": key, "value": value})

    def _set_item(self, sheet: ShopOrder, section: str, kind: str, row: dict[str, Any]) -> None:
        rows = sheet.doc[section]
        if row.get("id"):
            doc = next((r for r in rows if r["id"] == row["id"]), None)
            if doc is None:
                raise WordPressError(
                    400, "woocommerce_rest_invalid_item_id", "Order item ID is not associated with order."
                )
            if row.get("quantity") == 0:
                rows.remove(doc)
                del sheet.items[doc["id"]]
                return
            item = sheet.items[doc["id"]]
        else:
            self._row += 1
            doc = {"id": self._row, "name": "", "tax_class": "", "taxes": [], "meta_data": []}
            item = sheet.items[self._row] = PricedRow(kind=kind, total=0.0)
            rows.append(doc)
            if kind == "line":
                self._bind(doc, item, row)
        for name in ("name", "quantity", "tax_class", "tax_status", "method_id", "method_title", "instance_id"):
            if row.get(name) is not None:
                doc[name] = row[name]
        item.tax_class = doc["tax_class"]
        if kind == "fee":
            item.taxable = doc.setdefault("tax_status", "taxable") == "taxable"
        for name in ("total", "subtotal"):
            if row.get(name) is not None:
                setattr(item, name, float(row[name]))
        item.subtotal = max(item.subtotal, item.total) if kind == "line" else 0.0
        self._set_meta(doc["meta_data"], row.get("meta_data", ()))

    def _bind(self, doc: dict[str, Any], item: PricedRow, row: dict[str, Any]) -> None:
        """Look the product up. One that does not exist is no mistake: the line then has none, and no price."""
        quantity = row.get("quantity", 1)
        number = row.get("variation_id") or row.get("product_id")
        if row.get("sku"):
            product = self.catalogue.by_sku(str(row["sku"]))
        else:
            product = self.catalogue.products.get(int(number)) if number else None
        doc |= {"product_id": 0, "variation_id": 0, "quantity": quantity, "sku": None, "global_unique_id": ""}
        if product is None:
            return
        variation = product["type"] == "variation"
        doc |= {
            "name": product["name"],
            "product_id": product["parent_id"] if variation else product["id"],
            "variation_id": product["id"] if variation else 0,
            "sku": product["sku"],
            "global_unique_id": product["global_unique_id"],
            "tax_class": product["tax_class"],
        }
        item.taxable = product["tax_status"] == "taxable"
        item.lends = product["tax_status"] in ("taxable", "shipping")
        price = float(product["price"] or 0) * quantity
        if self.scheme.calc_taxes and self.scheme.prices_include_tax and item.taxable:
            rates = self.scheme.find(self.scheme.base, product["tax_class"])
            price /= 1 + sum(float(r["rate"]) for r in rates) / 100
        item.total = item.subtotal = price

    def _country(self, doc: dict[str, Any]) -> str:
        shipping, billing = doc["shipping"]["country"], doc["billing"]["country"]
        chosen: str = (shipping or billing) if self.scheme.based_on == "shipping" else billing
        return chosen if chosen and self.scheme.based_on != "base" else self.scheme.base

    def _recalculate(self, sheet: ShopOrder) -> None:
        doc, places = sheet.doc, self.scheme.decimals
        result = sums(list(sheet.items.values()), self.scheme, self._country(doc))
        percents = {r["id"]: float(r["rate"]) for r in self.scheme.rates}
        for section in _SECTIONS:
            for row in doc[section]:
                item = sheet.items[row["id"]]
                row["total"] = money(item.total, places)
                row["total_tax"] = money(sum(item.taxes.values()), places)
                row["taxes"] = [{"id": i, "total": str(round(tax, 6))} for i, tax in item.taxes.items()]
                if section == "line_items":
                    row["subtotal"] = money(item.subtotal, places)
                    row["subtotal_tax"] = money(sum(item.subtotal_taxes.values()), places)
                    row["price"] = item.total / row["quantity"] if row["quantity"] else 0
        doc["total"] = money(result.total, places)
        doc["total_tax"] = money(result.cart_tax + result.shipping_tax, places)
        doc["cart_tax"] = money(result.cart_tax, places)
        doc["shipping_total"] = money(result.shipping_total, places)
        doc["shipping_tax"] = money(result.shipping_tax, places)
        doc["discount_total"] = money(result.discount, places)
        doc["tax_lines"] = [
            {
                "id": i,
                "rate_id": i,
                "rate_percent": percents.get(i),
                "tax_total": money(goods, places),
                "shipping_tax_total": money(way, places),
            }
            for i, (goods, way) in result.lines.items()
        ]

    # Status, payment, stock

    def _advance(self, sheet: ShopOrder, body: dict[str, Any], creating: bool, stock: bool = True) -> None:
        if body.get("status"):
            self.move(sheet, body["status"], stock)
        # On a later change the payment is taken only where the order still waits for one.
        if body.get("set_paid") is True and (creating or sheet.doc["status"] in ("pending", "failed")):
            self._payment_complete(sheet)

    def move(self, sheet: ShopOrder, status: str, stock: bool = True) -> None:
        """Change the status, with all that hangs on it; not `stock` where PHP died before it came to that."""
        doc = sheet.doc
        if doc["status"] == status:
            return
        before, doc["status"] = doc["status"], status
        if stock:
            self.mails.moved(doc["id"], doc["billing"]["email"], before, status)
        seconds = int(self.now().timestamp())
        done = self._paid_status(sheet)
        if doc["date_paid"] is None and (status == done or (done == "processing" and status == "completed")):
            self._dates(doc, "paid", seconds)
        if status == "completed":
            self._dates(doc, "completed", seconds)
        if not stock:
            return
        if status in _REDUCES and not sheet.reduced:
            self._stock(sheet, -1)
        elif status in _RETURNS and sheet.reduced:
            self._stock(sheet, +1)

    def _paid_status(self, sheet: ShopOrder) -> str:
        """The status that means "paid": completed where nothing is to be sent, and with cash on delivery."""
        to_send = any(row["product_id"] for row in sheet.doc["line_items"])
        return "processing" if to_send and sheet.doc["payment_method"] != "cod" else "completed"

    def _payment_complete(self, sheet: ShopOrder) -> None:
        if sheet.doc["status"] in _AWAITS:
            self._dates(sheet.doc, "paid", int(self.now().timestamp()))
            self.move(sheet, self._paid_status(sheet))

    def _stock(self, sheet: ShopOrder, sign: int) -> None:
        at = self.now().astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat()
        for row in sheet.doc["line_items"]:
            if self.catalogue.move(row["variation_id"] or row["product_id"], sign * row["quantity"], at):
                value = row["quantity"] if sign < 0 else None
                held = next((m for m in row["meta_data"] if m["key"] == "_reduced_stock"), None)
                self._set_meta(
                    row["meta_data"], [{"key": "_reduced_stock", "value": value, "id": held and held["id"]}]
                )
        sheet.reduced = sign < 0
