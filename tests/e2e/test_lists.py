"""A hub whose shop gives less than it is asked for."""

from __future__ import annotations

from olhubd_kit.faults import Fault, FaultKind
from tests.e2e.test_hub import Seller, seller

__all__ = ["seller"]

MUG = [{"sku": "KUB-BIA", "quantity": 1}]


async def test_capped_pages_double_no_order(seller: Seller) -> None:
    """One answer is lost and more orders than a page holds come after: the look-up has to reach the order."""
    seller.shop.pager.cap_pages(10)
    seller.shop.faults.add(Fault(kind=FaultKind.LOSE, match="POST .*/orders$", times=1))
    seller.first.ledger.buy(paid=True)

    async def placed() -> bool:
        return bool(seller.shop.books())

    await seller.until(placed)
    for _ in range(15):
        seller.shop.place_order(MUG)
    await seller.settled()
    assert len([entry for entry in seller.shop.books() if entry.reference]) == 1
