"""The simulated shop's addresses, and what can be done to it from outside."""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

import msgspec
from aiohttp import web

from olhubd_kit.catalogue import PRODUCTS, ShelfProduct
from olhubd_kit.simulators.woocommerce import access, listing, words
from olhubd_kit.simulators.woocommerce.access import Access
from olhubd_kit.simulators.woocommerce.arithmetic import TaxScheme
from olhubd_kit.simulators.woocommerce.catalogue import ProductCatalogue, rate_rows
from olhubd_kit.simulators.woocommerce.ledger import PhpKilled, ShopOrder, WooCommerceBooks
from olhubd_kit.simulators.woocommerce.offers import ProductOffers
from olhubd_kit.simulators.woocommerce.refusal import WordPressError, no_route
from olhubd_kit.simulators.woocommerce.steering import Steering
from olhubd_kit.simulators.woocommerce.tables import Tables

__all__ = ["WooCommerceSimulator"]

Params = Mapping[str, str]
Result = tuple[int, Any] | tuple[int, Any, dict[str, str]]

_ZONE = timedelta(hours=1)
_MAINTENANCE = """<!DOCTYPE html><html><head><title>Maintenance</title></head>
<body>Briefly unavailable for scheduled maintenance. Check back in a minute.</body></html>"""


class WooCommerceSimulator(Steering):
    """A shop in zlotys, an hour ahead of UTC, with Polish taxes on prices that include them.

    `secure` puts it behind TLS, `permalinks=False` leaves only /?rest_route=, `fulfillments` and `tracking_plugin`
    switch those features on, `free_lines=False` wants a product named in each line, `verify_signatures=False` saves
    time where thousands of orders are posted. `scheme` is the shop's taxes. With `hpos` orders have tables of their
    own, as WooCommerce has them by default. It sells `wares`.
    """

    connector: ClassVar[str] = "woocommerce"
    home = "http://shop.test"
    """What the shop says its address is."""

    def __init__(
        self,
        seed: int = 0,
        now: Callable[[], datetime] | None = None,
        *,
        scheme: TaxScheme | None = None,
        secure: bool = False,
        permalinks: bool = True,
        fulfillments: bool = False,
        tracking_plugin: bool = False,
        free_lines: bool = True,
        verify_signatures: bool = True,
        hpos: bool = True,
        wares: Sequence[ShelfProduct] = PRODUCTS,
    ) -> None:
        super().__init__(seed, now)
        self.scheme = scheme or TaxScheme(rates=rate_rows())
        self.access = Access(secure=secure, verify=verify_signatures)
        self.permalinks, self.fulfillments, self.tracking_plugin = permalinks, fulfillments, tracking_plugin
        stocked = self.now().replace(tzinfo=None, microsecond=0) - timedelta(days=1)
        self.catalogue = ProductCatalogue(stocked.isoformat(), wares)
        self.offers = ProductOffers(self.catalogue, lambda: self.scheme, self.now)
        self.ledger = WooCommerceBooks(self.catalogue, self.scheme, self.now, _ZONE, "PLN")
        self.ledger.free_lines = free_lines
        self.ledger.tables = Tables(hpos)
        self.ledger.address_of = self._address_of
        self._random = random.Random(seed)
        self._workers: asyncio.Semaphore | None = None
        self.calls: dict[str, int] = {}
        """How often each "METHOD /path" was asked for, ids as {id}."""

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return [
            web.route("*", "/wp-json{path:.*}", self._pretty),
            web.route("*", "/", self._plain),
            web.route("*", "/index.php", self._plain),
        ]

    def settings(self, base: str) -> dict[str, Any]:
        return {
            "url": base,
            "consumer_key": access.KEY,
            "consumer_secret": access.SECRET,
            "pretty_permalinks": self.permalinks,
            "auth": "basic" if self.access.secure else "auto",
        }

    # HTTP

    def refusal(self, status: int) -> web.Response:
        refused = WordPressError(status, "rest_refused", "The request is refused.")
        return web.Response(status=status, body=msgspec.json.encode(refused.body), content_type="application/json")

    async def _pretty(self, request: web.Request) -> web.Response:
        if not self.permalinks:
            return web.Response(status=404, text="<html>Page not found</html>", content_type="text/html")
        return await self._answer(request, request.match_info["path"], dict(request.query))

    async def _plain(self, request: web.Request) -> web.Response:
        params = dict(request.query)
        path = params.pop("rest_route", None)
        if path is None:
            return web.Response(text="<html>Welcome to the shop</html>", content_type="text/html")
        return await self._answer(request, path, params)

    async def _answer(self, request: web.Request, path: str, params: dict[str, str]) -> web.Response:
        if self.maintenance_left > 0:
            self.maintenance_left -= 1
            return web.Response(
                status=503, text=_MAINTENANCE, content_type="text/html", headers={"Retry-After": "600"}
            )
        async with self._worker():
            return await self._serve(request, path, params)

    @contextlib.asynccontextmanager
    async def _worker(self) -> AsyncIterator[None]:
        """One of the host's PHP workers, where it has few and each takes its time."""
        if self.workers is None:
            yield
            return
        if self._workers is None:
            self._workers = asyncio.Semaphore(self.workers)
        async with self._workers:
            await asyncio.sleep(self.seconds)
            yield

    async def _serve(self, request: web.Request, path: str, params: dict[str, str]) -> web.Response:
        now = self.now()
        headers: dict[str, str] = {}
        try:
            body: Any = None
            if request.method in ("POST", "PUT"):
                try:
                    body = msgspec.json.decode(await request.read())
                except msgspec.DecodeError:
                    raise WordPressError(400, "rest_invalid_json", "Invalid JSON body passed.") from None
            parts = [part for part in path.split("/") if part]
            if parts:
                self.access.check(request, int(now.timestamp()))
            else:
                self.access.check_index(request)
            result = self._route(request.method, parts, params, body)
            status, content = result[0], result[1]
            if len(result) == 3:
                headers = result[2]
        except WordPressError as refusal:
            status, content = refusal.status, refusal.body
        except PhpKilled:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        headers["Date"] = email.utils.format_datetime(now, usegmt=True)
        return web.Response(
            status=status, body=msgspec.json.encode(content), content_type="application/json", headers=headers
        )

    def _route(self, method: str, parts: list[str], params: Params, body: Any) -> Result:
        name = f"{method} /" + "/".join("{id}" if part.isdigit() else part for part in parts)
        self.calls[name] = self.calls.get(name, 0) + 1
        match parts:
            case []:
                home = {"name": "Sklep testowy", "home": self.home, "gmt_offset": 1, "timezone_string": ""}
                return 200, listing.project(home, params)
            case ["wc", "v3", "orders", *rest]:
                return self._orders(method, rest, params, body)
            case ["wc-shipment-tracking", "v3", "orders", number, "shipment-trackings"] if self.tracking_plugin:
                return self._trackings(method, self.ledger.get(number), body)
            case ["wc", "v3", "products", *rest]:
                return self._products(method, rest, params, body)
            case ["wc", "v3", "customers"]:
                return self._customers(method, params, body)
            case ["wc", "v3", "taxes", *rest] if method == "GET":
                return self._taxes(rest, params)
            case ["wc", "v3", *rest] if method == "GET" and (rows := words.listed(rest)) is not None:
                return 200, [listing.project(row, params) for row in rows]
            case ["wc", "v3", "settings", group] if method == "GET":
                return 200, [listing.project(row, params) for row in self._options(group)]
            case ["wc", "v3", "reports", "orders", "totals"] if method == "GET":
                return 200, self._totals()
        raise no_route()

    # Orders

    def _orders(self, method: str, rest: list[str], params: Params, body: Any) -> Result:
        match method, rest:
            case "GET", []:
                found, headers = self.pager.page(listing.rows(self.ledger, params), params)
                found = self.pager.shorten(found)
                rows = [listing.project(sheet.told, params) for sheet in found]
                self.pager.shift(found)
                return 200, rows, headers
            case "POST", []:
                sheet = self.ledger.create(body)
                if self.losing and sheet.doc["line_items"]:
                    self.losing -= 1
                    sheet.items.pop(sheet.doc["line_items"].pop()["id"])
                return 201, listing.project(sheet.told, params)
            case "OPTIONS", []:
                return 200, {"schema": {"properties": {"status": {"enum": [*self.ledger.statuses]}}}}
            case "GET", [number]:
                return 200, listing.project(self.ledger.get(number).told, params)
            case "PUT" | "POST", [number] if self.ignoring:
                self.ignoring -= 1
                return 200, listing.project(self.ledger.get(number).told, params)
            case "PUT" | "POST", [number]:
                return 200, listing.project(self.ledger.update(self.ledger.get(number), body).told, params)
            case "DELETE", [number]:
                sheet = self.ledger.get(number)
                if params.get("force") == "true":
                    self.ledger.delete(sheet)
                else:
                    self.ledger.trash(sheet)
                return 200, sheet.doc
            case "GET", [number, "notes"]:
                return 200, self.ledger.get(number).notes
            case "POST", [number, "notes"]:
                sheet = self.ledger.get(number)
                sheet.notes.append({"id": len(sheet.notes) + 1, "customer_note": False, **body})
                if sheet.notes[-1]["customer_note"]:
                    self.ledger.mails.write(sheet.doc["billing"]["email"], "customer-note", sheet.doc["id"])
                return 201, sheet.notes[-1]
            case "GET", [number, "fulfillments"] if self.fulfillments:
                return 200, self.ledger.get(number).fulfilments
            case "POST", [number, "fulfillments"] if self.fulfillments and self.ignoring:
                self.ignoring -= 1
                return 201, {"id": 1, "entity_id": number, **body}
            case "POST", [number, "fulfillments"] if self.fulfillments:
                return 201, self._fulfil(self.ledger.get(number), body)
        raise no_route()

    def _fulfil(self, sheet: ShopOrder, body: Any) -> Any:
        row = {
            "id": len(sheet.fulfilments) + 1,
            "entity_id": str(sheet.doc["id"]),
            "status": body["status"],
            "is_fulfilled": body["is_fulfilled"],
            "meta_data": [{"id": i, **meta} for i, meta in enumerate(body["meta_data"], start=1)],
        }
        held: dict[int, int] = {}
        for meta in (m for f in [*sheet.fulfilments, row] for m in f["meta_data"] if m["key"] == "_items"):
            for item in meta["value"]:
                held[item["item_id"]] = held.get(item["item_id"], 0) + item["qty"]
        bought = {line["id"]: line["quantity"] for line in sheet.doc["line_items"]}
        if any(count > bought.get(item, 0) for item, count in held.items()):
            raise WordPressError(400, "woocommerce_fulfillment_error", "Invalid item quantity.")
        sheet.fulfilments.append(row)
        if body.get("notify_customer"):
            self.ledger.mails.write(sheet.doc["billing"]["email"], "customer-fulfillment-created", sheet.doc["id"])
        whole = "fulfilled" if held == bought else "partially_fulfilled"
        self.ledger.update(sheet, {"meta_data": [{"key": "_fulfillment_status", "value": whole}]})
        return row

    def _trackings(self, method: str, sheet: ShopOrder, body: Any) -> Result:
        if method == "GET":
            return 200, sheet.trackings
        if self.ignoring:
            self.ignoring -= 1
            return 201, {"tracking_id": "0" * 32, "tracking_provider": "", **body}
        return 201, self._track(sheet, body)

    def _track(self, sheet: ShopOrder, body: Any) -> Any:
        row = {"tracking_id": f"{len(sheet.trackings) + 1:032x}", "tracking_provider": "", **body}
        sheet.trackings.append(row)
        self.ledger.update(sheet, {"meta_data": [{"key": "_wc_shipment_tracking_items", "value": sheet.trackings}]})
        return row

    # Everything else

    def _products(self, method: str, rest: list[str], params: Params, body: Any) -> Result:
        at = self.now().replace(tzinfo=None, microsecond=0).isoformat()
        match method, rest:
            case "GET", []:
                found, headers = self.pager.page(self.catalogue.find(dict(params)), params)
                found = self.offers.shown(self.pager.jumbled(self.pager.shorten(found)))
                return 200, [self._product(row, params) for row in found], headers
            case "POST", ["batch"]:
                return 200, self.offers.batch(body)
            case "POST", [parent, "variations", "batch"] if parent.isdigit():
                return 200, self.offers.batch(body, int(parent))
            case "POST", []:
                return 201, self.catalogue.add(body, at)
            case "GET", [parent, "variations"]:
                found, headers = self.pager.page(self.catalogue.variations(int(parent), params), params)
                found = self.offers.shown(self.pager.shorten(found))
                return 200, [self._product(row, params) for row in found], headers
        number = rest[-1] if rest else ""
        row = self.catalogue.products.get(int(number)) if number.isdigit() else None
        if row is None:
            raise WordPressError(404, "woocommerce_rest_product_invalid_id", "Invalid ID.")
        if method == "PUT":
            row.update({key: value for key, value in body.items() if key in row and key != "id"})
            row["date_modified_gmt"] = at
        return 200, self._product(row, params)

    def _product(self, row: dict[str, Any], params: Params) -> Any:
        return listing.project(self.offers.prices.shown(row), params)

    def _customers(self, method: str, params: Params, body: Any) -> Result:
        if method == "GET":
            word = params.get("search", "").casefold()
            found = [
                c for c in self.customers if c["email"].casefold() == params.get("email", c["email"]).casefold()
            ]
            found = [c for c in found if word in c["username"].casefold() or word in c["email"].casefold()]
            rows, headers = self.pager.page(found, params)
            return 200, [listing.project(row, params) for row in rows], headers
        if any(c["email"].casefold() == body["email"].casefold() for c in self.customers):
            raise WordPressError(
                400, "registration-error-email-exists", "An account is already registered with that address."
            )
        if any(c["username"].casefold() == body["username"].casefold() for c in self.customers):
            raise WordPressError(
                400, "registration-error-username-exists", "An account is already registered with that name."
            )
        self.customers.append({"id": len(self.customers) + 2, "username": "", **body})
        self.ledger.mails.write(body["email"], "customer-new-account")
        return 201, self.customers[-1]

    def _address_of(self, customer: int) -> str:
        return next((str(row["email"]) for row in self.customers if row["id"] == customer), "")

    def _taxes(self, rest: list[str], params: Params) -> Result:
        if rest == ["classes"]:
            return 200, [{"slug": name or "standard", "name": name or "Standard"} for name in self.scheme.classes]
        if rest:
            raise no_route()
        found, headers = self.pager.page(self.scheme.rates, params)
        return 200, found, headers

    def _options(self, group: str) -> list[dict[str, Any]]:
        scheme = self.scheme
        groups: dict[str, dict[str, Any]] = {
            "general": {
                **{f"woocommerce_store_{line}": text for line, text in self.place.items()},
                "woocommerce_default_country": scheme.base,
                "woocommerce_calc_taxes": _yes(scheme.calc_taxes),
                "woocommerce_currency": self.ledger.currency,
                "woocommerce_price_num_decimals": str(scheme.decimals),
                "woocommerce_all_except_countries": [],
            },
            "tax": {
                "woocommerce_prices_include_tax": _yes(scheme.prices_include_tax),
                "woocommerce_tax_based_on": scheme.based_on,
                "woocommerce_shipping_tax_class": scheme.shipping_class,
                "woocommerce_tax_round_at_subtotal": _yes(scheme.at_subtotal),
            },
            "products": {"woocommerce_weight_unit": self.catalogue.weight_unit},
        }
        if group not in groups:
            raise WordPressError(404, "rest_setting_setting_group_invalid", "Invalid setting group.")
        return [{"id": name, "type": "text", "value": value} for name, value in groups[group].items()]

    def _totals(self) -> list[dict[str, Any]]:
        count: dict[str, int] = {}
        for sheet in self.ledger.sheets.values():
            count[sheet.doc["status"]] = count.get(sheet.doc["status"], 0) + 1
        return [{"slug": s, "name": name, "total": count.get(s, 0)} for s, name in self.ledger.statuses.items()]


def _yes(value: bool) -> str:
    return "yes" if value else "no"
