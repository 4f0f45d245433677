"""The good connector from which the broken ones derive: the guide's plugin with all that its simulator can take.

And the mark by which a broken one says which rules it breaks.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import ClassVar, TypeVar

import msgspec

from olhubd.model import Address, Fulfilment, Money, Payment, Shipment
from olhubd.plugin import (
    Account,
    CancelSink,
    Client,
    Conflict,
    Cursor,
    DeliveryMethodList,
    Found,
    Gone,
    Identity,
    Method,
    NotFound,
    OrderLookup,
    OutcomeUnknown,
    Page,
    Parts,
    PaymentMethodList,
    PaymentSink,
    Probe,
    Record,
    Rejected,
    SellerProfile,
    ShipmentSink,
    Status,
    StatusList,
    StatusSink,
)
from olhubd_kit.simulator import Simulator
from olhubd_tinyshop.connector import Orders, TinyShop, read, receipt
from olhubd_tinyshop.mapping import Sold
from olhubd_tinyshop.settings import TinySettings
from tinyshop_simulator import TinyShopSimulator

__all__ = ["SINS", "GoodFeed", "GoodShop", "GoodSink", "GoodSmall", "Held", "Parcel", "breaks"]

WORDS = ("open", "ready", "packed")


class Parcel(msgspec.Struct):
    """A parcel of some lines, by the shop's ids; without any it is the whole order's."""

    number: str
    carrier: str
    lines: list[str]


class Held(Sold, kw_only=True):
    """An order with the parcels that were added to it."""

    parcels: list[Parcel]


class Told(Orders):
    """The shop's feed, which does as its connector has it, so that a broken connector is broken in one place."""

    def __init__(self, shop: GoodShop) -> None:
        self.shop = shop
        self.page_size = shop.settings.page_size

    @property
    def http(self) -> Client:  # type: ignore[override]
        """Whatever the connector calls by now."""
        return self.shop.http

    async def start(self, since: datetime | None) -> Cursor:
        return await self.shop.start(since)

    async def pull(self, cursor: Cursor) -> Page:
        return await self.shop.pull(cursor)

    async def sweep(self, since: datetime, cursor: Cursor | None) -> Page:
        return await self.shop.sweep(since, cursor)

    async def _page(self, path: str, query: dict[str, str | int]) -> Page:
        return await self.shop._page(path, query)

    async def page(self, path: str, query: dict[str, str | int]) -> Page:
        return await super()._page(path, query)


class Parcels(ShipmentSink):
    """The same for parcels."""

    def __init__(self, shop: GoodShop) -> None:
        self.shop = shop

    async def add_shipment(self, external_id: str, shipment: Shipment) -> None:
        await self.shop.add_shipment(external_id, shipment)


