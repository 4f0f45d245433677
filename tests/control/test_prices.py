"""Prices from the list of a shop to the offers of a market, as the endpoint tells and takes them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from olhubd import config
from olhubd_allegro.levels import Levels
from olhubd_allegro.prices import Prices
from tests.control.shelf import KNOWN, Shelf

RULE = '[[prices]]\nmaster = "shop"\nchannels = "*"\nadd = 1\nfloor = "2.00"\n'


class PricedShelf(Shelf):
    """What the shop's list newly brings, the offers of the market cost, plus one zloty."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.shop_keys = {**self.shop_keys, "products": "always"}
        self.rule = RULE

    def configuration(self) -> config.Configuration:
        folder = self.folder / "conf.d"
        folder.mkdir(exist_ok=True)
        (folder / "prices.toml").write_text(self.rule, encoding="utf-8")
        return super().configuration()

    async def priced(self) -> bool:
        """Whether the list was read, and an offer is linked to what is in it."""
        status, found = await self.ask("GET", f"/pricing/{KNOWN}")
        return status == 200 and bool(found["items"][0]["listed"]) and bool(found["items"][0]["offers"])

    async def row(self) -> Any:
        return (await self.get(f"/pricing/{KNOWN}"))["items"][0]

    async def costs(self) -> Any:
        (one,) = (await self.row())["offers"]
        return one

    def list_at(self, amount: str) -> None:
        """The seller gives the product another price in the shop."""
        at = self.shop.now().replace(tzinfo=None, microsecond=0).isoformat()
        row = self.shop.catalogue.by_sku(KNOWN)
        assert row is not None
        row |= {"regular_price": amount, "price": amount, "date_modified_gmt": at}


@pytest.fixture
async def priced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PricedShelf]:
    monkeypatch.setattr(Prices, "price_settle", timedelta(milliseconds=100))
    monkeypatch.setattr("olhubd_allegro.commands._SOON", 0.1)
    made = PricedShelf(tmp_path)
    with capture_logs():
        async with made.open():
            await made.sign_in()
            await made.until(made.linked)
            await made.until(made.priced)
            yield made


async def test_what_the_list_brings_is_what_the_offer_costs(priced: PricedShelf) -> None:
    """PRC-01, PRC-05: from the shop's price to Allegro's offer and back, once its own switch is on."""
    before = await priced.costs()
    offer = before["external_id"]
    assert (before["price"], before["price_sync"], before["price_wanted"]) == (
        {"amount": "39.00", "currency": "PLN"},
        False,
        None,
    )
    assert before["price_computed"] == {"amount": "40.00", "currency": "PLN"}
    status, answer = await priced.ask("POST", f"/offers/market/{offer}/follow-price", {"follow": True})
    assert (status, answer) == (200, {"account": "market", "external_id": offer})
    priced.list_at("41.00")

    async def sent() -> bool:
        return bool((await priced.costs())["price_confirmed_at"])

    await priced.until(sent)
    assert priced.market.book.prices.prices()[offer] == "42.00"
    row = await priced.offer(KNOWN)
    assert (row["price_wanted"], row["price_sync"]) == ({"amount": "42.00", "currency": "PLN"}, True)


async def test_a_step_that_is_too_large_waits_for_a_person(priced: PricedShelf) -> None:
    """It is held and alarmed; approved it goes, by hand another one does."""
    offer = (await priced.costs())["external_id"]
    await priced.ask("POST", f"/offers/market/{offer}/follow-price", {"follow": True})
    status, answer = await priced.ask("POST", f"/offers/market/{offer}/approve-price", {"price": "391.00"})
    assert (status, "waits to be approved" in answer["detail"]) == (409, True)
    priced.list_at("390.00")

    async def held() -> bool:
        return bool((await priced.costs())["price_reason_code"] == "pricing.step")

    await priced.until(held)
    assert priced.market.book.prices.prices()[offer] == "39.00"
    # Who saw another price approves nothing, and is told which one waits.
    status, answer = await priced.ask("POST", f"/offers/market/{offer}/approve-price", {"price": "390.00"})
    assert (status, "with the price 391.00 PLN by now, and not 390.00" in answer["detail"]) == (409, True)
    status, answer = await priced.ask("POST", f"/offers/market/{offer}/approve-price", {})
    assert (status, "price" in answer["detail"]) == (400, True)
    status, answer = await priced.ask("POST", f"/offers/market/{offer}/approve-price", {"price": "391"})
    assert status == 200, answer

    async def sent() -> bool:
        return priced.market.book.prices.prices()[offer] == "391.00"

    await priced.until(sent)


async def test_below_the_floor_nothing_is_sent_by_hand_either(priced: PricedShelf) -> None:
    offer = (await priced.costs())["external_id"]
    status, answer = await priced.ask("POST", f"/offers/market/{offer}/send-price")
    assert (status, "does not follow its product" in answer["detail"]) == (409, True)
    await priced.ask("POST", f"/offers/market/{offer}/follow-price", {"follow": True})
    priced.list_at("0.50")

    async def below() -> bool:
        return bool((await priced.costs())["price_why_code"] == "pricing.floor")

    await priced.until(below)
    status, answer = await priced.ask("POST", f"/offers/market/{offer}/send-price")
    assert (status, "less than the lowest price 2.00 PLN" in answer["detail"]) == (409, True)
    assert priced.market.book.prices.prices()[offer] == "39.00"


