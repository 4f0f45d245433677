"""Imports of products: how each account is imported, and what each import brought. One is asked for by a fetch."""

from __future__ import annotations

from olhubd.control.api.lookup import known_account
from olhubd.control.api.schema.base import Nothing
from olhubd.control.api.schema.imports import ImportAccountPage, ImportAccountRow, ImportPage, ImportsQuery
from olhubd.control.api.schema.runs import RunRow
from olhubd.control.http.routes import Call, route
from olhubd.engine.errors import NotPossible
from olhubd.engine.feed.manual import FetchRefused
from olhubd.engine.hub import Hub
from olhubd.plugin import ProductFeed
from olhubd.store import runs

__all__ = ["ROUTES"]


async def listing(call: Call[ImportsQuery, Nothing]) -> ImportPage:
    """The imports of products, the newest first; those that found nothing share a row and count in `polls`."""
    asked, hub = call.query, call.hub
    await known_account(hub, "account", asked.account)
    await hub.runs.flush()
    found = await runs.imports(hub.database.reader, account=asked.account, before=asked.before, limit=asked.limit)
    return ImportPage(items=tuple(map(RunRow.of, found)), next=found[-1].id if len(found) == asked.limit else None)


async def accounts(call: Call[Nothing, Nothing]) -> ImportAccountPage:
    """The accounts whose products are read: when, whether one import runs or is due, and how the last one ended."""
    hub = call.hub
    rows = [
        await _standing(hub, name)
        for name, config in sorted(hub.configuration.accounts.items())
        if config.products.read
    ]
    return ImportAccountPage(items=tuple(rows))


async def _standing(hub: Hub, name: str) -> ImportAccountRow:
    settings = hub.configuration.accounts[name].products
    last = hub.runs.latest.get((name, ProductFeed.name))
    try:
        unit = hub.unit(name)
    except NotPossible as error:
        return ImportAccountRow.of(name, settings, None, last, str(error))
    poller = unit.feeds.poller
    reader = poller.products if poller is not None else None
    why: str | None = None
    try:
        unit.importing()
    except FetchRefused:
        pass  # it says when it is possible again
    except NotPossible as error:
        why = str(error)
    return ImportAccountRow.of(name, settings, await reader.standing() if reader is not None else None, last, why)


ROUTES = (
    route("GET", "/api/v1/imports", listing),
    route("GET", "/api/v1/imports/accounts", accounts),
)
