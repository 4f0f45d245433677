"""Prices into a Vendure shop, and what its buyers pay."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from olhubd.model import Money, Offer, code_of
from olhubd.plugin import Cursor, LevelCall, OutcomeUnknown, PriceCall, PriceWish, Rejected, RowOutcome
from olhubd_kit.faults import Fault, FaultKind
from olhubd_vendure import Vendure
from tests.orders import pln
from tests.plugins.vendure.test_stock import Warehouse, opened


def call(*offers: str, price: str = "12.30", currency: str = "PLN") -> PriceCall:
    return PriceCall(action="set", offers=offers, price=Money(Decimal(price), currency))


async def write(shop: Vendure, wanted: PriceCall) -> dict[str, RowOutcome]:
    rows = await shop.prices.write_prices("1", wanted)
    assert isinstance(rows, Sequence)
    return {row.offer: row for row in rows}


async def shown(shop: Vendure, *offers: str) -> dict[str, Money | None]:
    return {one.offer: one.price for one in await shop.prices.read_prices(offers)}


async def offer(shop: Vendure, number: str = "1") -> Offer:
    found = (await shop.offers.read([number]))[number]
    assert isinstance(found, Offer)
    return found


async def test_calls_are_by_price() -> None:
    async with opened(Warehouse()) as shop:
        wishes = [PriceWish(offer=str(number), price=pln("3"), shown=pln("5")) for number in range(150)]
        calls = shop.prices.plan_prices([*wishes, PriceWish(offer="z", price=pln("4"), shown=pln("5"))])
        assert [(str(one.price), len(one.offers)) for one in calls] == [
            ("3.00 PLN", 100),
            ("3.00 PLN", 50),
            ("4.00 PLN", 1),
        ]


async def test_what_was_not_kept_again_and_again_goes_alone() -> None:
    """The server may break down at one variant, and does nothing of a call then: the others must not share it."""
    async with opened(Warehouse()) as shop:
        stuck = [PriceWish(offer=str(n), price=pln("3"), shown=pln("5"), refused=3) for n in (1, 2)]
        new = [PriceWish(offer=str(n), price=pln("3"), shown=pln("5"), refused=2) for n in (3, 4)]
        assert [one.offers for one in shop.prices.plan_prices([*stuck, *new])] == [("3", "4"), ("1",), ("2",)]


@pytest.mark.parametrize(("gross", "kept"), [(True, 1230), (False, 1000)])
async def test_a_price_is_kept_with_tax_or_without_as_the_channel_says(gross: bool, kept: int) -> None:
    """In the channel's own currency; a price in another one stays."""
    stand = Warehouse(2)
    stand.gross = gross
    async with opened(stand) as shop:
        assert (await write(shop, call("1")))["1"].done
        assert {one["currencyCode"]: one["price"] for one in stand.variants["1"]["prices"]} == {
            "PLN": kept,
            "EUR": 250,
        }
        assert stand.variants["1"]["priceWithTax"] == 1230
        assert await shown(shop, "1", "999") == {"1": pln("12.30")}
        assert (await offer(shop)).price == pln("12.30")
        assert stand.variants["2"]["priceWithTax"] == 1000


async def test_what_a_net_channel_cannot_come_to_is_that_rows_failure() -> None:
    """At 23 per cent each fifth amount is the gross price of no whole net one; nothing near it is sent."""
    stand = Warehouse(2)
    stand.gross = False
    stand.variants["2"]["taxRateApplied"] = None
    async with opened(stand) as shop:
        reachable = 0
        for coins in range(1000, 1100):
            rows = await write(shop, call("1", price=f"{coins / 100:.2f}"))
            reachable += rows["1"].done
            if rows["1"].done:
                assert await shown(shop, "1") == {"1": Money.of_minor(coins, "PLN")}
            else:
                assert code_of(rows["1"].error) == "olhubd_vendure:price-net"
                assert str(rows["1"].error).startswith("price: ")
        assert 75 <= reachable <= 85
        rows = await write(shop, call("1", "2", "999"))
        assert {one: code_of(row.error) for one, row in rows.items()} == {
            "1": None,
            "2": "olhubd_vendure:price-tax",
            "999": "olhubd_vendure:no-variant",
        }


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"currency": "EUR"}, "defaultCurrencyCode"), ({"decimals": 3}, "moneyStrategyPrecision")],
)
async def test_what_the_channel_cannot_keep_is_refused_with_the_setting(fields: dict[str, Any], field: str) -> None:
    stand = Warehouse()
    for name, value in fields.items():
        setattr(stand, name, value)
    async with opened(stand) as shop:
        with pytest.raises(Rejected, match=field) as refusal:
            await shop.prices.write_prices("1", call("1"))
        assert refusal.value.field == field
        assert "SetPrices" not in stand.asked


async def test_a_channel_that_switches_is_known_before_anything_is_written() -> None:
    """A price that is kept without tax and written with it would be a fifth too high."""
    stand = Warehouse()
    async with opened(stand) as shop:
        await shop.offers.read(["1"])
        stand.gross = False
        assert (await write(shop, call("1")))["1"].done
        assert stand.variants["1"]["priceWithTax"] == 1230


