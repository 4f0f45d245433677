"""The catalogue of a shop at the endpoint: its products, their prices, and how they were imported."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest
from structlog.testing import capture_logs

from olhubd.model import AlarmKind, ListPrice, Money, PriceBasis, Product, ProductKind, SetPart
from olhubd.runtime.supervisor import Heartbeat
from olhubd.store import list_prices, products
from olhubd.store.list_prices import StoredPrice
from olhubd.store.products import StoredProduct
from tests.control.catalogue import Catalogue
from tests.control.shelf import KNOWN


async def test_products_are_listed_by_each_filter(catalogue: Catalogue) -> None:
    """Nothing is there before a person asks; then all, in pages, and by each filter what fits it."""
    assert (await catalogue.get("/products"))["items"] == []
    run = await catalogue.imported(full=True)
    rows = await catalogue.every("/products")
    assert len(rows) == len(catalogue.shop.catalogue.products) == len({row["id"] for row in rows})
    assert run["seen"] >= len(rows)
    (one,) = await catalogue.every("/products", sku=KNOWN)
    row = catalogue.shop.catalogue.by_sku(KNOWN)
    assert row is not None
    assert (one["external_id"], one["name"], one["kind"]) == (str(row["id"]), row["name"], "simple")
    assert one["gone_at"] is None
    assert await catalogue.every("/products", text=one["name"].lower()) == [one]
    assert await catalogue.every("/products", text=one["external_id"], account="shop", kind="simple") == [one]
    assert await catalogue.every("/products", kind="variant", sku=KNOWN) == []
    assert {found["kind"] for found in await catalogue.every("/products", kind="variant")} == {"variant"}
    assert await catalogue.every("/products", gone="true") == []
    assert await catalogue.every("/products", gone="false", shared="true", account="shop") == rows


async def test_wrong_filters_are_refused_by_name(catalogue: Catalogue) -> None:
    for path, asked, parameter in (
        ("/products", {"account": "nobody"}, "account"),
        ("/products", {"kind": "animal"}, "kind"),
        ("/products", {"ean": "123"}, "ean"),
        ("/list-prices", {"currency": "zloty"}, "currency"),
        ("/list-prices", {"account": "nobody"}, "account"),
        ("/price-lists", {"account": "nobody"}, "account"),
        ("/imports", {"account": "nobody"}, "account"),
    ):
        status, problem = await catalogue.ask("GET", path, **asked)
        assert (status, problem["parameter"]) == (400, parameter), (path, problem)
    status, problem = await catalogue.ask("GET", "/products/nothing")
    assert (status, problem["detail"]) == (404, "there is no product nothing")


async def test_one_product_shows_its_prices_stock_and_offers(catalogue: Catalogue) -> None:
    await catalogue.imported(full=True)
    (row,) = await catalogue.every("/products", sku=KNOWN)
    names = (KNOWN, f"shop:{row['external_id']}", row["external_id"], f"%23{row['id']}")
    cards = [await catalogue.get(f"/products/{name}") for name in names]
    assert all(card["product"]["id"] == row["id"] for card in cards)
    card = cards[0]
    (price,) = card["prices"]
    there = catalogue.shop.catalogue.by_sku(KNOWN)
    assert there is not None
    assert price["price"] == {"amount": there["price"], "currency": "PLN"}
    assert card["stock"]["sellable"] == there["stock_quantity"]
    (offer,) = card["offers"]
    assert (offer["account"], offer["sku"]) == ("market", KNOWN)
    assert (offer["wanted"], offer["price"]) == (there["stock_quantity"], price["price"])
    status, problem = await catalogue.ask("GET", "/products/TWIN")
    assert status == 409
    assert all(f"shop:{twin}" in problem["detail"] for twin in catalogue.twins)


async def test_variants_and_parts_name_each_other(catalogue: Catalogue) -> None:
    await catalogue.imported(full=True)
    variants = await catalogue.every("/products", kind="variant")
    card = await catalogue.get(f"/products/shop:{variants[0]['external_id']}")
    parent = card["parent"]
    assert parent["kind"] == "parent"
    whole = await catalogue.get(f"/products/shop:{parent['external_id']}")
    assert {row["id"] for row in whole["variants"]} == {row["id"] for row in variants}
    known = SetPart(item=variants[0]["external_id"], pieces=2)
    kit = Product(external_id="K1", name="Kit", kind=ProductKind.SET, parts=(known, SetPart(item="unknown")))
    row = StoredProduct(id=9000, account="shop", record=kit, read_after=0, read_at=catalogue.clock.now())
    await catalogue.database.write(lambda tx: products.put(tx, [row]))
    first, second = (await catalogue.get("/products/shop:K1"))["parts"]
    assert (first["pieces"], first["product"]["name"]) == (2, variants[0]["name"])
    assert (second["item"], second["pieces"], second["product"]) == ("unknown", 1, None)


async def test_a_price_list_appears_when_it_was_read_and_counts_its_prices(catalogue: Catalogue) -> None:
    """ACC-15: before the import that brings it there is none."""
    assert (await catalogue.get("/price-lists"))["items"] == []
    await catalogue.imported(full=True)
    (one,) = (await catalogue.get("/price-lists"))["items"]
    prices = await catalogue.every("/list-prices")
    assert (one["account"], one["name"], one["channels"]) == ("shop", "default", ["market"])
    assert one["prices"] == {"PLN": sum(row["price"] is not None for row in prices)}
    assert one["unpriced"] == sum(row["price"] is None for row in prices)

    def at(amount: str | None, name: str = "wholesale", currency: str = "EUR") -> StoredPrice:
        price = Money(Decimal(amount), currency) if amount is not None else None
        record = ListPrice(item="501", price_list=name, price=price, basis=PriceBasis.NET)
        now = catalogue.clock.now()
        return StoredPrice(id=9000, account="shop", record=record, read_after=0, read_at=now)

    for price, counted in ((at("12"), {"EUR": 1}), (at("13"), {"EUR": 1}), (at(None), {}), (at("1"), {"EUR": 1})):
        await catalogue.database.write(lambda tx, price=price: list_prices.put(tx, [price]))  # type: ignore[misc]
        rows = (await catalogue.get("/price-lists", account="shop"))["items"]
        assert [row["name"] for row in rows] == ["default", "wholesale"]
        assert (rows[1]["prices"], rows[1]["channels"]) == (counted, [])
        assert rows[1]["unpriced"] == (0 if counted else 1)


async def test_prices_are_listed_by_each_filter(catalogue: Catalogue) -> None:
    await catalogue.imported(full=True)
    rows = await catalogue.every("/list-prices")
    assert len(rows) == len({(row["item"], row["price_list"]) for row in rows}) > 10
    (one,) = await catalogue.every("/list-prices", sku=KNOWN)
    assert one["sku"] == KNOWN
    assert one["name"] == catalogue.shop.catalogue.by_sku(KNOWN)["name"]  # type: ignore[index]
    assert await catalogue.every("/list-prices", item=one["item"], account="shop", price_list="default") == [one]
    assert await catalogue.every("/list-prices", item=one["item"], currency="EUR") == []
    assert await catalogue.every("/list-prices", price_list="wholesale") == []
    priced = [row for row in rows if row["price"] is not None]
    assert await catalogue.every("/list-prices", currency="PLN") == priced


async def test_the_history_of_imports_says_what_each_brought(catalogue: Catalogue) -> None:
    """PRD-02, PRD-10; part of PRD-06: begun by a person as soon as the shop is connected, and by nobody else."""
    before = await catalogue.standing()
    assert (before["mode"], before["last"], before["under_way"]) == ("by-hand", None, False)
    assert before["due_since"] is not None
    assert (await catalogue.get("/imports"))["items"] == []
    first = await catalogue.imported(full=True)
    assert (first["trigger"], first["state"]) == ("manual", "done")
    again = await catalogue.imported()
    assert (again["added"], again["changed"]) == (0, 0)
    rows = await catalogue.every("/imports", account="shop")
    assert [row["id"] for row in rows] == [again["id"], first["id"]]
    assert rows[1]["added"] == first["added"] > 0
    assert rows[1]["started_at"] <= rows[1]["ended_at"]
    assert await catalogue.every("/imports", account="market") == []
    after = await catalogue.standing()
    assert (after["due_since"], after["last"]["id"]) == (None, again["id"])
    assert after["all_read_at"] is not None


async def test_the_shop_gives_its_products_and_takes_orders(catalogue: Catalogue) -> None:
    """PRD-01: what it brings is known here, and what was sold arrives there, bound to what it brought."""
    await catalogue.imported(full=True)
    known = {row["external_id"] for row in await catalogue.every("/products")}
    await catalogue.sell(1)
    (sheet,) = catalogue.shop.ledger.sheets.values()
    bound = {str(line["variation_id"] or line["product_id"]) for line in sheet.doc["line_items"]}
    assert bound
    assert bound <= known


async def test_most_of_a_catalogue_is_gone_when_a_person_says_so(catalogue: Catalogue) -> None:
    """With the numbers in words, and the mark of who accepted them."""
    await catalogue.imported(full=True)
    known = len(await catalogue.every("/products"))
    lost = catalogue.lose(3)
    body = {"products": True, "full": True}
    status, _ = await catalogue.ask("POST", "/accounts/shop/fetch", body)
    assert status >= 400
    standing = await catalogue.standing()
    assert standing["disbelieved_code"] == "products.too-many-gone"
    assert standing["disbelieved_values"] | {"n": lost, "known": known} == standing["disbelieved_values"]
    assert await catalogue.every("/products", gone="true") == []
    await catalogue.imported(full=True, accept_gone=True)
    assert len(await catalogue.every("/products", gone="true")) == lost
    assert (await catalogue.standing())["disbelieved"] is None
    (event,) = [
        one
        for one in (await catalogue.get("/events", limit=500))["items"]
        if one["kind"] == "account.products-fetched" and one["data"].get("accept_gone")
    ]
    assert event["data"] == {"full": True, "accept_gone": True}


class Daily(Catalogue):
    """One import a day is all that there may be."""

    keys: ClassVar[Mapping[str, Any]] = {"products_once_a_day": True, "products_from": "06:10"}


@pytest.fixture
async def daily(tmp_path: Path) -> AsyncIterator[Daily]:
    made = Daily(tmp_path)
    with capture_logs():
        async with made.open():
            yield made


async def test_a_second_import_on_a_day_is_possible_at_the_time_that_is_told(daily: Daily) -> None:
    """PRD-08; part of PRD-07: refused at the endpoint too, until the day of the seller's zone is over."""
    await daily.imported(full=True)
    standing = await daily.standing()
    assert (standing["once_a_day"], standing["day_begins"]) == (True, "06:10")
    status, problem = await daily.ask("POST", "/accounts/shop/fetch", {"products": True})
    assert status == 429, problem
    assert standing["possible_at"] is not None
    daily.clock.ahead = timedelta(days=1)
    assert (await daily.standing())["possible_at"] is None
    status, _ = await daily.ask("POST", "/accounts/shop/fetch", {"products": True})
    assert status != 429


