"""A route of the dashboard; the shape alone, so that assets need no pages."""

from __future__ import annotations

from typing import NamedTuple

from aiohttp.typedefs import Handler

__all__ = ["PageRoute"]


class PageRoute(NamedTuple):
    method: str
    path: str
    handler: Handler
