"""The catalogue at the dashboard: products, price lists and imports."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from olhubd.model import ListPrice, PriceBasis, Product, ProductKind, SetPart
from olhubd.store import Transaction, list_prices, products
from olhubd.store.list_prices import StoredPrice
from olhubd.store.products import StoredProduct
from tests.control.catalogue import Catalogue
from tests.control.dashboard.browser import Browser, forms, visible
from tests.control.shelf import KNOWN


@pytest.fixture
async def seller(catalogue: Catalogue) -> AsyncIterator[Browser]:
    async with Browser(catalogue) as browser:
        await browser.enter()
        yield browser


async def test_an_import_is_started_where_its_history_is(seller: Browser, catalogue: Catalogue) -> None:
    """PRD-10, PRD-11; part of PRD-06: by a button, with the counts of each run below it."""
    text = visible(await seller.page("/imports"))
    for word in ("not brought today yet", "when somebody asks for it", "Nothing has been imported yet."):
        assert word in text
    assert "No product was imported yet." in visible(await seller.page("/products"))
    text = visible(await seller.press("/imports", "/accounts/shop/fetch"))
    (run,) = (await catalogue.get("/imports"))["items"]
    assert f"shop: {run['seen']} read, {run['added']} new, {run['changed']} changed." in text
    assert "brought today" in text
    assert "Imports, the newest first" in text
    shown = visible(await seller.page("/imports?account=shop"))
    for word in ("by hand", "done", str(run["seen"]), str(run["added"])):
        assert word in shown
    (event,) = [
        one for one in (await catalogue.get("/events"))["items"] if one["kind"] == "account.products-fetched"
    ]
    assert event["cause"]["id"].startswith("dashboard")


async def test_all_is_read_and_what_is_gone_is_accepted_with_its_number(
    seller: Browser, catalogue: Catalogue
) -> None:
    await catalogue.imported(full=True)
    known = len(await catalogue.every("/products"))
    lost = catalogue.lose(3)
    offered = [form for form in forms(await seller.page("/imports")) if form.action == "/accounts/shop/fetch"]
    assert sorted("full" in form.fields for form in offered) == [False, True]
    assert not any("accept_gone" in form.fields for form in offered)
    (whole,) = [form for form in offered if "full" in form.fields]
    answer = await seller.post("/accounts/shop/fetch", whole.fields)
    text = await seller.page(answer.headers["Location"])
    assert "The import of shop failed" in visible(text)
    assert f"{lost} of the {known} products that are known" in visible(text)
    (accept,) = [form for form in forms(text) if "accept_gone" in form.fields]
    answer = await seller.post("/accounts/shop/fetch", accept.fields)
    text = visible(await seller.page(answer.headers["Location"]))
    assert "in the last reading of all" not in text
    assert "gone" in visible(await seller.page("/products?gone=true"))
    assert len(await catalogue.every("/products", gone="true")) == lost


async def test_products_are_found_and_one_is_shown_whole(seller: Browser, catalogue: Catalogue) -> None:
    await catalogue.imported(full=True)
    (row,) = await catalogue.every("/products", sku=KNOWN)
    text = await seller.page(f"/products?text={KNOWN}&kind=simple&gone=false")
    assert row["name"] in visible(text)
    assert f'href="/products/{row["id"]}"' in text
    assert "Nothing fits." in visible(await seller.page("/products?shared=false"))
    card = await catalogue.get(f"/products/%23{row['id']}")
    text = visible(await seller.page(f"/products/{row['id']}"))
    for word in (row["name"], KNOWN, "shop", "default", "PLN", "at the stock master", "market"):
        assert word in text, word
    assert str(card["stock"]["sellable"]) in text
    assert card["offers"][0]["external_id"] in text


async def test_variants_parts_and_markup(seller: Browser, catalogue: Catalogue) -> None:
    """What a source writes is text here, and no address but one of the web is a link."""
    await catalogue.imported(full=True)
    (variant, *_) = await catalogue.every("/products", kind="variant")
    assert "Variant of" in visible(await seller.page(f"/products/{variant['id']}"))
    (parent,) = await catalogue.every("/products", kind="parent")
    assert variant["name"] in visible(await seller.page(f"/products/{parent['id']}"))
    kit = Product(
        external_id="K1",
        name="<b>Kit</b>",
        kind=ProductKind.SET,
        parts=(SetPart(item=variant["external_id"], pieces=2), SetPart(item="X9")),
        description="<p>Two <script>alert(1)</script>mugs</p>",
        images=("javascript:alert(1)", "https://shop.test/1.jpg"),
    )
    bare = ListPrice(item="K1", price_list="default", price=None, basis=PriceBasis.NET)
    now = catalogue.clock.now()

    async def work(tx: Transaction) -> None:
        await products.put(tx, [StoredProduct(id=9000, account="shop", record=kit, read_after=0, read_at=now)])
        await list_prices.put(tx, [StoredPrice(id=9000, account="shop", record=bare, read_after=0, read_at=now)])

    await catalogue.database.write(work)
    text = await seller.page("/products/9000")
    assert "<script>alert" not in text
    assert "javascript:" not in text
    assert "<b>Kit</b>" not in text
    shown = visible(text)
    for word in ("In the set", variant["name"], "not known X9", "no price", "Nothing of it is counted.", "mugs"):
        assert word in shown, word


async def test_price_lists_lead_to_their_prices(seller: Browser, catalogue: Catalogue) -> None:
    """ACC-15: a list is there once an import has brought it."""
    assert "No price was imported yet." in visible(await seller.page("/prices"))
    await catalogue.imported(full=True)
    text = await seller.page("/prices")
    assert 'href="/prices?account=shop&amp;price_list=default"' in text
    assert "market" in visible(text)
    (one,) = await catalogue.every("/list-prices", sku=KNOWN)
    shown = visible(await seller.page(f"/prices?account=shop&price_list=default&sku={KNOWN}&currency=PLN"))
    assert one["name"] in shown
    assert "with tax" in shown


@pytest.mark.parametrize(
    "path",
    [
        "/products?ean=17",
        "/products?kind=animal",
        "/products?account=nobody",
        "/prices?currency=zloty",
        "/imports?account=x",
    ],
)
async def test_what_cannot_be_meant_is_refused_in_words(seller: Browser, path: str) -> None:
    answer = await seller.get(path)
    assert answer.status == 400
    assert visible(answer.text)


async def test_a_product_that_is_not_there(seller: Browser) -> None:
    answer = await seller.get("/products/4711")
    assert answer.status == 404
    assert "there is no product #4711" in visible(answer.text)


async def test_an_account_without_products_cannot_be_imported(seller: Browser, catalogue: Catalogue) -> None:
    (form, *_) = [one for one in forms(await seller.page("/imports")) if one.action == "/accounts/shop/fetch"]
    answer = await seller.post("/accounts/market/fetch", form.fields)
    assert answer.status == 409
    assert "are not read" in visible(answer.text)


async def test_the_way_there_is_shown_where_products_are_read(seller: Browser) -> None:
    assert 'href="/imports"' in await seller.page("/")


async def test_who_reads_no_products_is_shown_no_way_there(browser: Browser) -> None:
    text = await browser.page("/")
    assert 'href="/imports"' not in text
    assert 'href="/products"' not in text


async def test_in_polish(catalogue: Catalogue) -> None:
    await catalogue.imported(full=True)
    async with Browser(catalogue, "pl") as browser:
        await browser.enter()
        assert "dziś pobrano" in visible(await browser.page("/imports"))
        assert "Produkty, najnowsze najpierw" in visible(await browser.page("/products"))
        assert "z podatkiem" in visible(await browser.page("/prices"))
