"""The dashboard: pages for people, made on the server, with a small script that keeps them fresh.

It asks the same handlers as the API and adds no powers. A browser needs a session, begun with a token,
whichever way it comes: over the Unix socket too, since a proxy or a forwarded port would lend its rights to all.
"""

from __future__ import annotations

from aiohttp import web

from olhubd.control.dashboard import (
    account_settings,
    accounts,
    api_docs,
    assets,
    customers,
    journal,
    login,
    made_offers,
    mappings,
    offers,
    order_commands,
    orders,
    oversold,
    overview,
    own_statuses,
    products,
    runs,
    settings,
    sign_in,
    stock,
    stock_plans,
    stream,
    tokens,
    waiting,
)
from olhubd.control.dashboard.state import DESK, PageState
from olhubd.control.http import access
from olhubd.control.http.context import CONTEXT

__all__ = ["ROUTES", "install"]

ROUTES = (
    *login.ROUTES,
    *assets.ROUTES,
    *overview.ROUTES,
    *orders.ROUTES,
    *order_commands.ROUTES,
    *customers.ROUTES,
    *waiting.ROUTES,
    *stock.ROUTES,
    *stock_plans.ROUTES,
    *oversold.ROUTES,
    *offers.ROUTES,
    *made_offers.ROUTES,
    *products.ROUTES,
    *journal.ROUTES,
    *runs.ROUTES,
    *accounts.ROUTES,
    *account_settings.ROUTES,
    *sign_in.ROUTES,
    *mappings.ROUTES,
    *own_statuses.ROUTES,
    *settings.ROUTES,
    *tokens.ROUTES,
    *api_docs.ROUTES,
    *stream.ROUTES,
)


def install(app: web.Application) -> None:
    """Serve the pages with `app`, whose context is set."""
    app[DESK] = PageState(app[CONTEXT].keyring, app[CONTEXT].hub.clock)
    app[access.PAGES] = frozenset(route.path for route in ROUTES)
    for route in ROUTES:
        app.router.add_route(route.method, route.path, route.handler)
    app.on_shutdown.append(_close)


async def _close(app: web.Application) -> None:
    app[DESK].closing.set()
