"""The connectors of the systems in memory: real ones, deriving from the capability classes, only without HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar

import msgspec
from pydantic import ConfigDict, SkipValidation

from olhubd.model import Fulfilment, Money, Payment, Shipment
from olhubd.plugin import (
    Account,
    AuthLost,
    CancelSink,
    Connector,
    Cursor,
    Defaults,
    Flow,
    Gone,
    OAuthLogin,
    OrderFeed,
    OrderLookup,
    OrderSink,
    Page,
    Parts,
    PaymentSink,
    Push,
    Receipt,
    Record,
    Settings,
    ShipmentSink,
    StatusSink,
    Sweep,
    Temporary,
    Token,
)
from olhubd.plugin.stored import Comparison
from olhubd_torture import shop as shops
from olhubd_torture.grant import LIFE, Unauthorized
from olhubd_torture.market import Market
from olhubd_torture.network_faults import LATEST
from olhubd_torture.price_connectors import MarketPrices, ShopPrices
from olhubd_torture.shop import Shop, SoldOrder
from olhubd_torture.stall_connector import MarketStall
from olhubd_torture.stock_connectors import MarketLevels, MarketOffers, ShopStock

__all__ = ["DEFAULTS", "MarketConnector", "MemoryConnector", "ShopConnector", "WorkshopConnector"]

T = TypeVar("T")
_PAGE = 4
DEFAULTS = Defaults(
    interval=timedelta(seconds=20), sweep_interval=timedelta(minutes=10), sweep_window=timedelta(days=3), parallel=4
)


class MemoryConnector(Settings):
    """Where the system is: in this process."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    system: SkipValidation[Any]
    weather: SkipValidation[Any]


class MarketOrders(OrderFeed, Sweep):
    def __init__(self, door: MarketConnector) -> None:
        self.door = door

    async def start(self, since: datetime | None) -> Cursor:
        return Cursor(str(await self.door.call("start", self.door.market.end)))

    async def pull(self, cursor: Cursor) -> Page:
        events = await self.door.call("journal", lambda: self.door.market.events(int(cursor), _PAGE))
        records: list[Record] = []
        for number, id_ in events:
            try:
                records.append(await self.door.read_order(id_))
            except Temporary as failure:
                return Page(records=records, cursor=cursor, failure=failure)
            cursor = Cursor(str(number))
        return Page(records=records, cursor=cursor, more=len(events) == _PAGE)

    async def sweep(self, since: datetime, cursor: Cursor | None) -> Page:
        start = int(cursor or 0)
        ids = await self.door.call("listing", lambda: self.door.market.listing(since, start, _PAGE))
        records = [await self.door.read_order(id_) for id_ in ids]
        return Page(records=records, cursor=Cursor(str(start + len(ids))), more=len(ids) == _PAGE)


class MarketConnector(Connector[MemoryConnector], OrderLookup, StatusSink, ShipmentSink, OAuthLogin):
    """To a marketplace whose journal names orders, each of which is read by a call of its own."""

    name = "market"
    title = "Market in memory"
    Settings = MemoryConnector
    defaults = DEFAULTS
    flows = (Flow.DEVICE,)
    provides: ClassVar[Parts] = {
        MarketOrders: "orders",
        MarketOffers: "offers",
        MarketLevels: "levels",
        MarketPrices: "prices",
        MarketStall: "stall",
    }

    def __init__(self, account: Account[MemoryConnector]) -> None:
        super().__init__(account)
        self.orders = MarketOrders(self)
        self.offers = MarketOffers(self)
        self.levels = MarketLevels(self)
        self.prices = MarketPrices(self)
        self.stall = MarketStall(self)

    @property
    def market(self) -> Market:
        market: Market = self.settings.system
        return market

    async def call(
        self,
        name: str,
        act: Callable[[], T],
        writes: bool = False,
        about: str = "",
        within: float = LATEST,
    ) -> T:
        """One call with a token that is good, or with another one if it was not."""
        market, weather = self.market, self.settings.weather
        for _ in range(3):
            access = await self.account.tokens.access()

            def checked(access: str = access) -> T:
                market.grant.check(access)
                return act()

            try:
                what = f"{market.name}.{name}"
                result: T = await weather.call(what, checked, writes=writes, about=about, within=within)
                return result
            except Unauthorized:
                await self.account.tokens.refused(access)
        raise AuthLost("401 with a token that was just renewed")

    async def read_order(self, external_id: str) -> Record:
        order = await self.call("read", lambda: self.market.read(external_id))
        return order or Gone(external_id=external_id)

    async def set_status(self, external_id: str, status: str) -> None:
        await self.call("status", lambda: self.market.set_status(external_id, status), writes=True)

    def status_for(self, fulfilment: Fulfilment) -> str | None:
        return {Fulfilment.PROCESSING: "PROCESSING", Fulfilment.SENT: "SENT"}.get(fulfilment)

    async def add_shipment(self, external_id: str, shipment: Shipment) -> None:
        there = await self.call("parcels", lambda: self.market.waybills(external_id))
        if shipment.waybill not in there:
            attach = lambda: self.market.attach(external_id, shipment.waybill)  # noqa: E731
            await self.call("parcel", attach, writes=True, about=shipment.waybill)

    async def refresh(self, token: Token) -> Token:
        grant = self.market.grant
        grant.renewing += 1
        grant.overlaps += grant.renewing > 1
        try:
            what = f"{self.market.name}.refresh"
            fresh: Token = await self.settings.weather.call(what, lambda: grant.renew(token.refresh), writes=True)
        finally:
            grant.renewing -= 1
        return msgspec.structs.replace(fresh, expires_at=self.account.clock.now() + LIFE)


