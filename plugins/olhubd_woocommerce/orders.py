"""Orders in: the feed, its sweep, one order by its number, and how many there are."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import msgspec

from olhubd.plugin import (
    ContractBroken,
    Cursor,
    Gone,
    NotFound,
    OrderCount,
    OrderFeed,
    OrderLookup,
    Page,
    Record,
    Sweep,
    Temporary,
    Unreadable,
    decode,
    guarded,
)
from olhubd_woocommerce import mapping, wire
from olhubd_woocommerce.client import Shop
from olhubd_woocommerce.feed import FeedCursor, ListPart, OrderList, gmt
from olhubd_woocommerce.parcels import Parcels
from olhubd_woocommerce.settings import WooCommerceSettings
from olhubd_woocommerce.single import number_of

__all__ = ["Orders"]


class Orders(OrderFeed, Sweep, OrderCount, OrderLookup):
    """The orders of one shop."""

    def __init__(self, shop: Shop, settings: WooCommerceSettings, parcels: Parcels) -> None:
        self._shop = shop
        self._settings = settings
        self._parcels = parcels
        self._list = OrderList(shop, settings.overlap)

    async def start(self, since: datetime | None) -> Cursor:
        mark = await self._list.newest() if since is None else FeedCursor(gmt(since), running=True)
        return mark.text()

    async def pull(self, cursor: Cursor) -> Page:
        return await self._page(await self._list.pull(cursor), cursor)

    async def sweep(self, since: datetime, cursor: Cursor | None) -> Page:
        return await self._page(await self._list.sweep(since, cursor), cursor)

    async def _page(self, found: ListPart, before: Cursor | None) -> Page:
        records: list[Record] = []
        for row in found.rows:
            try:
                record = await self._record(row.head.id, bytes(row.raw))
            except Temporary as error:
                # What was read so far cannot land without a cursor of its own, and reading it again costs little.
                if before is None:
                    raise
                return Page(records=(), cursor=before, failure=error)
            if record is not None:
                records.append(record)
        return Page(records=records, cursor=found.cursor, more=found.more, failure=found.failure)

    async def _record(self, order_id: int, raw: bytes) -> Record | None:
        """The order as ours; None for what is no order."""
        order = guarded(raw, str(order_id), partial(_decoded, order_id))
        if isinstance(order, Unreadable):
            return order
        if order.status in wire.NO_ORDERS:
            return None
        if order.status == "trash":
            return Gone(external_id=str(order_id))
        shipments = await self._parcels.fulfilled(order)
        return guarded(raw, str(order_id), lambda _: mapping.read(order, self._settings, shipments))

    async def count_orders(self, since: datetime, until: datetime) -> int:
        return await self._list.count(since, until)

    async def read_order(self, external_id: str) -> Record:
        try:
            raw = await self._shop.get(f"/wc/v3/orders/{number_of(external_id)}", msgspec.Raw)
        except NotFound:
            return Gone(external_id=external_id)
        return await self._record(number_of(external_id), bytes(raw)) or Gone(external_id=external_id)


def _decoded(order_id: int, raw: bytes) -> wire.Order:
    order = decode(raw, wire.Order)
    if order.id != order_id:
        raise ContractBroken("the answer is another order's")
    return order
