"""An order sink that takes two calls for an order, as it should be, and what it may forget of that."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from olhubd.plugin import UNLINKED, Push, Receipt, Rejected, Unlinked
from olhubd_tinyshop.connector import receipt
from olhubd_tinyshop.mapping import Basket, Sold, compared, to_basket
from tests.kit.broken.good import GoodSink, breaks

__all__ = ["GoodDrafts"]


class GoodDrafts(GoodSink):
    """Makes a draft first, and an order of it with a second call; finds whole orders only."""

    async def push_order(self, push: Push) -> Receipt:
        basket = to_basket(push, await self.http.get("/skus", list[str]))
        lines = zip(push.order.lines, basket.lines, strict=False)
        unlinked = tuple(Unlinked(line_id=a.external_id, name=a.name) for a, b in lines if b.sku is None)
        if unlinked and not push.free_lines:
            raise Rejected("lines have no product in the shop", code=UNLINKED)
        draft = await self.marked(push.reference)
        if draft is not None and draft.state == "draft" and self.stale(draft, basket):
            await self.change(draft.id, "state", "cancelled")
            draft = None
        if draft is None:
            draft = await self.http.call("POST", "/orders", Sold, query={"state": "draft"}, json=basket)
        if draft.state == "draft":
            draft = await self.http.call("POST", f"/orders/{draft.id}/state", Sold, json="ready")
        return replace(receipt(draft, unlinked), differences=compared(basket, draft).differences)

    def stale(self, draft: Sold, basket: Basket) -> bool:
        """Whether the draft was begun with another content."""
        begun = {name: getattr(draft, name) for name in Basket.__struct_fields__}
        begun["lines"] = [replace(line, id="") for line in draft.lines]
        return Basket(**begun) != basket

    async def marked(self, reference: str) -> Sold | None:
        hits = await self.http.get("/search", list[Sold], {"text": reference})
        return next((hit for hit in hits if hit.reference == reference and hit.state != "cancelled"), None)

    async def find_order(self, reference: str, age: timedelta | None) -> Receipt | None:
        found = await self.marked(reference)
        return None if found is None or found.state == "draft" else receipt(found)

    async def withdraw_order(self, reference: str) -> None:
        found = await self.marked(reference)
        if found is not None and found.state == "draft":
            await self.change(found.id, "state", "cancelled")


@breaks("ONCE-09")
class LeavesTheDraft(GoodDrafts):
    """Takes nothing back of what it began."""

    async def withdraw_order(self, reference: str) -> None:
        return


@breaks("ONCE-11")
class FinishesWhatWasBegun(GoodDrafts):
    """Makes an order of the draft that is there, whatever the order has become since."""

    def stale(self, draft: Sold, basket: Basket) -> bool:
        return False