class ShopOrders(OrderFeed, Sweep):
    def __init__(self, door: ShopConnector) -> None:
        self.door = door

    async def start(self, since: datetime | None) -> Cursor:
        return Cursor(str(await self.door.call("start", lambda: self.door.shop.last)))

    async def pull(self, cursor: Cursor) -> Page:
        found = await self.door.call("journal", lambda: self.door.shop.changes(int(cursor), _PAGE))
        after = Cursor(str(found[-1].change)) if found else cursor
        # The end is the shop's word: a short page may be one that it has cut.
        more = bool(found) and found[-1].change < self.door.shop.last
        return Page(records=[shops.told(sold) for sold in found], cursor=after, more=more)

    async def sweep(self, since: datetime, cursor: Cursor | None) -> Page:
        start = int(cursor or 0)
        found = await self.door.call("listing", lambda: self.door.shop.listing(since, start, _PAGE))
        records = [shops.told(sold) for sold in found]
        more = bool(found) and self.door.shop.further(since, start + len(found))
        return Page(records=records, cursor=Cursor(str(start + len(found))), more=more)


class ShopConnector(Connector[MemoryConnector], OrderLookup, OrderSink, StatusSink, PaymentSink, CancelSink):
    """To a shop that is target of all orders, and lists its own and those that were pushed in one feed."""

    name = "shop"
    title = "Shop in memory"
    Settings = MemoryConnector
    defaults = DEFAULTS
    provides: ClassVar[Parts] = {ShopOrders: "orders", ShopStock: "stock", ShopPrices: "prices"}
    settle = timedelta(seconds=60)

    def __init__(self, account: Account[MemoryConnector]) -> None:
        super().__init__(account)
        self.orders = ShopOrders(self)
        self.stock = ShopStock(self)
        self.prices = ShopPrices(self)

    @property
    def shop(self) -> Shop:
        shop: Shop = self.settings.system
        return shop

    async def call(self, name: str, act: Callable[[], T], writes: bool = False, about: str = "") -> T:
        what = f"{self.shop.name}.{name}"
        result: T = await self.settings.weather.call(what, act, writes=writes, about=about)
        return result

    async def read_order(self, external_id: str) -> Record:
        sold = await self.call("read", lambda: self.shop.orders.get(external_id))
        return shops.told(sold) if sold else Gone(external_id=external_id)

    async def push_order(self, push: Push) -> Receipt:
        made = self.call("push", lambda: self.shop.create(push), writes=True, about=push.reference)
        return _compared(push, await made)

    async def compare_order(self, push: Push, found: Receipt) -> Receipt:
        return _compared(push, await self.call("compare", lambda: self.shop.orders[found.external_id]))

    async def find_order(self, reference: str, age: timedelta | None) -> Receipt | None:
        found = await self.call("find", lambda: self.shop.find(reference, age), about=reference)
        return _receipt(found) if found else None

    async def cancel_order(self, external_id: str, reason: str) -> None:
        await self.call("cancel", lambda: self.shop.cancel(external_id), writes=True)

    async def set_status(self, external_id: str, status: str) -> None:
        await self.call("status", lambda: self.shop.set_status(external_id, status), writes=True)

    async def set_payment(self, external_id: str, payment: Payment, paid: Money) -> None:
        await self.call("payment", lambda: self.shop.set_paid(external_id, paid), writes=True)


class WorkshopConnector(ShopConnector):
    """To a shop where making an order takes several calls, between which anything may happen."""

    async def push_order(self, push: Push) -> Receipt:
        begun = await self.call("drafts", lambda: self.shop.drafts(push.reference))
        draft = begun[0] if begun else await self.call("push draft", lambda: self.shop.draft(push), writes=True)
        await self.call("push lines", lambda: self.shop.fill(draft.id, push), writes=True)
        return _compared(push, await self.call("push place", lambda: self.shop.place(draft.id, push), writes=True))

    async def withdraw_order(self, reference: str) -> None:
        for draft in await self.call("drafts", lambda: self.shop.drafts(reference)):
            await self.call("withdraw", lambda number=draft.id: self.shop.discard(number), writes=True)  # type: ignore[misc]


def _compared(push: Push, sold: SoldOrder) -> Receipt:
    """What the shop has, with what it has otherwise than it was sent."""
    order = push.order
    names = {f"{push.reference}/{line.external_id}": line.name for line in order.lines}
    compared = Comparison()
    compared.lines(
        [(line.external_id, line.quantity) for line in order.lines],
        [(line.external_id.removeprefix(f"{push.reference}/"), line.quantity) for line in sold.lines],
    )
    for line in sold.lines:
        compared.text(f"lines[{line.external_id}].name", names.get(line.external_id), line.name)
    if sold.status == "cancelled":
        compared.add("status", "it is cancelled there")
    elif push.include_payment and order.fully_paid and not sold.paid:
        compared.add("status", "it is not paid there", wanted="processing")
    return msgspec.structs.replace(_receipt(sold), differences=compared.differences)


def _receipt(sold: SoldOrder) -> Receipt:
    return Receipt(external_id=sold.id, number=sold.id, total=sold.total, status=sold.status)
