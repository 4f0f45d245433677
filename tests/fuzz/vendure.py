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

from olhubd_kit.simulator import BookedOrder, Simulator
from olhubd_vendure import wire
from olhubd_vendure.abilities import RIGHTS
from olhubd_vendure.queries import Mutation
from tests.plugins.vendure.listing import ListTooLong, listed
from tests.plugins.vendure.test_draft import FULL, Book

__all__ = ["Duplicated", "VendureStandIn"]

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
        self.whole = False
        """Whether it makes an order by one call."""
        self.modern = True
        self.delivers = True
        self.rights = {name for names in RIGHTS for name in names}
        self.customers: set[str] = set()
        self.disabled: set[str] = set()
        self.notes = ["x"]
        self.skus = dict(CODES)
        self.checked = True
        self.failing: dict[str, dict[str, Any]] = {}
        """The problem that a mutation ends with, by its name."""
        self.refusing: dict[str, Any] | None = None
        self.asked: list[str] = []
        self.drafts: dict[str, datetime] = {}
        """Empty drafts of ours without a mark, each with the time when it was made."""

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return [web.post("/admin-api", self._answer)]

    def settings(self, base: str) -> dict[str, Any]:
        return {"url": base, "username": "u", "password": "p", "placeholder_sku": "ANY", "shipping_method": "m"}

    def books(self) -> list[BookedOrder]:
        return []

    async def _answer(self, request: web.Request) -> web.Response:
        asked = json.loads(await request.read())
        name, variables = asked["operationName"], asked["variables"]
        self.asked.append(name)
        if name == "Login":
            return _json({"login": {"__typename": "CurrentUser"}}, {"vendure-auth-token": "secret-token"})
        if asked["query"].startswith("mutation"):
            for call, problem in self.failing.items():
                if call in name.split("_"):
                    return web.json_response({"errors": [problem], "data": None})
            try:
                return _json(self._change(asked["query"], variables))
            except Duplicated:
                return _refusal("INTERNAL_SERVER_ERROR", "UNIQUE constraint failed: order.externalId", 200)
        try:
            return _json(getattr(self, f"_{name}")(**variables))
        except ListTooLong as error:
            return _refusal("USER_INPUT_ERROR", str(error), 200)
        except Unheard as error:
            return _refusal(error.code, str(error), 400)

    def _change(self, document: str, variables: dict[str, Any]) -> dict[str, Any]:
        done: dict[str, Any] = {}
        for number, call in re.findall(r"\bc(\d+):(\w+)", document):
            prefix = f"c{number}_"
            arguments = {
                key.removeprefix(prefix): value for key, value in variables.items() if key.startswith(prefix)
            }
            done[f"c{number}"] = {"__typename": "Order", "id": "1"}
            if call == "createMarketplaceOrder":
                if self.refusing is not None:
                    done[f"c{number}"] = {"order": None, "refusal": self.refusing}
                    continue
                self.made = True
                self.book.make(arguments["input"])
                done[f"c{number}"] = {"order": {"id": "1"}, "refusal": None}
                continue
            if call == "addNoteToOrder":
                self.notes.append(arguments["input"]["note"])
            if call == "createDraftOrder":
                self.made = True
            elif call == "deleteDraftOrder":
                self.drafts.pop(arguments["orderId"], None)
                done[f"c{number}"] = {"__typename": "DeletionResponse", "result": "DELETED", "message": None}
            elif (state := self._act(call, arguments)) is not None:
                done[f"c{number}"]["state"] = state
            elif hasattr(self.book, call) and (arguments.get("id") or arguments.get("orderId") or "1") == "1":
                self.book.do(Mutation(call, arguments))
        return done

    def _act(self, call: str, arguments: dict[str, Any]) -> str | None:
        """What moves an order that stands there; the state that it answers with, None for another call."""
        given = arguments.get("input", {})
        match call:
            case "addFulfillmentToOrder":
                named = {part["orderLineId"] for part in given["lines"]}
                place = next(n for n, o in enumerate(self.orders) if named & {line.id for line in o.lines})
                parts = [
                    wire.FulfillmentLine(order_line_id=p["orderLineId"], quantity=p["quantity"])
                    for p in given["lines"]
                ]
                told = {one["name"]: one["value"] for one in given["handler"]["arguments"]}
                made = wire.Fulfillment(
                    id="1",
                    state="Pending",
                    method=told["method"],
                    created_at=self.orders[place].created_at,
                    tracking_code=told["trackingCode"],
                    lines=parts,
                )
                self._set(place, fulfillments=[*(self.orders[place].fulfillments or []), made])
                return "Pending"
            case "transitionFulfillmentToState":
                for place, order in enumerate(self.orders):
                    parcels = [
                        msgspec.structs.replace(one, state=arguments["state"]) if one.id == arguments["id"] else one
                        for one in order.fulfillments or []
                    ]
                    if parcels != order.fulfillments:
                        sent = {"state": arguments["state"]} if arguments["state"] != "Cancelled" else {}
                        self._set(place, fulfillments=parcels, **sent)
                        return str(arguments["state"])
            case "addManualPaymentToOrder":
                for place, order in enumerate(self.orders):
                    if order.id == given["orderId"]:
                        paid = wire.Payment(
                            id="2",
                            method=given["method"],
                            amount=order.total_with_tax,
                            state="Settled",
                            created_at=order.created_at,
                        )
                        self._set(place, payments=[*(order.payments or []), paid], state="PaymentSettled")
                        return "PaymentSettled"
            case "cancelOrder":
                for place, order in enumerate(self.orders):
                    if order.id == given["orderId"]:
                        self._set(place, state="Cancelled")
                        return "Cancelled"
        return None

    def _set(self, place: int, **changes: Any) -> None:
        self.orders[place] = msgspec.structs.replace(self.orders[place], **changes)

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
        return {
            "globalSettings": {"serverConfig": {"entityCustomFields": listed}},
            **self._Channel(),
            "me": {"channels": [{"id": "1", "permissions": sorted(self.rights)}]},
        }

    def _PaymentMethods(self, options: Any) -> Any:  # noqa: N802
        checker = {"code": "olhubd-only"} if self.checked else None
        promise = {"id": "1", "code": "marketplace", "enabled": True, "handler": {"code": "olhubd-payment"}}
        return {"paymentMethods": {"totalItems": 1, "items": [{**promise, "checker": checker}]}}

    def _Whole(self) -> Any:  # noqa: N802
        if not self.whole:
            raise Unheard("GRAPHQL_VALIDATION_FAILED", 'Cannot query field "marketplaceOrders" on type "Query".')
        return {"marketplaceOrders": 1}

    def _Marks(self) -> Any:  # noqa: N802
        names = ("productVariantId", "quantity", *(["customFields"] if self.modern else []))
        return {"input": {"inputFields": [{"name": name} for name in names]}}

    def _FindCustomer(self, email: str) -> Any:  # noqa: N802
        known = [{"id": "77", "emailAddress": email, "user": {"id": "7"}}] if email in self.customers else []
        return {"customers": {"items": known}}

    def _Channel(self) -> Any:  # noqa: N802
        return {"activeChannel": {"id": "1", "code": "default", "defaultCurrencyCode": "PLN"}}

    def _States(self) -> Any:  # noqa: N802
        names = ("Draft", "PaymentSettled", "Shipped", "Cancelled")
        return {"globalSettings": {"serverConfig": {"orderProcess": [{"name": name} for name in names]}}}

    def _ShippingMethods(self, options: Any) -> Any:  # noqa: N802
        method = {"id": "7", "code": "m", "name": "Method", "calculator": {"code": "olhubd-shipping"}}
        methods = [method] if self.delivers else []
        return {"shippingMethods": {"totalItems": len(methods), "items": methods}}

    def _CountOrders(self, filter: Any) -> Any:  # noqa: N802, A002
        return {"orders": {"totalItems": len(self.orders)}}

    def _Strays(self, options: Any) -> Any:  # noqa: N802
        before = datetime.fromisoformat(options["filter"]["createdAt"]["before"])
        mine = {"items": [{"id": "1", "administrator": {"id": "1"}}]}
        empty = {"state": "Draft", "totalQuantity": 0, "customFields": {"externalId": None}, "history": mine}
        items = [{"id": id_, **empty} for id_, at in self.drafts.items() if at < before]
        return {"activeAdministrator": {"id": "1"}, "orders": {"items": items}}

    def _Notes(self, id: str, options: Any) -> Any:  # noqa: N802, A002
        notes = [{"id": str(number), "data": {"note": note}} for number, note in enumerate(self.notes)]
        return {"order": {"history": {"totalItems": len(notes), "items": notes}}}

    def _FindVariants(self, options: dict[str, Any]) -> Any:  # noqa: N802
        ((_, only),) = options["filter"].items()
        found = [
            {
                "id": id_,
                "sku": sku,
                "name": sku,
                "enabled": sku not in self.disabled,
                "product": {"enabled": True},
                "customFields": {"ean": None},
            }
            for sku, id_ in self.skus.items()
            if sku in only["in"]
        ]
        return {"productVariants": {"totalItems": len(found), "items": found}}


class Duplicated(Exception):
    """A unique field has the value already."""


class Unheard(Exception):
    """The document is not known to the server."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def _refusal(code: str, text: str, status: int) -> web.Response:
    problem = {"message": text, "extensions": {"code": code}}
    return web.json_response({"errors": [problem], "data": None}, status=status)


def _json(data: Any, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"data": data}, headers=headers)