class Choosing(Catalogue):
    """Its prices go by a list that nobody has brought yet."""

    rule = '[[prices]]\nmaster = "shop"\nchannels = "*"\nprice_list = "wholesal"\n'


@pytest.fixture
async def choosing(tmp_path: Path) -> AsyncIterator[Choosing]:
    made = Choosing(tmp_path)
    with capture_logs():
        async with made.open():
            await made.sign_in()
            await made.until(made.linked)
            yield made


async def test_a_list_that_there_is_not_is_an_error_that_names_those_there_are(choosing: Choosing) -> None:
    """ACC-14, ACC-15: a price list is chosen by its name, from the one called default where none is named; one that
    a later reading brings is among them from then on."""
    alarmed = AlarmKind.WORDS, "shop"
    pulse = Heartbeat("test", choosing.clock)

    async def looked() -> bool:
        await choosing.hub.vocabulary.round(pulse)
        await choosing.hub.checks.round()
        return alarmed in choosing.hub.alarms.open

    async def computed() -> Any:
        (item,) = (await choosing.get(f"/pricing/{KNOWN}"))["items"]
        (offer,) = item["offers"]
        return offer["price_computed"]

    assert not await looked(), "nothing was read yet"
    await choosing.imported(full=True)
    assert await looked()
    detail = choosing.hub.alarms.open[alarmed].detail
    assert "prices.toml:4: price_list: wholesal is no price list of shop; there are: default" in detail
    (finding,) = (await choosing.get("/doctor", check="WORDS"))["items"]
    assert finding["state"] == "wrong"
    assert "there are: default" in finding["text"]
    assert await computed() is None
    (row,) = await choosing.every("/list-prices", sku=KNOWN)
    price = Money(Decimal("12.00"), "PLN")
    record = ListPrice(item=row["item"], price_list="wholesale", price=price, basis=PriceBasis.GROSS)
    stored = StoredPrice(id=9000, account="shop", record=record, read_after=0, read_at=choosing.clock.now())
    await choosing.database.write(lambda tx: list_prices.put(tx, [stored]))
    assert await looked()
    assert "did you mean wholesale? there are: default, wholesale" in choosing.hub.alarms.open[alarmed].detail
    for rule, found in (
        (choosing.rule.replace("wholesal", "wholesale"), {"amount": "12.00", "currency": "PLN"}),
        (choosing.rule.replace('price_list = "wholesal"\n', ""), row["price"]),
    ):
        choosing.rule = rule
        await choosing.hub.reload(choosing.configuration())
        assert not await looked()
        assert await computed() == found
