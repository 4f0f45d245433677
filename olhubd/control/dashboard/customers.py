"""Customers: the list with its search, the card with the orders of one, and a file of those that are meant."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import msgspec
from aiohttp import web

from olhubd.control.api import customer_export, customers, filters
from olhubd.control.api.schema.customers import CustomerExportQuery, CustomerQuery, CustomersQuery
from olhubd.control.dashboard.page import PageRequest, button, file, older, page
from olhubd.control.dashboard.state import Notice
from olhubd.control.http.problem import Refusal
from olhubd.model import CustomerKind, Reason, Scope

__all__ = ["ROUTES"]

_ROWS = ("all", "shown", "marked")
"""Which customers a file holds."""


async def listing(visit: PageRequest) -> dict[str, Any]:
    asked = {name: value.strip() for name, value in visit.query.items()}
    found = await visit.ask(customers.listing, visit.checked(CustomersQuery, **asked))
    return {
        "rows": found.items,
        "asked": asked,
        "accounts": sorted(await filters.known(visit.hub)),
        "kinds": tuple(CustomerKind),
        "ways": _ROWS,
        "older": older("/customers", asked, found.next),
        "newest": urlencode({name: value for name, value in asked.items() if name != "before"}),
    }


async def card(visit: PageRequest) -> dict[str, Any]:
    asked = {name: value.strip() for name, value in visit.query.items()}
    found = await visit.ask(customers.card, visit.checked(CustomerQuery, **asked))
    path = f"/customers/{found.customer.id}"
    return {"card": found, "asked": asked, "older": older(path, asked, found.next), "newest": ""}


async def export(visit: PageRequest) -> web.Response:
    """All customers that the filters let through, those of the page, or the marked ones, as a file."""
    query = visit.request.query
    asked: dict[str, object] = {"format": visit.query.get("format", "csv")}
    match visit.query.get("rows", "all"):
        case "marked":
            asked["id"] = query.getall("id", [])
            if not asked["id"]:
                raise Refusal(400, "parameter", Reason("customers.none-marked"), parameter="id")
        case "shown":
            asked["id"] = query.getall("shown", [])
            if not asked["id"]:
                # Without any number the file would have all customers.
                raise Refusal(400, "parameter", Reason("customers.none-shown"), parameter="shown")
        case _:
            asked |= {name: visit.query[name] for name in ("account", "kind", "text") if name in visit.query}
    return await visit.ask(customer_export.export, visit.checked(CustomerExportQuery, bom=True, **asked))


async def erase(visit: PageRequest) -> tuple[str, Notice | None]:
    if visit.form.get("sure") != "yes":
        raise Refusal(400, "parameter", Reason("customers.not-sure"), parameter="sure")
    done = await visit.ask(customers.erase)
    return "/customers", Notice("note.customer-erased", {"receipt": done.number, "orders": done.orders})


async def data(visit: PageRequest) -> web.Response:
    """Everything that is held about one customer, as a file."""
    found = await visit.ask(customers.data)
    name = f"customer-{found.customer.id}.json"
    return web.Response(
        body=msgspec.json.encode(found),
        content_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


ROUTES = (
    page("/customers", "customers.html", listing),
    file("/customers/export", export),
    page("/customers/{customer}", "customer.html", card),
    file("/customers/{customer}/data", data),
    button("/customers/{customer}/erase", erase, limit=60.0, scope=Scope.ADMIN),
)
