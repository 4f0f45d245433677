"""Stock, offers and links at the dashboard."""

from __future__ import annotations

import html
from collections.abc import AsyncIterator

import msgspec
import pytest
from aiohttp import FormData

from olhubd.model import Reason, Scope
from olhubd.store import Transaction, events, offers
from tests.control.dashboard.browser import Answer, Browser, forms, visible
from tests.control.shelf import KNOWN, UNKNOWN, Shelf


@pytest.fixture
async def seller(shelf: Shelf) -> AsyncIterator[Browser]:
    async with Browser(shelf) as browser:
        await browser.enter()
        yield browser


async def test_stock_says_what_may_be_sold_and_what_its_offers_show(seller: Browser, shelf: Shelf) -> None:
    text = visible(await seller.page(f"/stock?text={KNOWN}"))
    (row,) = (await shelf.get("/stock", sku=KNOWN))["items"]
    (offer,) = row["offers"]
    for word in (KNOWN, str(row["sellable"]), "at the stock master", offer["external_id"], "right"):
        assert word in text
    assert "no offer" in visible(await seller.page("/stock?unlinked=true"))
    assert "Nothing fits." in visible(await seller.page("/stock?text=nothing-is-called-so"))


async def test_a_conflict_is_shown_and_decided(seller: Browser, shelf: Shelf) -> None:
    """S27: two items of one mark are nobody's guess."""
    text = await seller.page("/links")
    assert "Several items may be what these offers sell" in visible(text)
    assert "several stock items have the SKU TWIN" in visible(text)
    ways = [form for form in forms(text) if form.action == "/links" and "item" in form.fields]
    assert {form.fields["item"] for form in ways} >= set(shelf.twins)
    (chosen,) = [form for form in ways if form.fields["item"] == shelf.twins[0]]
    answer = await seller.post("/links", chosen.fields)
    assert answer.status == 303, answer.text
    text = await seller.page(answer.headers["Location"])
    assert f"The offer {shelf.twin} is linked." in visible(text)
    assert "Several items may be what these offers sell" not in visible(text)
    (link,) = (await shelf.offer("TWIN"))["links"]
    assert (link["item"]["external_id"], link["by"]) == (shelf.twins[0], "hand")


async def test_an_offer_is_linked_and_unlinked_by_hand(seller: Browser, shelf: Shelf) -> None:
    path = f"/offers?text={shelf.odd}"
    text = await seller.press(path, "/links", sku=KNOWN, units="2")
    assert f"The offer {shelf.odd} is linked." in visible(text)
    (link,) = (await shelf.offer(UNKNOWN))["links"]
    assert (link["item"]["sku"], link["units"]) == (KNOWN, 2)
    assert link["made_by"].startswith("dashboard")
    text = await seller.press(path, "/links/remove")
    assert "left alone by a person" in visible(text)
    assert (await shelf.offer(UNKNOWN))["linking"] == "left"


async def test_what_cannot_be_linked_says_why(seller: Browser, shelf: Shelf) -> None:
    text = await seller.page(f"/offers?text={shelf.odd}")
    (form,) = [one for one in forms(text) if one.action == "/links"]
    answer = await seller.post("/links", {**form.fields, "sku": "NONE"})
    assert answer.status == 409
    assert "no stock item has the mark or the number NONE" in visible(answer.text)


async def test_a_plan_is_shown_with_examples_and_decided(seller: Browser, shelf: Shelf) -> None:
    plan = await shelf.empty()
    offer = await shelf.offer(KNOWN)
    text = visible(await seller.page("/waiting"))
    assert f"Plan {plan}" in text
    text = visible(await seller.page("/stock/plans"))
    for word in (f"Plan {plan}", "waits for a person", "of market", offer["external_id"], str(offer["wanted"])):
        assert word in text
    assert "the brake holds it back" in visible(await seller.page(f"/offers?sku={KNOWN}"))
    text = visible(await seller.press("/stock/plans", f"/stock-plans/{plan}/reject", reason="the export was empty"))
    assert f"Plan {plan} is rejected" in text
    assert "the export was empty" in text
    (form,) = [one for one in forms(await seller.page("/stock/plans")) if one.action.endswith("/approve")]
    answer = await seller.post(form.action, {**form.fields, "offers": "7"})
    assert answer.status == 409
    assert f"plan {plan} holds something else by now: 1 offers, 1 of them to zero" in visible(answer.text)
    assert f"Plan {plan} is approved: its offers change now." in visible(
        await seller.press("/stock/plans", f"/stock-plans/{plan}/approve")
    )
    assert (await shelf.offer(KNOWN))["wanted"] == 0