async def test_a_refused_row_takes_no_other_along() -> None:
    """The server writes all rows of a call or none: they are written singly then, quantities too."""
    stand = Warehouse(3)
    stand.unsaved = {"2"}
    async with opened(stand) as shop:
        rows = await write(shop, call("1", "2", "3"))
        assert {one: row.done for one, row in rows.items()} == {"1": True, "2": False, "3": True}
        assert "price is not allowed" in (rows["2"].error or "")
        assert await shown(shop, "1", "2", "3") == {"1": pln("12.30"), "2": pln("10"), "3": pln("12.30")}
        levels = await shop.levels.write_levels("2", LevelCall(action="set", offers=("1", "2", "3"), value=2))
        assert isinstance(levels, Sequence)
        assert {row.offer: row.done for row in levels} == {"1": True, "2": False, "3": True}


async def test_an_outage_in_the_middle_of_single_rows_is_no_failure_of_all() -> None:
    stand = Warehouse(3)
    stand.unsaved = {"2"}
    async with opened(stand) as shop:
        await shop.prices.read_prices(["1"])
        # The rows are read, written together, and then one by one: the second of these meets an outage.
        stand.faults.add(Fault(kind=FaultKind.ERROR, status=503, after=3, times=None))
        with pytest.raises(OutcomeUnknown):
            await shop.prices.write_prices("1", call("1", "2", "3"))


async def test_a_lost_answer_is_looked_for_among_the_variants() -> None:
    stand = Warehouse(2)
    async with opened(stand) as shop:
        await shop.prices.read_prices(["1"])
        stand.faults.add(Fault(kind=FaultKind.LOSE, after=1))
        with pytest.raises(OutcomeUnknown):
            await shop.prices.write_prices("1", call("1", "2"))
        stand.faults.clear()
        rows = await shop.prices.report_prices("1", call("1", "2"))
        assert isinstance(rows, Sequence)
        assert [row.offer for row in rows] == ["1", "2"]
        assert await shop.prices.report_prices("1", call("1", "2", price="9.00")) is None
        stand.variants["2"]["prices"] = [{"currencyCode": "PLN", "price": 1000}]
        assert await shop.prices.report_prices("1", call("1", "2")) is None
        assert shop.prices.price_late == shop.settings.settle


async def test_the_answer_to_a_write_is_no_evidence_of_a_price() -> None:
    stand = Warehouse()
    stand.ignoring = True
    async with opened(stand) as shop:
        assert (await write(shop, call("1")))["1"].done
        assert await shown(shop, "1") == {"1": pln("10")}


@pytest.mark.parametrize(
    ("fields", "price", "rule"),
    [
        ({}, "10", None),
        ({"priceWithTax": 1001}, "10", None),
        ({"priceWithTax": 800}, "10", "productVariantPriceCalculationStrategy"),
        ({"prices": [{"currencyCode": "EUR", "price": 250}]}, None, None),
        ({"prices": "dear"}, None, None),
        ({"prices": None, "priceWithTax": None}, None, None),
    ],
)
async def test_the_sellers_own_price_counts_and_what_changes_it_is_named(
    fields: dict[str, Any], price: str | None, rule: str | None
) -> None:
    """Without a price in the channel's currency the server shows zero, which is no price."""
    stand = Warehouse()
    stand.change(**fields)
    async with opened(stand) as shop:
        found = await offer(shop)
        assert (found.price, found.price_rule, found.quantity) == (pln(price) if price else None, rule, 5)
        assert await shown(shop, "1") == {"1": pln(price) if price else None}


async def test_a_changed_price_is_news_of_the_offers() -> None:
    stand = Warehouse(2)
    async with opened(stand, stock_interval="1 ms") as shop:
        cursor = Cursor(await shop.offers.start(None))
        assert len((await shop.offers.pull(cursor)).records) == 2
        stand.change(prices=[{"currencyCode": "PLN", "price": 999}], priceWithTax=999)
        found = {one.external_id: one for one in (await shop.offers.sweep(stand.now(), None)).records}
        changed = found["1"]
        assert isinstance(changed, Offer)
        assert changed.price == pln("9.99")


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ("2026-03-01T10:20:30.000Z", datetime(2026, 3, 1, 10, 20, 30, tzinfo=UTC)),
        (None, None),
        ("yesterday", None),
    ],
)
async def test_an_offer_says_when_it_was_made(said: str | None, at: datetime | None) -> None:
    """OFF-13: by which it is linked when it is listed; a wrong date costs nothing."""
    stand = Warehouse()
    stand.change(createdAt=said)
    async with opened(stand) as shop:
        assert (await offer(shop)).listed_at == at


@pytest.mark.parametrize(
    ("own", "common", "image"),
    [
        ({"preview": "https://s.example/a.jpg"}, {"preview": "https://s.example/b.jpg"}, "https://s.example/a.jpg"),
        (None, {"preview": "https://s.example/b.jpg"}, "https://s.example/b.jpg"),
        (None, None, None),
        ("a.jpg", None, None),
        ({"preview": None}, None, None),
    ],
)
async def test_an_offer_says_what_it_looks_like(own: Any, common: Any, image: str | None) -> None:
    """CRD-10: by its own picture, else that of its product; a wrong one costs the offer nothing."""
    stand = Warehouse()
    stand.change(featuredAsset=own, product={"enabled": True, "name": "Mug", "featuredAsset": common})
    async with opened(stand) as shop:
        assert (await offer(shop)).image == image
