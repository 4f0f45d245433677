"""More than two pages of orders in a real Vendure: each is told, whatever its identifiers are like.

The shop with olhubd's plugin numbers its orders, the plain one gives them identifiers without any order.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from olhubd.model import Order
from olhubd_kit.test_host import account
from olhubd_vendure import Vendure
from tests.e2e.shop import Shop

pytestmark = [pytest.mark.xdist_group("vendure"), pytest.mark.proves("vendure", "real-server")]

COUNT = 261
BEGUN = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
SECOND = timedelta(seconds=1)

MOMENTS = {
    "the first touched last": [BEGUN + SECOND * (number or COUNT) for number in range(COUNT)],
    "all at one instant": [BEGUN] * COUNT,
}


async def walked(shop: Vendure, way: str) -> set[str]:
    """The ids that one walk from before the first order tells."""
    found: set[str] = set()
    cursor = await shop.orders.start(BEGUN - SECOND) if way == "feed" else None
    while True:
        if way == "feed":
            assert cursor is not None
            page = await shop.orders.pull(cursor)
        else:
            page = await shop.orders.sweep(BEGUN - SECOND, cursor)
        found |= {record.external_id for record in page.records if isinstance(record, Order)}
        if not page.more:
            return found
        cursor = page.cursor


@pytest.mark.parametrize("kind", ["numbered", "unordered"])
@pytest.mark.parametrize("moments", MOMENTS.values(), ids=MOMENTS)
async def test_every_order_of_three_pages_is_told(
    vendure: Shop, plain_vendure: Shop, kind: str, moments: list[datetime]
) -> None:
    """Neither the feed nor the sweep passes over one."""
    server = vendure if kind == "numbered" else plain_vendure
    with server.clerk.placed(moments) as ids:
        async with account(Vendure, server.settings()) as shop:
            for way in ("feed", "sweep"):
                assert set(ids) <= await walked(shop, way), way