class GoodShop(
    TinyShop,
    OrderLookup,
    StatusSink,
    PaymentSink,
    CancelSink,
    StatusList,
    DeliveryMethodList,
    PaymentMethodList,
    Probe,
    SellerProfile,
):
    title = "Tiny Shop with everything"
    stand_in: ClassVar[type[Simulator]] = TinyShopSimulator
    """What it and its broken ones are tried against."""
    provides: ClassVar[Parts] = {Told: "told_orders", Parcels: "parcels"}

    def __init__(self, account: Account[TinySettings]) -> None:
        super().__init__(account)
        self.told_orders = Told(self)
        self.parcels = Parcels(self)

    async def start(self, since: datetime | None) -> Cursor:
        return await Orders.start(self.told_orders, since)

    async def pull(self, cursor: Cursor) -> Page:
        return await Orders.pull(self.told_orders, cursor)

    async def sweep(self, since: datetime, cursor: Cursor | None) -> Page:
        return await Orders.sweep(self.told_orders, since, cursor)

    async def _page(self, path: str, query: dict[str, str | int]) -> Page:
        return await self.told_orders.page(path, query)

    async def read_order(self, external_id: str) -> Record:
        try:
            return read(await self.http.get(f"/orders/{external_id}", msgspec.Raw))
        except NotFound:
            return Gone(external_id=external_id)

    numbered = True

    async def find_by_number(self, number: str) -> Found | None:
        try:
            sold = await self.http.get(f"/orders/{number}", Sold)
        except NotFound:
            return None
        return Found(**msgspec.structs.asdict(receipt(sold)), reference=sold.reference)

    async def held(self, external_id: str) -> Held:
        return await self.http.get(f"/orders/{external_id}", Held)

    async def change(self, external_id: str, what: str, value: str | Parcel) -> Held:
        # Sending any of these again is harmless only after a look; so the client must not do it by itself.
        before = await self.held(external_id)
        after = await self.http.call("POST", f"/orders/{external_id}/{what}", Held, json=value)
        if after == before:
            raise OutcomeUnknown("the shop answered and kept nothing")
        return after

    def status_for(self, fulfilment: Fulfilment) -> str | None:
        return "packed" if fulfilment in (Fulfilment.PROCESSING, Fulfilment.READY) else None

    async def statuses(self) -> list[Status]:
        skus = await self.http.get("/skus", list[str])
        return [Status(code=word, name=word.title()) for word in WORDS if skus]

    async def delivery_methods(self) -> list[Method]:
        skus = await self.http.get("/skus", list[str])
        return [Method(code=word, name=word.title()) for word in ("courier", "post") if skus]

    async def payment_methods(self) -> list[Method]:
        skus = await self.http.get("/skus", list[str])
        return [Method(code=word, name=word.title()) for word in ("transfer", "cash") if skus]

    async def probe(self) -> Identity:
        skus = await self.http.get("/skus", list[str])
        return Identity(id=self.http.base, login="tiny", details={"products": str(len(skus))})

    async def seller_address(self) -> Address | None:
        found = await self.http.get("/place", dict[str, str] | None)  # type: ignore[arg-type]
        return Address(**found) if found else None

    async def set_status(self, external_id: str, status: str) -> None:
        if (await self.held(external_id)).state == status:
            return
        if status not in WORDS:
            raise Rejected(f"no such status: {status}", field="state")
        await self.change(external_id, "state", status)

    async def set_payment(self, external_id: str, payment: Payment, paid: Money) -> None:
        missing = paid.amount - (await self.held(external_id)).paid
        if missing > 0:
            await self.change(external_id, "payment", str(missing))

    async def add_shipment(self, external_id: str, shipment: Shipment) -> None:
        order = await self.held(external_id)
        if shipment.key[1] not in (parcel.number for parcel in order.parcels):
            await self.change(external_id, "parcel", self.parcel(order, shipment))

    def parcel(self, order: Held, shipment: Shipment) -> Parcel:
        carrier, number = shipment.key
        lines = [line.id for line in order.lines if (line.mark or line.id) in shipment.line_ids]
        return Parcel(number, carrier, lines)

    async def cancel_order(self, external_id: str, reason: str) -> None:
        state = (await self.held(external_id)).state
        if state == "sent":
            raise Conflict("the order is sent already")
        if state != "cancelled":
            await self.change(external_id, "state", "cancelled")


class GoodFeed(GoodShop):
    """Declares its feed alone, so that no other rules are tried."""

    @classmethod
    def capabilities(cls) -> tuple[str, ...]:
        return "OrderFeed", "Sweep", "OrderLookup"


class GoodSink(GoodShop):
    """Declares its order sink alone."""

    @classmethod
    def capabilities(cls) -> tuple[str, ...]:
        return ("OrderSink",)


class GoodSmall(GoodShop):
    """Declares its small sinks alone."""

    @classmethod
    def capabilities(cls) -> tuple[str, ...]:
        return "StatusSink", "PaymentSink", "ShipmentSink", "CancelSink"


SINS: dict[type[GoodShop], frozenset[str]] = {}
"""Each broken connector with the ids of the rules that it breaks: these and no others."""

C = TypeVar("C", bound=type[GoodShop])


def breaks(*ids: str) -> Callable[[C], C]:
    def mark(broken: C) -> C:
        SINS[broken] = frozenset(ids)
        return broken

    return mark
