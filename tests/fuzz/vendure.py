"""A stand-in for a Vendure server: as much of one as answers each question and carries out a push.

The shapes are Vendure's own. That the connector gets along with a real one is tried elsewhere (tests/e2e).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from aiohttp import web

from olhubd.testing.simulator import Entry, Simulator
from olhubd_vendure import wire
from olhubd_vendure.queries import Call
from tests.plugins.vendure.listing import ListTooLong, listed
from tests.plugins.vendure.test_draft import FULL, Book

__all__ = ["VendureStandIn"]

CODES = {"KUB-BIA": "11", "KOC-WEL": "12", "ANY": "999"}


def _order(id_: int, state: str, at: datetime) -> wire.Order:
    thing = wire.Variant(id="11", sku="KUB-BIA", name="Mug")
    place = wire.Address(full_name="Jan Kowalski", street_line1="Polna 1", city="Warszawa", country_code="PL")
    return wire.Order(
        id=str(id_),
        code=f"CODE{id_}",
        state=state,
        active=False,
        created_at=at,
        updated_at=at,
        order_placed_at=at,
        currency_code="PLN",
        total_with_tax=2899,
        shipping_with_tax=899,
        customer=wire.Customer(id="7", email_address="jan@example.com", first_name="Jan", last_name="Kowalski"),
        shipping_address=place,
        billing_address=place,
        lines=[
            wire.Line(
                id=f"{id_}1",
                quantity=2,
                order_placed_quantity=2,
                unit_price_with_tax=1000,
                line_price_with_tax=2000,
                prorated_line_price_with_tax=2000,
                tax_rate=23.0,
                product_variant=thing,
                custom_fields={"marketplaceLineId": None},
            )
        ],
        shipping_lines=[wire.ShippingLine(shipping_method=wire.Method(id="1", code="courier", name="Courier"))],
        payments=[wire.Payment(id="9", method="p24", amount=2899, state="Settled", created_at=at)],
        fulfillments=[
            wire.Fulfillment(
                id="3",
                state="Pending",
                method="DPD",
                created_at=at,
                tracking_code="W1",
                lines=[wire.FulfillmentLine(order_line_id=f"{id_}1", quantity=1)],
            )
        ],
        custom_fields={"externalId": None, "imported": None},
    )


class VendureStandIn(Simulator):
    """Three orders of its own, and one that is made in it."""

    connector = "vendure"

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        begun = datetime.now(UTC) - timedelta(hours=1)
        self.orders = [_order(5 + n, "PaymentSettled", begun + timedelta(seconds=n)) for n in range(3)]
        self.book = Book()
        self.made = False
        self.limit = 1000

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return [web.post("/admin-api", self._answer)]

    def settings(self, base: str) -> dict[str, Any]:
        return {"url": base, "username": "u", "password": "p", "placeholder_sku": "ANY", "shipping_method": "m"}

    def books(self) -> list[Entry]:
        return []

    async def _answer(self, request: web.Request) -> web.Response:
        asked = json.loads(await request.read())
        name, variables = asked["operationName"], asked["variables"]
        if name == "Login":
            return _json({"login": {"__typename": "CurrentUser"}}, {"vendure-auth-token": "secret-token"})
        if asked["query"].startswith("mutation"):
            return _json(self._change(asked["query"], variables))
        try:
            return _json(getattr(self, f"_{name}")(**variables))
        except ListTooLong as error:
            problem = {"message": str(error), "path": [name], "extensions": {"code": "USER_INPUT_ERROR"}}
            return web.json_response({"errors": [problem], "data": None})

    def _change(self, document: str, variables: dict[str, Any]) -> dict[str, Any]:
        done: dict[str, Any] = {}
        for number, call in re.findall(r"\bc(\d+):(\w+)", document):
            prefix = f"c{number}_"
            arguments = {
                key.removeprefix(prefix): value for key, value in variables.items() if key.startswith(prefix)
            }
            done[f"c{number}"] = {"__typename": "Order", "id": "1"}
            if call == "createDraftOrder":
                self.made = True
            elif call == "deleteDraftOrder":
                done[f"c{number}"] = {"__typename": "DeletionResponse", "result": "DELETED", "message": None}
            elif hasattr(self.book, call) and (arguments.get("id") or arguments.get("orderId") or "1") == "1":
                self.book.do(Call(call, arguments))
        return done

    def _all(self) -> list[Any]:
        """Without a default left out, as GraphQL answers."""
        rows = [*self.orders, *([self.book.order] if self.made else [])]
        return [msgspec.to_builtins(row) for row in rows]

    def _ReadOrder(self, id: str) -> Any:  # noqa: N802, A002
        return {"order": next((row for row in self._all() if row["id"] == id), None)}

    def _ListOrders(self, options: dict[str, Any]) -> Any:  # noqa: N802
        return {"orders": listed(self._all(), options, self.limit)}

    _ListKeys = _ListOrders

    def _Server(self) -> Any:  # noqa: N802
        fields = {"Order": FULL.order_fields, "OrderLine": FULL.line_fields, "ProductVariant": FULL.variant_fields}
        listed = [
            {"entityName": name, "customFields": [{"name": one} for one in sorted(own)]}
            for name, own in fields.items()
        ]
        promise = {"code": "marketplace", "enabled": True, "handler": {"code": "olhubd-payment"}}
        return {
            "globalSettings": {"serverConfig": {"entityCustomFields": listed}},
            **self._Channel(),
            "paymentMethods": {"items": [promise]},
        }

    def _Channel(self) -> Any:  # noqa: N802
        return {"activeChannel": {"id": "1", "code": "default", "defaultCurrencyCode": "PLN"}}

    def _States(self) -> Any:  # noqa: N802
        names = ("Draft", "PaymentSettled", "Shipped", "Cancelled")
        return {"globalSettings": {"serverConfig": {"orderProcess": [{"name": name} for name in names]}}}

    def _ShippingMethods(self) -> Any:  # noqa: N802
        method = {"id": "7", "code": "m", "name": "Method", "calculator": {"code": "olhubd-shipping"}}
        return {"shippingMethods": {"items": [method]}}

    def _CountOrders(self, filter: Any) -> Any:  # noqa: N802, A002
        return {"orders": {"totalItems": len(self.orders)}}

    def _Strays(self, before: str) -> Any:  # noqa: N802
        return {"activeAdministrator": {"id": "1"}, "orders": {"items": []}}

    def _Notes(self, id: str) -> Any:  # noqa: N802, A002
        return {"order": {"history": {"items": [{"id": "1", "data": {"note": "x"}}]}}}

    def _FindVariants(self, options: dict[str, Any]) -> Any:  # noqa: N802
        ((_, only),) = options["filter"].items()
        found = [
            {"id": id_, "sku": sku, "name": sku, "customFields": {"ean": None}}
            for sku, id_ in CODES.items()
            if sku in only["in"]
        ]
        return {"productVariants": {"items": found}}


def _json(data: Any, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"data": data}, headers=headers)