async def test_an_oversold_order_is_shown_with_its_cause_and_dealt_with(seller: Browser, shelf: Shelf) -> None:
    assert "Nothing was oversold." in visible(await seller.page("/stock/oversold"))
    made = await shelf.oversell()
    for path in ("/stock/oversold", "/stock/oversold?open=true", f"/stock/oversold?cause={made['cause']}"):
        text = visible(await seller.page(path))
        for word in (made["order"], KNOWN, made["why"], made["offer"]["external_id"]):
            assert word in text
    assert "Nothing fits." in visible(await seller.page("/stock/oversold?account=shop&cause=by-hand"))
    text = visible(await seller.press("/stock/oversold", f"/oversold/{made['id']}/close", reason="refunded"))
    assert f"The missing pieces of {made['order']} are dealt with." in text
    assert "refunded" in text
    assert made["order"] not in visible(await seller.page("/stock/oversold?open=true"))
    async with Browser(shelf, "pl") as browser:
        await browser.enter()
        assert "Brakuje 1 z 1 szt." in visible(await browser.page("/stock/oversold"))


async def test_all_selling_is_stopped_and_goes_on(seller: Browser, shelf: Shelf) -> None:
    before = (await shelf.offer(KNOWN))["wanted"]
    text = visible(await seller.press("/stock", "/sales-stops", reason="a flood"))
    assert "All selling is stopped: market." in text
    assert "a flood" in text
    assert (await shelf.offer(KNOWN))["wanted"] == 0
    assert "Sells again: market." in visible(await seller.press("/stock", "/sales-stops/lift"))
    assert (await shelf.offer(KNOWN))["wanted"] == before


async def test_who_may_only_read_is_offered_nothing(shelf: Shelf) -> None:
    async with Browser(shelf) as browser:
        await browser.enter(token=await shelf.make_token("reports", Scope.READ))
        await shelf.empty()
        await shelf.oversell()
        for path in ("/offers", "/links", "/stock", "/stock/plans", "/stock/oversold"):
            text = await browser.page(path)
            assert [
                form.action
                for form in forms(text)
                if form.action.startswith(("/links", "/stock-plans", "/oversold", "/sales-stops"))
            ] == []
        assert shelf.twins[0] in await browser.page("/links")


async def test_links_come_as_a_file(seller: Browser, shelf: Shelf) -> None:
    answer = await seller.get("/links/export?suggestions=true")
    assert answer.status == 200
    assert answer.text.startswith("﻿account,offer,sku,item,units")
    assert shelf.twin in answer.text


async def test_the_way_there_is_shown_where_stock_is_sold(seller: Browser) -> None:
    assert 'href="/offers"' in await seller.page("/")


async def test_who_sells_no_stock_is_shown_no_way_there(browser: Browser) -> None:
    assert 'href="/offers"' not in await browser.page("/")


async def test_in_polish(shelf: Shelf) -> None:
    async with Browser(shelf, "pl") as browser:
        await browser.enter()
        assert "kilka towarów ma SKU TWIN" in visible(await browser.page("/links"))


async def test_a_doubt_is_shown_with_its_reason_and_settled(shelf: Shelf) -> None:
    """S25: the same offer, another article number."""
    known = await shelf.offer(KNOWN)
    why = Reason("link.ean-changed", old="05901234123457", new="00710845860669")

    async def work(tx: Transaction) -> None:
        (link,) = (await offers.links_of(tx, [known["id"]]))[known["id"]]
        await offers.link(tx, [msgspec.structs.replace(link, doubt=why)])

    await shelf.database.write(work)
    async with Browser(shelf, "pl") as browser:
        await browser.enter()
        text = visible(await browser.page("/links?doubted=true"))
        assert "EAN to 00710845860669, a przy łączeniu był 05901234123457" in text
        text = visible(await browser.press("/links?doubted=true", "/links/confirm"))
        assert f"Połączenie oferty {known['external_id']} jest potwierdzone." in text
    (link,) = (await shelf.offer(KNOWN))["links"]
    assert (link["doubt"], link["by"]) == (None, "sku")
    assert link["made_by"].startswith("dashboard")


async def upload(seller: Browser, name: str, content: bytes, pasted: str = "") -> Answer:
    """Send the form of many offers with a file, as a browser does."""
    [form] = [one for one in forms(await seller.page("/offers/made")) if one.action == "/offers/made/rows"]
    body = FormData()
    for field, text in {**form.fields, "rows": pasted, "check": "true"}.items():
        if field != "file":
            body.add_field(field, text)
    body.add_field("file", content, filename=name, content_type="text/csv")
    headers = {"Origin": seller.house.base, "Sec-Fetch-Site": "same-origin"}
    async with seller.client.post("/offers/made/rows", data=body, headers=headers, allow_redirects=False) as answer:
        return Answer(answer.status, dict(answer.headers), await answer.text())


HEAD = "account;sku;name;ean;price;tax;shipping;parameter:Stan\r\n"
ROW = "market;MADE-1;Kubek ceramiczny 330 ml;5900001234501;24,90;23;Kurier i paczkomaty;Nowy\r\n"


