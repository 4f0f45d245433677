"""Reading lists of more than a page from a server that answers them as Vendure does."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from olhubd.model import Order
from olhubd.plugin import ContractBroken, Unavailable, Unreadable
from olhubd_kit.simulator import serve
from olhubd_kit.test_host import account
from olhubd_vendure import Vendure
from tests.fuzz.vendure import VendureStandIn
from tests.plugins.vendure.listing import listed

BEGUN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Lists(VendureStandIn):
    """A shop of many orders. What the server leaves without order comes in another one each time."""

    def __init__(
        self,
        count: int,
        ids: Callable[[int], str] = str,
        touched: Callable[[int], timedelta] = lambda number: number * SECOND,
    ) -> None:
        super().__init__()
        (like, *_) = self.orders
        self.orders = []
        for number in range(count):
            at = BEGUN + touched(number)
            change = {"id": ids(number), "code": f"C{number}", "updated_at": at, "order_placed_at": at}
            self.orders.append(msgspec.structs.replace(like, **change, created_at=at))
        self.dice = random.Random(1)

    def _ListOrders(self, options: dict[str, Any]) -> Any:  # noqa: N802
        return {"orders": listed(self._all(), options, self.limit, self.dice)}

    _ListKeys = _ListOrders


@asynccontextmanager
async def open_shop(stand: VendureStandIn) -> AsyncIterator[Vendure]:
    async with serve(stand) as base, account(Vendure, stand.settings(base)) as shop:
        yield shop


async def told(shop: Vendure, way: str, since: datetime = BEGUN) -> Counter[str]:
    """How often each order is told by one walk from the beginning."""
    found: Counter[str] = Counter()
    cursor = await shop.orders.start(BEGUN - timedelta(days=1)) if way == "feed" else None
    for _ in range(100):
        if way == "feed":
            assert cursor is not None
            page = await shop.orders.pull(cursor)
        else:
            page = await shop.orders.sweep(since, cursor)
        found.update(record.external_id for record in page.records if isinstance(record, Order))
        if not page.more and (way == "sweep" or page.cursor == cursor):
            return found
        cursor = page.cursor
    raise AssertionError("it never ends")


def last_first(number: int) -> timedelta:
    """The order of the lowest id is touched last."""
    return (number or 1000) * SECOND


def random_id(number: int) -> str:
    return str(uuid.UUID(int=random.Random(number).getrandbits(128), version=4))


@pytest.mark.parametrize("way", ["feed", "sweep"])
@pytest.mark.parametrize("ids", [str, random_id])
async def test_every_order_of_several_pages_is_told_once(way: str, ids: Callable[[int], str]) -> None:
    """Whatever the ids are like, and in whatever order they were touched."""
    stand = Lists(261, ids, last_first)
    async with open_shop(stand) as shop:
        assert await told(shop, way) == dict.fromkeys((ids(number) for number in range(261)), 1)


@pytest.mark.parametrize("limit", [1000, 100, 30])
@pytest.mark.parametrize("way", ["feed", "sweep"])
async def test_orders_of_one_instant_fill_pages(way: str, limit: int) -> None:
    """A bulk edit gives hundreds of orders one time, among which the server keeps no order; and some give pages of
    thirty only."""
    stand = Lists(351, touched=lambda number: SECOND * (number // 350))
    stand.limit = limit
    async with open_shop(stand) as shop:
        found = await told(shop, way)
    assert found.keys() == set(map(str, range(351)))
    # The feed has two streams, whose orders of one instant need not come together.
    assert max(found.values()) <= (2 if way == "feed" else 1)


async def test_a_page_of_more_than_a_turn_is_no_end() -> None:
    """A page is as long as what was seen needs; where all of that was touched meanwhile it holds two turns."""
    stand = Lists(200, touched=lambda number: timedelta(milliseconds=10 * number))
    async with open_shop(stand) as shop:
        page = await shop.orders.pull(await shop.orders.start(BEGUN - SECOND))
        first = {record.external_id for record in page.records if isinstance(record, Order)}
        assert len(first) == 100
        again = BEGUN + 5 * SECOND
        stand.orders = [
            msgspec.structs.replace(one, updated_at=again, order_placed_at=again) if one.id in first else one
            for one in stand.orders
        ]
        page = await shop.orders.pull(page.cursor)
        assert len(page.records) == 100
        assert page.more


async def test_what_left_the_shop_long_ago_is_read_to_its_last_page_once_a_day() -> None:
    """Nobody touched these, so that the sweep finds them by their state alone, on its second page too."""
    stand = Lists(230)
    stand.orders = [msgspec.structs.replace(one, state="Shipped") for one in stand.orders]
    lately = BEGUN + timedelta(days=3)
    async with open_shop(stand) as shop:
        assert await told(shop, "sweep", lately) == dict.fromkeys(map(str, range(230)), 1)
        assert not await told(shop, "sweep", lately)


async def test_a_list_out_of_order_is_not_believed() -> None:
    """A page of one would end at a time before which others were never told."""
    stand = Lists(261, touched=last_first)

    def by_id(options: dict[str, Any]) -> Any:
        return {"orders": listed(stand._all(), {**options, "sort": {"id": "ASC"}})}

    stand._ListKeys = by_id  # type: ignore[method-assign]
    async with open_shop(stand) as shop:
        for way in ("feed", "sweep"):
            with pytest.raises(ContractBroken, match="not in the order that was asked for"):
                await told(shop, way)


async def test_a_count_without_rows_is_not_the_end() -> None:
    stand = Lists(3)

    def hollow(options: dict[str, Any]) -> Any:
        return {"orders": {**listed(stand._all(), options), "items": []}}

    stand._ListKeys = stand._ListOrders = hollow  # type: ignore[method-assign]
    async with open_shop(stand) as shop:
        for way in ("feed", "sweep"):
            with pytest.raises(Unavailable, match="shows none"):
                await told(shop, way)
        stand.orders = [msgspec.structs.replace(stand.orders[0], custom_fields={"externalId": "a:1"})]
        with pytest.raises(Unavailable, match="counts 1"):
            await shop.find_order("a:1", None)


async def test_an_order_that_was_listed_and_does_not_come_is_not_passed_over() -> None:
    stand = Lists(3)
    whole = stand._ListOrders

    def shy(options: dict[str, Any]) -> Any:
        page = whole(options)
        return {"orders": {**page["orders"], "items": page["orders"]["items"][1:]}}

    stand._ListOrders = shy  # type: ignore[method-assign]
    async with open_shop(stand) as shop:
        with pytest.raises(Unavailable, match="could not be read"):
            await told(shop, "feed")


@pytest.mark.parametrize("way", ["feed", "sweep"])
async def test_an_order_whose_time_makes_no_sense_is_handed_over_raw(way: str) -> None:
    """No feed can go by it; the others are told, and it is for a person to look at."""
    stand = Lists(3)
    never = datetime(9999, 12, 31, tzinfo=UTC)
    stand.orders[1] = msgspec.structs.replace(stand.orders[1], updated_at=never)
    async with open_shop(stand) as shop:
        if way == "feed":
            page = await shop.orders.pull(await shop.orders.start(BEGUN - timedelta(days=1)))
        else:
            page = await shop.orders.sweep(BEGUN - timedelta(days=1), None)
    found = {record.external_id: record for record in page.records}
    assert {id_: type(record) for id_, record in found.items()} == {"0": Order, "1": Unreadable, "2": Order}
    aside = found["1"]
    assert isinstance(aside, Unreadable)
    assert "no time that a feed can go by" in aside.reason
    assert b"9999-12-31" in aside.raw


async def test_a_filter_that_is_ignored_finds_nothing_and_says_so() -> None:
    """None of the orders shown carries the mark; whether another one does is not known."""
    stand = Lists(3)
    stand._ListOrders = lambda options: {  # type: ignore[method-assign]
        "orders": listed(stand._all(), {**options, "filter": {}})
    }
    async with open_shop(stand) as shop:
        with pytest.raises(ContractBroken, match="does not filter"):
            await shop.find_order("a:1", None)


async def test_a_quiet_pull_reads_no_whole_order() -> None:
    stand = Lists(20)
    asked: list[str] = []
    async with open_shop(stand) as shop:
        page = await shop.orders.pull(await shop.orders.start(BEGUN - SECOND))
        assert len(page.records) == 20
        stand._ListOrders = lambda options: asked.append("orders")  # type: ignore[method-assign]
        assert (await shop.orders.pull(page.cursor)).records == ()
    assert asked == []


async def test_a_second_change_within_one_second_is_told_after_a_restart() -> None:
    """Some databases keep whole seconds: the time of an order that was cancelled in the second of its last change
    stays."""
    stand = Lists(3)
    async with open_shop(stand) as shop:
        cursor = await shop.orders.start(BEGUN - SECOND)
        while True:
            page = await shop.orders.pull(cursor)
            if page.cursor == cursor:
                break
            cursor = page.cursor
    stand.orders = [
        msgspec.structs.replace(one, state="Cancelled") if one.id == "2" else one for one in stand.orders
    ]
    async with open_shop(stand) as shop:
        page = await shop.orders.pull(cursor)
        assert [record.external_id for record in page.records] == ["2"]
        again = await shop.orders.pull(page.cursor)
        assert (again.records, again.cursor) == ((), page.cursor)
