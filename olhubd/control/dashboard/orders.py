"""Orders: the list with its filters, and the card with everything that is known of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from olhubd.control.api import export as orders_export
from olhubd.control.api import filters, orders
from olhubd.control.api.schema.export import ExportQuery
from olhubd.control.api.schema.orders import OrderRow, OrdersQuery
from olhubd.control.dashboard.page import HEADERS, PageRequest, file, older, page
from olhubd.control.dashboard.progress import steps
from olhubd.engine.hub import Hub
from olhubd.model import Fulfilment, Money, Order, Stage
from olhubd.model.money import total
from olhubd.store import orders as stored

__all__ = ["ROUTES", "logins"]

_MORE = frozenset(
    {
        "connector",
        "fulfilment",
        "own_status",
        "placed_from",
        "placed_to",
        "amount_from",
        "amount_to",
        "text",
        "unlinked",
    }
)
"""Filters that are folded away until one is used."""


async def listing(visit: PageRequest) -> dict[str, Any]:
    asked = _asked(visit)
    found = await visit.ask(orders.listing, visit.checked(OrdersQuery, **asked))
    accounts = await filters.known(visit.hub)
    return {
        "rows": found.items,
        "logins": await logins(visit.hub, found.items),
        "asked": asked,
        "accounts": sorted(accounts),
        "connectors": sorted(set(accounts.values())),
        "stages": tuple(Stage),
        "fulfilments": tuple(Fulfilment),
        "own_statuses": {one.name: one.title for one in visit.hub.in_force.statuses().items},
        "more": not _MORE.isdisjoint(asked),
        "older": older("/orders", asked, found.next),
        "newest": urlencode({name: value for name, value in asked.items() if name != "before"}),
    }


async def find(visit: PageRequest) -> web.Response:
    """The one order that a number means, else the list of those that it may mean."""
    asked = visit.query.get("q", "").strip()
    found = (await visit.ask(orders.listing, visit.checked(OrdersQuery, q=asked, limit=2))).items if asked else ()
    if asked.removeprefix("#").isdecimal() and not found:
        asked = asked.removeprefix("#")
        found = (await visit.ask(orders.listing, visit.checked(OrdersQuery, q=asked, limit=2))).items
    goal = f"/{found[0].id}" if len(found) == 1 else f"?{urlencode({'q': asked})}" if asked else ""
    return web.Response(status=303, headers={**HEADERS, "Location": f"/orders{goal}"})


async def export(visit: PageRequest) -> web.Response:
    """The marked orders, or all that the filters let through, as a file."""
    asked: dict[str, object] = {name: value for name, value in _asked(visit).items() if name != "before"}
    if "id" in asked:  # those that are marked are meant, whatever the filters say meanwhile
        marked = visit.request.query.getall("id")
        asked = {"id": marked, "format": asked.get("format", "csv"), "rows": asked.get("rows", "orders")}
    return await visit.ask(orders_export.export, visit.checked(ExportQuery, bom=True, **asked))


def _asked(visit: PageRequest) -> dict[str, str]:
    return {name: value.strip() for name, value in visit.query.items()}


async def card(visit: PageRequest) -> dict[str, Any]:
    found = await visit.ask(orders.card)
    told = await orders.timeline(visit.hub, found.reference, visit.speech.voice)
    config = visit.hub.configuration.accounts.get(found.account)
    return {
        "card": found,
        "order": found.order,
        "told": told,
        "system": config.connector.title if config else None,
        "sums": _sums(found.order),
        "rest": _rest(found.order),
        "steps": steps(found),
        "can": {(one.name.value, one.target): one for one in found.actions},
        "owed": {one.id: one for one in found.owed},
    }


def _sums(order: Order) -> list[tuple[str, str | None, Money]]:
    """What the total is made of: a key of the catalogue, a name of the source's, the amount."""
    currency = order.total.currency
    rows: list[tuple[str, str | None, Money]] = [("sum.lines", None, total((i.sum for i in order.lines), currency))]
    if order.shipping.cost is not None:
        rows.append(("sum.shipping", order.shipping.method, order.shipping.cost))
    rows.extend(("sum.charge", charge.name or charge.kind, charge.sum) for charge in order.charges)
    cuts = [(cut.name or cut.kind, cut.amount) for cut in order.discounts]
    rows.extend(("sum.discount", name, -amount) for name, amount in cuts if amount is not None)
    if order.tax is not None:
        rows.append(("sum.tax", None, order.tax))
    return rows


def _rest(order: Order) -> Money | None:
    """What the buyer has still to pay, before any cash on delivery."""
    left = order.total - order.paid
    return left if left.amount > 0 else None


async def logins(hub: Hub, rows: Sequence[OrderRow]) -> dict[int, str]:
    """The buyers' logins. Lists name no person: a buyer without a login is left out."""
    found = await stored.read(hub.database.reader, [row.id for row in rows])
    return {id_: order.order.buyer.login for id_, order in found.items() if order.order.buyer.login}


ROUTES = (
    page("/orders", "orders.html", listing),
    file("/orders/export", export),
    file("/find", find),
    page("/orders/{order}", "order.html", card),
)
