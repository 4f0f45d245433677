"""A feed of orders for connectors in memory, which answer for it themselves."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from olhubd.plugin import Cursor, OrderFeed, Page, Sweep

__all__ = ["Told"]


class Told(OrderFeed, Sweep):
    """Hands each call on to its connector. The attribute that holds it is made in `__init__`, as any part's is."""

    def __init__(self, connector: Any) -> None:
        self.connector = connector

    async def start(self, since: datetime | None) -> Cursor:
        return await self.connector.start(since)  # type: ignore[no-any-return]

    async def pull(self, cursor: Cursor) -> Page:
        return await self.connector.pull(cursor)  # type: ignore[no-any-return]

    async def sweep(self, since: datetime, cursor: Cursor | None) -> Page:
        return await self.connector.sweep(since, cursor)  # type: ignore[no-any-return]
