"""The settings in force, with where each was written. Secrets are masked."""

from __future__ import annotations

from olhubd.config.effective import shown
from olhubd.control.api.schema.base import Nothing
from olhubd.control.api.schema.settings import Setting, Settings
from olhubd.control.http.routes import Call, route

__all__ = ["ROUTES"]


async def listing(call: Call[Nothing, Nothing]) -> Settings:
    """What the daemon works by now. A file that was changed since counts only after a reload."""
    configuration = call.hub.configuration
    items = tuple(Setting(key=one.key, value=one.value, origin=one.origin) for one in shown(configuration))
    return Settings(path=str(configuration.path), items=items)


ROUTES = (route("GET", "/api/v1/settings", listing),)