async def test_a_file_of_offers_is_sent_by_the_page(seller: Browser) -> None:
    """With the mark and the semicolons by which a spreadsheet saves it, and without a script."""
    page = await seller.page("/offers/made")
    assert 'action="/offers/made/rows" enctype="multipart/form-data"' in page
    assert 'type="file" name="file"' in page
    answer = await upload(seller, "offers.csv", ("\ufeff" + HEAD + ROW).encode())
    assert answer.status == 200, answer.text
    assert "2 MADE-1 market right" in visible(answer.text)
    assert (await upload(seller, "", b"", HEAD + ROW)).status == 200, "nobody has chosen a file"


@pytest.mark.parametrize(
    ("name", "content", "pasted", "said"),
    [
        (
            "offers.csv",
            HEAD.encode() + b"market;M;Kube\xb3;;;;;\n",
            "",
            "offers.csv is no text in UTF-8: save it as",
        ),
        ("offers.csv", b"konto;sku\nmarket;M\n", "", "row 1: the file has no column account"),
        ("offers.csv", b"account;sku;cena\nmarket;M;1\n", "", "row 1: there is no column"),
        ("offers.csv", HEAD.encode(), "", "There is a heading and no row below it."),
        ("offers.csv", (HEAD + ROW).encode(), HEAD + ROW, "Choose a file or paste rows, not both"),
        ("", b"", "", "Choose a file or paste its rows"),
    ],
)
async def test_a_wrong_file_of_offers_is_refused(
    seller: Browser, name: str, content: bytes, pasted: str, said: str
) -> None:
    answer = await upload(seller, name, content, pasted)
    assert answer.status == 400
    assert answer.headers["Content-Type"].startswith("text/html"), "a person reads it"
    assert said in visible(answer.text)


async def test_what_is_wrong_with_a_file_is_said_in_the_readers_language(shelf: Shelf) -> None:
    """Of its heading and of its rows, as the command line says it in English."""
    async with Browser(shelf, "pl") as browser:
        await browser.enter()
        answer = await upload(browser, "offers.csv", b"account;sku;cena\nmarket;M;1\n")
        assert "wiersz 1: nie ma kolumny „cena”; parametr nazywa się parameter:NAZWA" in visible(answer.text)
        answer = await upload(browser, "offers.csv", b"account;sku;price;quantity\nmarket;M;drogo;dwa\n")
        text = visible(answer.text)
        assert "„drogo” nie jest ceną: pisze się ją tak: 24.90" in text
        assert "„dwa” nie jest liczbą całkowitą" in text


async def test_an_offer_is_asked_for_in_another_currency(seller: Browser) -> None:
    """The form has the field that the price is in, and what was written stays."""
    assert 'name="currency"' in await seller.page("/offers/made")
    offer = {"sku": "M", "ean": "5900001234501", "tax": "23", "price": "24.90", "currency": "CZK"}
    fields = {
        "account": "market",
        **offer,
        "parameters": "Stan=Nowy",
        "shipping": "Kurier i paczkomaty",
        "check": "true",
    }
    [form] = [one for one in forms(await seller.page("/offers/made")) if one.action == "/offers/made"]
    answer = await seller.post("/offers/made", {**form.fields, **fields})
    assert answer.status == 200, answer.text
    assert 'value="CZK"' in answer.text
    assert '"currency": "CZK"' in html.unescape(answer.text)


async def test_a_switched_off_account_is_shown_with_its_offers_and_logged_once(
    seller: Browser, shelf: Shelf
) -> None:
    """ACC-21: one entry in the log, and on the page of offers the account and the reason, until it is on again."""
    off = "market is off, and its offers stand as they were read last."
    assert off not in visible(await seller.page("/offers"))
    before = await shelf.events()
    assert (await shelf.ask("POST", "/accounts/market/pause", {"reason": "stock-taking"}))[0] == 200
    text = visible(await seller.page("/offers"))
    assert off in text
    assert "stock-taking" in text
    assert off in visible(await seller.page("/offers?account=market"))
    assert off not in visible(await seller.page("/offers?account=shop"))
    told = await events.since(shelf.database.reader, before)
    assert [one.account for one in told if one.kind in ("account.paused", "account.parked")] == ["market"]
    assert (await shelf.ask("POST", "/accounts/market/resume"))[0] == 200
    assert off not in visible(await seller.page("/offers"))


async def test_a_file_of_offers_may_be_as_long_as_its_descriptions(seller: Browser) -> None:
    """Two hundred rows are done from a page; what is more than that is said on one."""
    row = ";M;" + "x" * 1000 + "\n"
    answer = await upload(seller, "offers.csv", ("account;sku;description\n" + row * 200).encode())
    assert answer.status == 200, answer.text[:200]
    answer = await upload(seller, "offers.csv", b"account;sku\n" + b"x" * 3_000_000)
    assert answer.status == 413
    assert answer.headers["Content-Type"].startswith("text/html")
