"""What a Vendure shop has in stock, read from a server that answers lists as Vendure does."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from pydantic import ValidationError
from structlog.testing import LogCapture

from olhubd.model import Counting, StockBasis, StockLevel
from olhubd.plugin import AuthLost, ContractBroken, Cursor, Page, Rejected, Unreadable
from olhubd_kit.conformance.clock import FrozenClock
from olhubd_kit.simulator import serve
from olhubd_kit.test_host import account
from olhubd_vendure import Vendure
from olhubd_vendure.settings import VendureSettings
from tests.fuzz.vendure import VendureStandIn
from tests.plugins.vendure.listing import listed

BEGUN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MINUTE = 60.0


class Warehouse(VendureStandIn):
    """A shop whose variants have levels at locations; those that no test is about are KUB-BIA with five pieces."""

    def __init__(self, count: int = 1) -> None:
        super().__init__()
        self.tracked, self.threshold = True, 0
        self.locations = {"1": ("Main", BEGUN)}
        self.variants = {str(number): self.variant(number) for number in range(1, count + 1)}
        self.forbidden: set[str] = set()
        self.disordered = False
        self.left_out: set[str] = set()
        """Variants that lists count and do not show."""
        self.currency, self.gross, self.decimals = "PLN", True, 2
        self.unsaved: set[str] = set()
        """Variants that a plugin of the server refuses to have saved."""
        self.ignoring = False
        """Whether what is written is answered as done and not kept."""

    def variant(self, number: int, **fields: Any) -> dict[str, Any]:
        return {
            "id": str(number),
            "name": f"Mug {number}",
            "sku": f"KUB-{number}",
            "enabled": True,
            "trackInventory": "TRUE",
            "useGlobalOutOfStockThreshold": True,
            "outOfStockThreshold": 0,
            "product": {"enabled": True, "name": "Mug"},
            "stockLevels": [level("1", 5)],
            "customFields": {"ean": None},
            "priceWithTax": 1000,
            "prices": [{"currencyCode": "PLN", "price": 1000}, {"currencyCode": "EUR", "price": 250}],
            "taxRateApplied": {"value": 23},
            **fields,
        }

    def change(self, **fields: Any) -> None:
        self.variants["1"] |= fields

    async def _answer(self, request: web.Request) -> web.Response:
        asked = await request.json()
        name = asked["operationName"]
        if name in self.forbidden:
            problem = {"message": "You are not authorized", "extensions": {"code": "FORBIDDEN"}}
            return web.json_response({"errors": [problem], "data": None})
        if name in ("SetStock", "SetPrices"):
            return web.json_response(self._update(name, asked["variables"]["input"]))
        return await super()._answer(request)

    def _update(self, name: str, changes: list[dict[str, Any]]) -> dict[str, Any]:
        """All in one transaction, as the server does it: what refuses one row refuses them all."""
        self.asked.append(name)
        if lost := [one["id"] for one in changes if one["id"] not in self.variants]:
            said = f'No ProductVariant with the id "{lost[0]}" could be found'
            problem = {"message": said, "extensions": {"code": "ENTITY_NOT_FOUND"}}
            return {"errors": [problem], "data": None}
        if any(one["id"] in self.unsaved for one in changes):
            problem = {"message": "price is not allowed", "extensions": {"code": "USER_INPUT_ERROR"}}
            return {"errors": [problem], "data": None}
        for one in changes if not self.ignoring else ():
            for sent in one.get("prices", ()):
                self._price(self.variants[one["id"]], sent)
            for new in one.get("stockLevels", ()):
                levels = self.variants[one["id"]]["stockLevels"]
                old = next((row for row in levels if row["stockLocationId"] == new["stockLocationId"]), None)
                if old is None:
                    old = level(new["stockLocationId"], 0)
                    levels.append(old)
                old["stockOnHand"] = new["stockOnHand"]
        return {"data": {"updateProductVariants": [{"id": one["id"]} for one in changes]}}

    def _price(self, row: dict[str, Any], sent: dict[str, Any]) -> None:
        """A price in a currency, as the channel keeps it; what a buyer pays follows."""
        row["prices"] = [one for one in row["prices"] if one["currencyCode"] != sent["currencyCode"]]
        row["prices"].append(dict(sent))
        if sent["currencyCode"] == self.currency:
            gross = sent["price"] if self.gross else sent["price"] * (100 + row["taxRateApplied"]["value"]) / 100
            row["priceWithTax"] = int(gross + 0.5)

    def _StockSettings(self) -> Any:  # noqa: N802
        return {
            "globalSettings": {
                "trackInventory": self.tracked,
                "outOfStockThreshold": self.threshold,
                "serverConfig": {"moneyStrategyPrecision": self.decimals},
            },
            "activeChannel": {
                "defaultCurrencyCode": self.currency,
                "pricesIncludeTax": self.gross,
                "availableCurrencyCodes": ["EUR", "PLN"],
            },
        }

    def _StockLocations(self, options: dict[str, Any]) -> Any:  # noqa: N802
        rows = [
            {"id": id_, "name": name, "createdAt": at.isoformat()} for id_, (name, at) in self.locations.items()
        ]
        return {"stockLocations": listed(rows, options, self.limit)}

    def _ListStock(self, options: dict[str, Any]) -> Any:  # noqa: N802
        assert options["sort"] == {"id": "ASC"}
        rows = sorted(self.variants.values(), key=lambda row: int(row["id"]))
        if self.disordered:
            random.Random(1).shuffle(rows)
        page = listed(rows, {**options, "sort": {}}, self.limit)
        return {
            "productVariants": {**page, "items": [one for one in page["items"] if one["id"] not in self.left_out]}
        }


def level(location: str, on_hand: int, allocated: int = 0) -> dict[str, Any]:
    return {"stockLocationId": location, "stockOnHand": on_hand, "stockAllocated": allocated}


@asynccontextmanager
async def opened(
    stand: Warehouse, clock: FrozenClock | None = None, log: LogCapture | None = None, **settings: Any
) -> AsyncIterator[Vendure]:
    async with (
        serve(stand) as base,
        account(Vendure, {**stand.settings(base), **settings}, clock=clock, log=log) as shop,
    ):
        yield shop


async def walk(shop: Vendure, cursor: Cursor | None = None) -> list[StockLevel | Unreadable]:
    """All that one reading reports, from its beginning."""
    page = Page(records=(), cursor=cursor if cursor is not None else await shop.stock.start(None), more=True)
    found: list[StockLevel | Unreadable] = []
    while page.more:
        page = await shop.stock.pull(page.cursor)
        await shop.stock.landed(page.cursor)
        found += [one for one in page.records if isinstance(one, StockLevel | Unreadable)]
    return found


async def read(stand: Warehouse, **settings: Any) -> StockLevel:
    async with opened(stand, **settings) as shop:
        (one,) = await walk(shop)
        assert isinstance(one, StockLevel)
        return one


async def test_news_that_did_not_land_come_again_however_long_it_takes() -> None:
    """A disk that is full for some minutes hides no sale until the next sweep."""
    stand, clock = Warehouse(1), FrozenClock()
    async with opened(stand, clock, stock_interval="1 min") as shop:
        await walk(shop)
        stand.change(stockLevels=[level("1", 0)])
        for _ in range(5):
            clock.advance(61)
            page = await shop.stock.pull(await shop.stock.start(None))
            assert [one.quantity for one in page.records if isinstance(one, StockLevel)] == [0]


@pytest.mark.parametrize("limit", [1000, 100, 7])
async def test_every_variant_of_several_pages_is_read_once(limit: int) -> None:
    stand = Warehouse(620)
    stand.limit = limit
    async with opened(stand) as shop:
        assert [one.external_id for one in await walk(shop)] == [str(number) for number in range(1, 621)]


async def test_a_list_in_another_order_is_no_list() -> None:
    stand = Warehouse(20)
    stand.disordered = True
    async with opened(stand) as shop:
        with pytest.raises(ContractBroken, match="order"):
            await walk(shop)


async def test_what_is_allocated_is_off_what_is_on_hand() -> None:
    """S4."""
    stand = Warehouse()
    stand.change(stockLevels=[level("1", 10, 2)], customFields={"ean": "5901234123457"})
    one = await read(stand)
    assert (one.quantity, one.allocated, one.free, one.basis) == (10, 2, 8, StockBasis.ON_HAND)
    assert (one.sku, one.ean, one.name) == ("KUB-1", "5901234123457", "Mug 1")


@pytest.mark.parametrize(
    ("fields", "tracked", "counting", "free"),
    [
        ({"trackInventory": "TRUE"}, False, Counting.COUNTED, 5),
        ({"trackInventory": "FALSE"}, True, Counting.UNTRACKED, None),
        ({"trackInventory": "INHERIT"}, True, Counting.COUNTED, 5),
        ({"trackInventory": "INHERIT"}, False, Counting.UNTRACKED, None),
        ({"stockLevels": [level("1", 0)]}, True, Counting.COUNTED, 0),
        ({"stockLevels": [level("1", 1, 3)]}, True, Counting.COUNTED, -2),
        ({"stockLevels": []}, True, Counting.UNKNOWN, None),
        ({"stockLevels": [level("9", 7)]}, True, Counting.UNKNOWN, None),
    ],
)
async def test_not_tracked_no_number_and_zero_are_three_things(
    fields: dict[str, Any], tracked: bool, counting: Counting, free: int | None
) -> None:
    """S12."""
    stand = Warehouse()
    stand.tracked = tracked
    stand.change(**fields)
    one = await read(stand)
    assert (one.counting, one.free) == (counting, free)


@pytest.mark.parametrize(
    ("own", "threshold", "shop", "free"),
    [(False, 3, 1, 2), (True, 3, 1, 4), (True, 0, -100, 5), (False, -100, 0, 5)],
)
async def test_what_the_shop_keeps_back_is_not_sold_and_what_it_lets_go_below_zero_neither(
    own: bool, threshold: int, shop: int, free: int
) -> None:
    stand = Warehouse()
    stand.threshold = shop
    stand.change(useGlobalOutOfStockThreshold=own, outOfStockThreshold=threshold)
    assert (await read(stand)).free == free


@pytest.mark.parametrize(
    ("variant", "product", "state"),
    [(True, True, "enabled"), (False, True, "disabled"), (True, False, "product disabled")],
)
async def test_what_is_disabled_is_not_on_sale_and_keeps_its_count(
    variant: bool, product: bool, state: str
) -> None:
    stand = Warehouse()
    stand.change(enabled=variant, product={"enabled": product, "name": "Mug"})
    one = await read(stand)
    assert (one.on_sale, one.external_state, one.free) == (variant and product, state, 5)


async def test_a_location_that_is_added_counts_only_when_it_is_named() -> None:
    """S5: without a setting the shop's first one counts, whatever its number; the log names the others once."""
    stand = Warehouse()
    stand.locations = {"1": ("Late", BEGUN + timedelta(days=1)), "2": ("Main", BEGUN)}
    stand.change(stockLevels=[level("1", 50), level("2", 0)])
    log, clock = LogCapture(), FrozenClock()
    async with opened(stand, clock, log) as shop:
        for _ in range(2):
            (one,) = (await shop.stock.sweep(BEGUN, None)).records
            assert isinstance(one, StockLevel)
            assert one.free == 0
            clock.advance(10 * MINUTE)
    assert [one["locations"] for one in log.entries if "do not count" in one["event"]] == [["Late"]]
    assert (await read(stand, stock_locations=["Main", "1"])).free == 50


