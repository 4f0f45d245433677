"""The settings in force with where each was written, and the plugins that are installed."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from olhubd.config.effective import HIDDEN
from olhubd.control.api import settings, system
from olhubd.control.dashboard.page import PageRequest, page

__all__ = ["ROUTES"]


async def listing(visit: PageRequest) -> dict[str, Any]:
    found = await visit.ask(settings.listing)
    sections = groupby(found.items, key=lambda one: _section(one.key))
    return {"path": found.path, "sections": [(name, list(rows)) for name, rows in sections], "hidden": HIDDEN}


def _section(key: str) -> str:
    """The table of a key, as people write it: accounts.shop, routes.0, engine."""
    parts = key.split(".")
    return ".".join(parts[:2]) if parts[0] in ("accounts", "routes") else parts[0]


async def plugins(visit: PageRequest) -> dict[str, Any]:
    return {"plugins": (await visit.ask(system.plugins)).items}


ROUTES = (
    page("/settings", "settings.html", listing),
    page("/plugins", "plugins.html", plugins),
)
