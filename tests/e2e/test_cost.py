"""What a normal order costs: one call at the shop, and no look-up."""

from __future__ import annotations

from pathlib import Path

import structlog

from olhubd.store import accounts
from tests.e2e.test_hub import Seller


async def test_a_normal_order_is_not_looked_up(tmp_path: Path) -> None:
    """Its feed was read to its end before it came, so no earlier process can have sent it."""
    seller = Seller(tmp_path)
    seller.wanted = False
    seller.route.pop("status_back")
    with structlog.testing.capture_logs():
        async with seller.open():
            lineage = seller.hub.lineage

            async def reached() -> bool:
                # Whose shop it is, is asked beside all else, by reading an order.
                shop = await accounts.get(seller.database.reader, "shop")
                return lineage.settled("first") and shop is not None and shop.owner is not None

            await seller.until(reached)
            searches = seller.shop.calls.get("GET /wc/v3/orders", 0)
            seller.first.ledger.buy(20, paid=True)
            await seller.settled()
            assert seller.shop.calls["POST /wc/v3/orders"] == 20
            assert seller.shop.calls.get("GET /wc/v3/orders", 0) == searches
