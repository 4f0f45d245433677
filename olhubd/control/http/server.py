"""The endpoint itself: the application with its routes and guards, and the sockets it listens on."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from olhubd.control import dashboard, doctor
from olhubd.control.api import (
    account_settings,
    accounts,
    alarms,
    customer_export,
    customers,
    deliveries,
    events,
    export,
    health,
    hold_causes,
    imports,
    journal,
    links,
    list_prices,
    mappings,
    metrics,
    offer_commands,
    offer_making,
    offers,
    openapi,
    order_commands,
    orders,
    oversold,
    own_statuses,
    prices,
    products,
    quarantine,
    runs,
    sales_stops,
    settings,
    sign_in,
    stock,
    stock_plans,
    strangers,
    system,
    tokens,
)
from olhubd.control.http import access, connections, problem
from olhubd.control.http.api_tokens import ApiTokens
from olhubd.control.http.context import CONTEXT, Context
from olhubd.control.http.login_throttle import LoginThrottle
from olhubd.control.http.routes import Endpoint, endpoint
from olhubd.control.http.sockets import LimitedSite, ListeningSockets
from olhubd.control.process_control import ProcessControl
from olhubd.engine.hub import Hub

__all__ = ["ROUTES", "application", "serve"]

ROUTES: tuple[Endpoint, ...] = (
    *health.ROUTES,
    *metrics.ROUTES,
    *system.ROUTES,
    *accounts.ROUTES,
    *account_settings.ROUTES,
    *sign_in.ROUTES,
    *export.ROUTES,
    *orders.ROUTES,
    *order_commands.ROUTES,
    *customer_export.ROUTES,
    *customers.ROUTES,
    *deliveries.ROUTES,
    *hold_causes.ROUTES,
    *runs.ROUTES,
    *quarantine.ROUTES,
    *strangers.ROUTES,
    *offer_commands.ROUTES,
    *offer_making.ROUTES,
    *prices.ROUTES,
    *list_prices.ROUTES,
    *products.ROUTES,
    *imports.ROUTES,
    *stock.ROUTES,
    *stock_plans.ROUTES,
    *oversold.ROUTES,
    *sales_stops.ROUTES,
    *offers.ROUTES,
    *links.ROUTES,
    *journal.ROUTES,
    *events.ROUTES,
    *mappings.ROUTES,
    *own_statuses.ROUTES,
    *settings.ROUTES,
    *alarms.ROUTES,
    *doctor.ROUTES,
    *tokens.ROUTES,
    *openapi.routes(lambda: ROUTES),
)
_wire = logging.getLogger("olhubd.control.wire")
# What fails in a handler is logged by our own guard. The rest is what strangers send that is no HTTP: the framework
# would log each with its bytes, before anybody has asked who they are.
_wire.setLevel(logging.CRITICAL)
_BODY_LIMIT = 64 * 1024
_MOST_TCP = 256
"""Connections at one time over TCP, where strangers may come from anywhere on this machine or beyond."""
_MOST_LOCAL = 64
"""Connections at one time over the Unix socket, which has places of its own."""
_LIMITS = connections.ConnectionLimits()
_LINGERS = 2.0
"""Seconds in which the rest of a body that nobody wanted is taken, so that the answer to it can be read."""
_MOST_WRONG = 20
"""Wrong tokens from one address in a minute; a program with an old one is not to be cut off at its first try."""
_LONGEST = max(30.0, *(route.limit for route in ROUTES))
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def application(hub: Hub, token: str, steer: ProcessControl) -> web.Application:
    """The endpoint without its sockets."""
    app = web.Application(
        middlewares=[connections.attend, problem.middleware, access.guard, _limit], client_max_size=_BODY_LIMIT
    )
    log = structlog.get_logger("olhubd.control")
    keyring = ApiTokens(token, hub)
    attempts = LoginThrottle(hub.clock, _MOST_WRONG)
    app[CONTEXT] = Context(hub=hub, signins=hub.sign_ins, steer=steer, keyring=keyring, attempts=attempts, log=log)
    app[access.SCOPES] = {(route.method, route.path): route.scope for route in ROUTES}
    app[openapi.DOCUMENT] = lambda: openapi.document(ROUTES)
    app.on_startup.append(_load)
    app.on_shutdown.append(_close)
    for route in ROUTES:
        app.router.add_route(route.method, route.path, endpoint(route))
    dashboard.install(app)
    # A plugin's routes come behind the same guards.
    hub.configuration.plugins.manager.hook.olhubd_register_routes(app=app)
    app.on_response_prepare.append(_harden)
    return app


async def _load(app: web.Application) -> None:
    await app[CONTEXT].keyring.load()


async def _close(app: web.Application) -> None:
    app[CONTEXT].closing.set()


@web.middleware
async def _limit(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A limit for handlers that have none of their own, which are the plugins'. Pages have, and one is a stream."""
    resource = request.match_info.route.resource
    if resource is not None and resource.canonical in request.app[access.PAGES]:
        return await handler(request)
    async with asyncio.timeout(_LONGEST):
        return await handler(request)


async def _harden(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = "olhubd"
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)


@contextlib.asynccontextmanager
async def serve(
    hub: Hub, doors: ListeningSockets, token: str, steer: ProcessControl
) -> AsyncIterator[tuple[str, ...]]:
    """Answer at the doors that were opened; returns their addresses."""
    app = application(hub, token, steer)
    app[CONTEXT].addresses = doors.addresses()
    runner = web.AppRunner(
        app,
        access_log=_wire,
        access_log_class=connections.AnswerLogger,
        logger=_wire,
        handle_signals=False,
        shutdown_timeout=5.0,
        keepalive_timeout=_LIMITS.idle,
        lingering_time=_LINGERS,
    )
    await runner.setup()
    try:
        if doors.unix is not None:
            await LimitedSite(
                runner, doors.unix, connections.ConnectionLimiter(connections.places(_MOST_LOCAL), _LIMITS)
            ).start()
        outside = connections.ConnectionLimiter(connections.places(_MOST_TCP), _LIMITS)
        for end in doors.tcp:
            await LimitedSite(runner, end, outside, doors.tls).start()
        yield doors.addresses()
    finally:
        await runner.cleanup()
