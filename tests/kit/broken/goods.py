"""What is packed wrong: goods, recipients, buyers, parcels, carriers; and lists that are read by offset."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec.structs import replace

from olhubd.model import Order, Shipment, Stage
from olhubd.plugin import ContractBroken, Cursor, Difference, Page, Push, Receipt, Unreadable, decode
from olhubd_tinyshop.connector import Listing, read, receipt
from olhubd_tinyshop.mapping import Sold, compared, to_basket
from tests.kit.broken.good import GoodFeed, GoodSink, GoodSmall, Held, Parcel, breaks
from tests.kit.broken.records import Retelling


@breaks("ORDER-10")
class ForgetsTheSku(Retelling):
    """Every line is one without a product."""

    def retell(self, order: Order) -> Order:
        return replace(order, lines=tuple(replace(line, sku=None) for line in order.lines))


@breaks("ORDER-11")
class ForgetsTheAddress(Retelling):
    """Nobody knows where to send it."""

    def retell(self, order: Order) -> Order:
        return replace(order, shipping=replace(order.shipping, address=None))


@breaks("ORDER-12")
class ForgetsTheBuyer(Retelling):
    """All orders are one stranger's."""

    def retell(self, order: Order) -> Order:
        return replace(order, buyer=replace(order.buyer, external_id=None, login=None, email=None))


@breaks("ORDER-13")
class SendsWhatWasRefunded(Retelling):
    """Takes an order whose money went back for one to carry out."""

    def retell(self, order: Order) -> Order:
        return replace(order, stage=Stage.CONFIRMED) if order.external_stage == "refunded" else order


@breaks("FEED-06", "FEED-09", "FEED-16", "FEED-18", "MERGE-02")
class PullsByOffset(GoodFeed):
    """Takes a place in the list for a place in time: what leaves its place moves all others up."""

    async def pull(self, cursor: Cursor) -> Page:
        return await _by_offset(self, "/journal", {}, cursor)


@breaks("SWEEP-06")
class SweepsByOffset(GoodFeed):
    """The same in the sweep."""

    async def sweep(self, since: datetime, cursor: Cursor | None) -> Page:
        return await _by_offset(self, "/orders", {"since": since.isoformat()}, cursor or Cursor("0"))


async def _by_offset(shop: GoodFeed, path: str, query: dict[str, str | int], cursor: Cursor) -> Page:
    rows: list[msgspec.Raw] = []
    after, more = 0, True
    while more:
        found = await shop.http.get(path, Listing, {**query, "after": after, "limit": 50})
        rows += found.orders
        after, more = found.position, found.more
    offset = int(cursor)
    page = [read(raw) for raw in rows[offset : offset + 20]]
    end = min(len(rows), offset + 20)
    return Page(records=page, cursor=Cursor(str(end)), more=end < len(rows))


@breaks("SWEEP-07")
class EndsASweepAtAShortPage(GoodFeed):
    """Fewer orders than were asked for are taken for the last ones."""

    async def sweep(self, since: datetime, cursor: Cursor | None) -> Page:
        page = await super().sweep(since, cursor)
        return replace(page, more=page.more and len(page.records) >= self.settings.page_size)


@breaks("SHIP-04")
class SendsEverythingAtOnce(GoodSmall):
    """Whatever a parcel names, it is the whole order's."""

    def parcel(self, order: Held, shipment: Shipment) -> Parcel:
        return replace(super().parcel(order, shipment), lines=[])


@breaks("SHIP-05")
class SendsTheFirstLineOnly(GoodSmall):
    """A parcel that names no lines holds the first one."""

    def parcel(self, order: Held, shipment: Shipment) -> Parcel:
        made = super().parcel(order, shipment)
        return replace(made, lines=made.lines or [order.lines[0].id])


@breaks("SHIP-06")
class GoesByAnybody(GoodSmall):
    """Each parcel goes by another carrier than it goes by."""

    def parcel(self, order: Held, shipment: Shipment) -> Parcel:
        return replace(super().parcel(order, shipment), carrier="OTHER")


class _Believing(GoodSmall):
    """Takes any answer without an error for "done"."""

    async def change(self, external_id: str, what: str, value: str | Parcel) -> Held:
        return await self.http.call("POST", f"/orders/{external_id}/{what}", Held, json=value)


@breaks("STATUS-06", "PAY-04", "SHIP-07", "CANCEL-05")
class BelievesWhatIsAnswered(_Believing):
    """Never looks at what came back."""


@breaks("PUSH-14")
class ComparesTheSumOnly(GoodSink):
    """Takes an order of the right sum for a whole one."""

    async def push_order(self, push: Push) -> Receipt:
        return replace(await super().push_order(push), differences=())

    async def compare_order(self, push: Push, found: Receipt) -> Receipt:
        return found


@breaks("PUSH-15")
class FindsFaultWithEverything(GoodSink):
    """Compares what the shop writes in its own way."""

    async def push_order(self, push: Push) -> Receipt:
        found = Difference(field="recipient.street", what="is another one")
        receipt = await super().push_order(push)
        return replace(receipt, differences=(*receipt.differences, found))


@breaks("PUSH-16")
class WritesToTheBuyer(GoodSink):
    """Lets the shop tell the buyer what the marketplace has told already."""

    async def push_order(self, push: Push) -> Receipt:
        basket = to_basket(push, await self.http.get("/skus", list[str]))
        if any(item.sku is None for item in basket.lines):
            return await super().push_order(push)
        basket.notify = True
        sold = await self.http.call("POST", "/orders", Sold, json=basket)
        return replace(receipt(sold), differences=compared(basket, sold).differences)


class Noted(msgspec.Struct):
    """An order as one reads it who needs its note."""

    id: str
    note: str | None


@breaks("FEED-17")
class FallsOverANote(GoodFeed):
    """Reads each field as strictly as the sum."""

    async def _page(self, path: str, query: dict[str, str | int]) -> Page:
        page = await super()._page(path, query)
        records = list(page.records)
        for place, record in enumerate(records):
            raw = await self.http.get(f"/orders/{record.external_id}", msgspec.Raw)
            try:
                decode(bytes(raw), Noted)
            except ContractBroken as error:
                records[place] = Unreadable(external_id=record.external_id, reason=str(error), raw=bytes(raw))
        return replace(page, records=records)