async def test_a_location_that_is_named_and_not_there_is_no_zero() -> None:
    with pytest.raises(Rejected, match="no stock location Outlet") as refusal:
        await read(Warehouse(), stock_locations=["Main", "Outlet"])
    assert refusal.value.field == "stock_locations"
    with pytest.raises(ValidationError, match="stock_locations"):
        VendureSettings.model_validate({**Warehouse().settings("https://shop.example"), "stock_locations": []})


async def test_an_unknown_way_of_tracking_takes_no_other_variant_along() -> None:
    stand = Warehouse(3)
    stand.variants["2"]["trackInventory"] = "SOMETIMES"
    async with opened(stand) as shop:
        first, odd, last = await walk(shop)
    assert isinstance(odd, Unreadable)
    assert (odd.external_id, odd.kind) == ("2", "stock")
    assert "trackInventory" in odd.reason
    assert (first.external_id, last.external_id) == ("1", "3")


async def test_a_sale_is_reported_and_once_more_and_then_no_more() -> None:
    """The second time releases what was reserved for an order that the hub learned of in between."""
    stand, clock = Warehouse(3), FrozenClock()
    async with opened(stand, clock) as shop:
        assert len(await walk(shop)) == 3
        clock.advance(MINUTE)
        assert len(await walk(shop)) == 3
        clock.advance(MINUTE)
        assert await walk(shop) == []
        stand.change(stockLevels=[level("1", 5, 2)])
        told = []
        for _ in range(4):
            clock.advance(MINUTE)
            told.append([(one.external_id, one.free) for one in await walk(shop) if isinstance(one, StockLevel)])
        assert told == [[("1", 3)], [("1", 3)], [], []]


