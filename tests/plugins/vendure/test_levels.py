"""Quantities into a Vendure shop, and what its buyers see of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from olhubd.model import Offer, OfferState
from olhubd.plugin import Cursor, LevelCall, LevelWish, OutcomeUnknown, Page, Rejected, RowOutcome
from olhubd_kit.faults import Fault, FaultKind
from olhubd_vendure import Vendure
from olhubd_vendure.variants import NOT_SHOWN
from tests.orders import pln
from tests.plugins.vendure.test_stock import Warehouse, level, opened


def call(*offers: str, value: int) -> LevelCall:
    return LevelCall(action="set", offers=offers, value=value)


async def write(shop: Vendure, wanted: LevelCall) -> dict[str, RowOutcome]:
    rows = await shop.levels.write_levels("1", wanted)
    assert isinstance(rows, Sequence)
    return {row.offer: row for row in rows}


async def shown(shop: Vendure, *offers: str) -> dict[str, tuple[int | None, bool]]:
    return {one.offer: (one.quantity, one.active) for one in await shop.levels.read_levels(offers)}


async def test_calls_are_by_value_and_sold_out_goes_first() -> None:
    async with opened(Warehouse()) as shop:
        wishes = [LevelWish(offer=str(number), value=3, shown=5) for number in range(150)]
        calls = shop.levels.plan_levels([*wishes, LevelWish(offer="z", value=0, shown=5)])
        assert [(one.value, len(one.offers)) for one in calls] == [(0, 1), (3, 100), (3, 50)]


async def test_what_orders_have_allocated_stays_theirs() -> None:
    """Buyers see the value: what is on hand is more by what was bought and is not sent yet."""
    stand = Warehouse(2)
    stand.change(stockLevels=[level("1", 10, 4)])
    async with opened(stand) as shop:
        assert (await write(shop, call("1", value=2)))["1"].done
        assert stand.variants["1"]["stockLevels"] == [level("1", 6, 4)]
        assert await shown(shop, "1", "2") == {"1": (2, True), "2": (5, True)}
        assert (await write(shop, call("1", value=0)))["1"].done
        assert await shown(shop, "1") == {"1": (0, True)}


async def test_pieces_of_all_locations_of_the_channel_are_sold() -> None:
    """Those of others are left alone: what is set is the first one's, below zero where the others hold more."""
    stand = Warehouse()
    stand.locations["2"] = ("Outlet", stand.locations["1"][1].replace(year=2027))
    stand.change(stockLevels=[level("1", 5), level("2", 4, 1), level("9", 70)])
    async with opened(stand) as shop:
        assert await shown(shop, "1") == {"1": (8, True)}
        await write(shop, call("1", value=2))
        assert stand.variants["1"]["stockLevels"] == [level("1", -1), level("2", 4, 1), level("9", 70)]
        assert await shown(shop, "1") == {"1": (2, True)}


@pytest.mark.parametrize(
    ("fields", "after"),
    [
        ({"outOfStockThreshold": 3, "useGlobalOutOfStockThreshold": False}, [level("1", 9)]),
        ({"outOfStockThreshold": -3, "useGlobalOutOfStockThreshold": False}, [level("1", 6)]),
        ({"stockLevels": []}, [level("1", 6)]),
        ({"stockLevels": [level("1", 1, 3)]}, [level("1", 9, 3)]),
    ],
)
async def test_buyers_see_what_was_written(fields: dict[str, Any], after: list[dict[str, Any]]) -> None:
    stand = Warehouse()
    stand.change(**fields)
    async with opened(stand) as shop:
        assert (await write(shop, call("1", value=6)))["1"].done
        assert stand.variants["1"]["stockLevels"] == after
        assert await shown(shop, "1") == {"1": (6, True)}


async def test_a_variant_that_is_counted_and_not_shown_keeps_no_other_from_being_read_or_written() -> None:
    stand = Warehouse(2)
    stand.left_out = {"1"}
    async with opened(stand) as shop:
        assert await shown(shop, "1", "2") == {"1": (None, True), "2": (5, True)}
        rows = await write(shop, call("1", "2", value=3))
        assert (rows["1"].done, rows["1"].error, rows["2"].done) == (False, NOT_SHOWN, True)
        assert await shown(shop, "1", "2") == {"1": (None, True), "2": (3, True)}
        prices = {one.offer: one.price for one in await shop.prices.read_prices(["1", "2"])}
        assert prices == {"1": None, "2": pln("10.00")}


async def test_each_row_fails_by_itself() -> None:
    """What is not there, what the shop does not count, and what cannot be read; the others are done."""
    stand = Warehouse(4)
    stand.variants["2"]["trackInventory"] = "FALSE"
    stand.variants["3"]["trackInventory"] = "SOMETIMES"
    async with opened(stand) as shop:
        rows = await write(shop, call("1", "2", "3", "4", "999", value=3))
        assert {offer: row.done for offer, row in rows.items()} == {
            "1": True,
            "2": False,
            "3": False,
            "4": True,
            "999": False,
        }
        assert all(row.error for row in rows.values() if not row.done)
        assert await shown(shop, "2", "3", "999") == {"2": (None, True), "3": (None, True)}
        assert stand.variants["2"]["stockLevels"] == [level("1", 5)]


async def test_a_lost_answer_is_looked_for_among_the_variants() -> None:
    stand = Warehouse(2)
    async with opened(stand) as shop:
        await shop.levels.read_levels(["1"])
        stand.faults.add(Fault(kind=FaultKind.LOSE, after=1))
        with pytest.raises(OutcomeUnknown):
            await shop.levels.write_levels("1", call("1", "2", value=3))
        stand.faults.clear()
        rows = await shop.levels.report_levels("1", call("1", "2", value=3))
        assert isinstance(rows, Sequence)
        assert [row.offer for row in rows] == ["1", "2"]
        assert await shop.levels.report_levels("1", call("1", "2", value=4)) is None
        stand.variants["2"]["stockLevels"] = [level("1", 2)]
        assert await shop.levels.report_levels("1", call("1", "2", value=3)) is None
        assert shop.levels.level_late == shop.settings.settle


async def test_what_is_disabled_is_not_on_sale() -> None:
    stand = Warehouse()
    stand.change(enabled=False)
    async with opened(stand) as shop:
        page = await shop.offers.pull(Cursor(await shop.offers.start(None)))
        (offer,) = page.records
        assert isinstance(offer, Offer)
        assert (offer.state, offer.quantity, offer.buyable, offer.sku) == (OfferState.INACTIVE, 5, 0, "KUB-1")
        assert await shown(shop, "1") == {"1": (5, False)}


async def test_the_feed_of_offers_rests_and_a_sale_comes_again() -> None:
    stand = Warehouse(3)
    async with opened(stand, stock_interval="1 ms") as shop:
        page = Page(records=(), cursor=await shop.offers.start(None), more=True)
        page = await shop.offers.pull(page.cursor)
        assert len(page.records) == 3
        stand.change(stockLevels=[level("1", 5, 5)])
        swept = await shop.offers.sweep(stand.now(), None)
        (sold,) = [one for one in swept.records if isinstance(one, Offer) and one.external_id == "1"]
        assert (sold.quantity, sold.state) == (0, OfferState.ACTIVE)


async def test_a_missing_right_to_write_parks_no_account() -> None:
    stand = Warehouse()
    stand.forbidden = {"SetStock"}
    async with opened(stand) as shop:
        with pytest.raises(Rejected, match="UpdateProduct"):
            await shop.levels.write_levels("1", call("1", value=3))
