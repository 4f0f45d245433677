"""How a connector is put together: parts by capability, feeds by name and kind, and what does not fit."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

import pytest

from olhubd.model import Kind, Shipment
from olhubd.plugin import (
    Capability,
    Connector,
    Cursor,
    Feed,
    OrderFeed,
    OrderLookup,
    OrderSink,
    Page,
    Parts,
    Push,
    Receipt,
    Settings,
    ShipmentSink,
    Sweep,
)


class Orders(OrderFeed, Sweep):
    async def start(self, since: datetime | None) -> Cursor:
        return Cursor("0")

    async def pull(self, cursor: Cursor) -> Page:
        return Page(records=(), cursor=cursor)

    async def sweep(self, since: datetime, cursor: Cursor | None) -> Page:
        return Page(records=(), cursor=Cursor(""))


class Stock(Orders):
    name = "stock"
    kinds = frozenset({Kind.STOCK, Kind.PRICE})


class Parcels(ShipmentSink):
    settle = timedelta(hours=1)

    async def add_shipment(self, external_id: str, shipment: Shipment) -> None: ...


class Shop(Connector[Settings], OrderSink):
    name = "shop"
    title = "Shop"
    Settings = Settings
    provides: ClassVar[Parts] = {Orders: "orders", Stock: "stock", Parcels: "parcels"}

    def __init__(self) -> None:
        self.orders, self.stock, self.parcels = Orders(), Stock(), Parcels()

    async def push_order(self, push: Push) -> Receipt: ...  # type: ignore[empty-body]

    async def find_order(self, reference: str, age: timedelta | None) -> Receipt | None: ...


def test_a_part_is_found_by_what_it_can_do() -> None:
    shop = Shop()
    shop.check_parts()
    assert shop.capability(OrderSink) is shop
    assert shop.capability(ShipmentSink) is shop.parcels
    assert shop.capability(OrderLookup) is None
    assert (Shop.can(ShipmentSink), Shop.can(OrderLookup)) == (True, False)


def test_two_sinks_settle_each_in_its_own_time() -> None:
    shop = Shop()
    orders, parcels = shop.capability(OrderSink), shop.capability(ShipmentSink)
    assert orders is not None
    assert parcels is not None
    assert (orders.settle, parcels.settle) == (timedelta(seconds=60), timedelta(hours=1))


def test_feeds_are_found_by_name_and_by_kind() -> None:
    shop = Shop()
    assert shop.feeds == {"orders": shop.orders, "stock": shop.stock}
    assert (shop.feed(Kind.ORDER), shop.feed(Kind.PRICE), shop.feed(Kind.OFFER)) == (shop.orders, shop.stock, None)


def test_a_feed_counts_by_its_kinds() -> None:
    assert Shop.capabilities() == ("OrderFeed", "Sweep", "OrderSink", "ShipmentSink", "StockFeed", "PriceFeed")


@pytest.mark.parametrize("wanted", [Feed, OrderFeed, Sweep])
def test_no_feed_is_taken_for_the_only_one(wanted: type[Capability]) -> None:
    with pytest.raises(TypeError, match="may have several feeds"):
        Shop.can(wanted)
    with pytest.raises(TypeError, match="may have several feeds"):
        Shop().capability(wanted)


def test_a_part_that_is_another_thing_than_was_said_is_told() -> None:
    class Absent(Shop):
        def __init__(self) -> None:
            super().__init__()
            self.parcels = Orders()  # type: ignore[assignment]

    with pytest.raises(TypeError, match=r"Absent\.parcels is no ShipmentSink, as `provides` says"):
        Absent().check_parts()


def test_a_class_is_not_two_things_of_one_name() -> None:
    with pytest.raises(TypeError, match="OrderSink and ShipmentSink both have 'settle'"):

        class _Both(Connector[Settings], OrderSink, ShipmentSink): ...

    with pytest.raises(TypeError, match="both have 'settle'"):

        class _Part(ShipmentSink, OrderSink): ...

    with pytest.raises(TypeError, match="Connector and Feed both have 'name'"):

        class _Itself(Connector[Settings], OrderFeed): ...


def _composed(parts: Parts) -> None:
    type("Bad", (Connector,), {"provides": parts})


class Nameless(Orders):
    name = "Stock.Levels"


class Kindless(Orders):
    kinds: ClassVar[frozenset[Kind]] = frozenset()


class Again(Orders):
    """Of the same name."""


class Halfway(Feed):
    name = "halfway"
    kinds = frozenset({Kind.OFFER})

    async def start(self, since: datetime | None) -> Cursor:
        return Cursor("0")


class Sweeper(Sweep):
    async def sweep(self, since: datetime, cursor: Cursor | None) -> Page: ...  # type: ignore[empty-body]


class MoreParcels(Parcels):
    """A second one."""


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({Nameless: "a"}, "Nameless: the name of a feed is a lower-case word, not 'Stock.Levels'"),
        ({Kindless: "a"}, "Kindless: `kinds` does not say"),
        ({Orders: "a", Again: "b"}, "two of its feeds are called 'orders'"),
        ({Halfway: "a"}, "Halfway, a part of Bad, lacks pull"),
        ({Sweeper: "a"}, "Sweeper: a sweep belongs to a feed"),
        ({Parcels: "a", MoreParcels: "b"}, "two of its parts are ShipmentSink"),
    ],
)
def test_what_does_not_fit_is_told_when_the_class_is_made(parts: Parts, told: str) -> None:
    with pytest.raises(TypeError, match=told):
        _composed(parts)