async def test_an_order_below_the_floor_is_reserved_and_waits_for_a_person(priced: PricedShelf) -> None:
    """S7: what was bought at 39 is not sent on where 50 is the least. A retry changes nothing."""
    priced.rule = RULE.replace("2.00", "50.00")
    await priced.hub.reload(priced.configuration())
    priced.market.ledger.buy(sku=KNOWN, quantity=2, lines=1)
    found: list[Any] = []

    async def held() -> bool:
        found[:] = (await priced.get("/deliveries", state="hold"))["items"]
        return bool(found)

    await priced.until(held)
    (row,) = found
    assert (row["held"]["kind"], row["held"]["field"]) == ("below-floor", None)
    assert "TAL-27 was bought for 39.00 PLN, which is less than the lowest price 50.00 PLN" in row["held"]["reason"]
    (item,) = (await priced.get(f"/stock/{KNOWN}"))["items"]
    assert [(one["what"], one["pieces"]) for one in item["terms"] if one["what"] == "reservation"] == [
        ("reservation", -2)
    ]
    await priced.ask("POST", f"/deliveries/{row['id']}/retry")
    await priced.until(held)
    assert not priced.shop.books()
    assert (await priced.ask("POST", f"/deliveries/{row['id']}/release"))[0] == 200
    await priced.until(priced.settled)
    (entry,) = priced.shop.books()
    assert entry.reference


async def test_an_order_at_the_floor_goes(priced: PricedShelf) -> None:
    priced.rule = RULE.replace("2.00", "39.00")
    await priced.hub.reload(priced.configuration())
    priced.market.ledger.buy(sku=KNOWN, quantity=2, lines=1)

    async def there() -> bool:
        return bool(priced.shop.books())

    await priced.until(there)


async def test_an_offer_comes_back_at_the_price_of_the_list(
    priced: PricedShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OFF-25: it ended at 39, and its list says 40 by the rule. The price is there before the activation."""
    monkeypatch.setattr(Levels, "level_settle", timedelta(milliseconds=100))
    offer = (await priced.costs())["external_id"]
    priced.stock_rule += "resume = true\nbrake = false\n"
    priced.rule = RULE + "resume_price = true\n"
    await priced.hub.reload(priced.configuration())
    await priced.ask("POST", f"/offers/market/{offer}/follow-price", {"follow": True})
    assert (await priced.ask("POST", f"/offers/market/{offer}/auto-resume", {"allowed": True}))[0] == 200
    row = priced.market.book.offers[offer]
    priced.sell_out(KNOWN)

    async def ended() -> bool:
        return bool(row["publication"]["status"] == "ENDED")

    await priced.until(ended)
    assert priced.market.book.prices.prices()[offer] == "39.00"
    product = priced.shop.catalogue.by_sku(KNOWN)
    assert product is not None
    at = priced.shop.now().replace(tzinfo=None, microsecond=0).isoformat()
    assert priced.shop.catalogue.move(product["id"], 6, at)

    async def back() -> bool:
        return bool(row["publication"]["status"] == "ACTIVE")

    await priced.until(back)
    commands = [(one.kind, one.body) for one in priced.market.book.commands.values()]
    kinds = [body.get("publication", {}).get("action", kind) for kind, body in commands]
    assert sorted(kinds) == ["ACTIVATE", "END", "price", "quantity"]
    assert kinds.index("price") < kinds.index("ACTIVATE")
    assert priced.market.book.prices.prices()[offer] == "40.00"


async def test_what_is_not_there_is_said(priced: PricedShelf) -> None:
    assert (await priced.ask("GET", "/pricing/NOTHING"))[0] == 404
    status, answer = await priced.ask("POST", "/offers/market/1/follow-price", {"follow": True})
    assert (status, "market has no offer 1" in answer["detail"]) == (409, True)
    status, answer = await priced.ask("POST", "/offers/shop/1/follow-price", {"follow": True})
    assert (status, "sends prices to shop" in answer["detail"]) == (409, True)


async def test_an_offer_has_no_switch_while_that_of_its_account_is_off(priced: PricedShelf) -> None:
    """PRC-05: none is shown then, and none can be set; what was said before is shown again with the account's."""
    offer = (await priced.costs())["external_id"]
    await priced.ask("POST", f"/offers/market/{offer}/follow-price", {"follow": True})
    priced.rule = ""
    await priced.hub.reload(priced.configuration())
    assert ((await priced.offer(KNOWN))["price_sync"], (await priced.costs())["price_sync"]) == (None, None)
    status, answer = await priced.ask("POST", f"/offers/market/{offer}/follow-price", {"follow": False})
    assert (status, "sends prices to market" in answer["detail"]) == (409, True)
    priced.rule = RULE
    await priced.hub.reload(priced.configuration())

    async def on() -> bool:
        return ((await priced.offer(KNOWN))["price_sync"], (await priced.costs())["price_sync"]) == (True, True)

    await priced.until(on)