async def test_a_reading_begins_no_sooner_than_it_is_set_to() -> None:
    stand, clock = Warehouse(3), FrozenClock()
    stand.limit = 2
    async with opened(stand, clock, stock_interval="5 min") as shop:
        await walk(shop)
        asked = stand.asked.count("ListStock")
        clock.advance(4 * MINUTE)
        assert await walk(shop) == []
        assert stand.asked.count("ListStock") == asked
        clock.advance(MINUTE)
        await walk(shop)
        assert stand.asked.count("ListStock") == 2 * asked


async def test_the_sweep_reports_all_whatever_was_reported_before() -> None:
    stand = Warehouse(30)
    stand.limit = 10
    async with opened(stand) as shop:
        await walk(shop)
        page, found = await shop.stock.sweep(BEGUN, None), 0
        while True:
            found += len(page.records)
            if not page.more:
                break
            page = await shop.stock.sweep(BEGUN, page.cursor)
        assert found == 30


async def test_a_missing_right_parks_no_account() -> None:
    """Orders can be read, so the sign-in is not lost; where they cannot, it is."""
    stand = Warehouse()
    stand.forbidden = {"StockLocations"}
    async with opened(stand) as shop:
        with pytest.raises(Rejected, match="ReadStockLocation"):
            await walk(shop)
        stand.forbidden |= {"CountOrders"}
        with pytest.raises(AuthLost):
            await walk(shop)
