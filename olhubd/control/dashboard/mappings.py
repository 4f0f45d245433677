"""Mappings with what nobody mapped yet, and order lines without a product."""

from __future__ import annotations

from typing import Any

from olhubd.control.api import mappings
from olhubd.control.api.schema.mappings import MappingsQuery, UnlinkedQuery
from olhubd.control.dashboard.page import PageRequest, page
from olhubd.store.seen_values import SeenKind

__all__ = ["ROUTES"]


async def listing(visit: PageRequest) -> dict[str, Any]:
    asked = visit.query
    found = await visit.ask(mappings.listing, visit.checked(MappingsQuery, **asked))
    groups = [(kind, [one for one in found.items if one.kind is kind]) for kind in SeenKind]
    return {
        "groups": [(kind, rows) for kind, rows in groups if rows],
        "unmapped": found.unmapped,
        "asked": asked,
        "accounts": sorted(visit.hub.configuration.accounts),
        "kinds": tuple(SeenKind),
    }


async def unlinked(visit: PageRequest) -> dict[str, Any]:
    asked = visit.query
    found = await visit.ask(mappings.unlinked, visit.checked(UnlinkedQuery, **asked))
    return {"found": found, "asked": asked, "accounts": sorted(visit.hub.configuration.accounts)}


ROUTES = (
    page("/mappings", "mappings.html", listing),
    page("/unlinked", "unlinked.html", unlinked),
)
