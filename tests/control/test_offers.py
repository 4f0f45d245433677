"""Offers, links and stock as the endpoint tells and takes them."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from olhubd.control.api.offer_file import offer_rows
from olhubd.control.api.schema.offer_making import DraftFields
from olhubd.control.dashboard import made_offers
from olhubd.decide.stock.brake import Danger, PlanState
from olhubd.decide.stock.level import OfferLevel
from olhubd.model import (
    AlarmKind,
    Counting,
    Link,
    Linking,
    LinkOrigin,
    Offer,
    OfferState,
    StockBasis,
    StockLevel,
    code_of,
)
from olhubd.plugin import AuthLost
from olhubd.store import Transaction, accounts, levels, offers, sales_stops, stock_items, stock_plans
from olhubd.store.offers import StoredOffer
from olhubd.store.sales_stops import SalesStop
from olhubd.store.stock_items import StockItem
from olhubd.store.stock_plans import BrakedPlan, PlannedOffer, RecentDanger
from tests.control.house import House
from tests.control.shelf import KNOWN, UNKNOWN, Shelf
from tests.orders import EPOCH


async def pages(shelf: Shelf, path: str, **asked: Any) -> list[Any]:
    """All pages of one row each."""
    found: list[Any] = []
    before: int | None = None
    while True:
        more = {} if before is None else {"before": before}
        page = await shelf.get(path, limit=1, **more, **asked)
        found += page["items"]
        if (before := page["next"]) is None:
            return found


async def test_offers_are_listed_to_the_end_by_what_fits(shelf: Shelf) -> None:
    whole = (await shelf.get("/offers", limit=500))["items"]
    assert [row["id"] for row in await pages(shelf, "/offers")] == [row["id"] for row in whole]
    assert len(whole) == len(shelf.market.book.offers)
    known, odd, twin = [await shelf.offer(sku) for sku in (KNOWN, UNKNOWN, "TWIN")]
    assert [one["item"]["sku"] for one in known["links"]] == [KNOWN]
    assert (odd["linking"], odd["candidates"]) == ("none", [])
    assert (twin["linking"], twin["why_code"]) == ("conflict", "link.several-skus")
    assert len(twin["candidates"]) == 2
    for asked, expected in (
        ({"unlinked": "true"}, {odd["id"], twin["id"]}),
        ({"linking": "conflict"}, {twin["id"]}),
        ({"linking": "conflict", "account": "market"}, {twin["id"]}),
        ({"linking": "conflict", "account": "shop"}, set()),
        ({"text": shelf.odd}, {odd["id"]}),
        ({"text": UNKNOWN[:4].lower()}, {odd["id"]}),
        ({"state": "ended", "sku": KNOWN}, set()),
    ):
        assert {row["id"] for row in await pages(shelf, "/offers", **asked)} == expected, asked
    for name in (f"market:{shelf.odd}", shelf.odd, f"#{odd['id']}"):
        assert (await shelf.get(f"/offers/{name.replace('#', '%23')}"))["id"] == odd["id"]


async def test_stock_is_listed_with_its_terms_and_offers(shelf: Shelf) -> None:
    (row,) = (await shelf.get("/stock", sku=KNOWN))["items"]
    assert row["sellable"] == sum(term["pieces"] for term in row["terms"])
    assert [(one["account"], one["wanted"]) for one in row["offers"]] == [("market", row["sellable"])]
    whole = (await shelf.get("/stock", limit=500))["items"]
    assert [one["id"] for one in await pages(shelf, "/stock")] == [one["id"] for one in whole]
    free = {one["sku"] for one in await pages(shelf, "/stock", unlinked="true")}
    assert "TWIN" in free
    assert KNOWN not in free
    shelf.sell_out(KNOWN)

    async def over() -> bool:
        return KNOWN in {one["sku"] for one in (await shelf.get("/stock", sold_out="true"))["items"]}

    await shelf.until(over)
    gone = (await shelf.get("/offers", sold_out="true"))["items"]
    assert [one["sku"] for one in gone] == [KNOWN]


async def test_a_person_links_confirms_nothing_and_unlinks(shelf: Shelf) -> None:
    status, one = await shelf.ask("POST", "/links", {"offer": shelf.odd, "sku": KNOWN, "units": 2})
    assert status == 200, one
    (link,) = one["links"]
    assert (link["by"], link["units"], link["item"]["sku"]) == ("hand", 2, KNOWN)
    assert link["made_by"].startswith("token")
    status, answer = await shelf.ask("POST", "/links/confirm", {"offer": shelf.odd})
    assert (status, answer["detail"]) == (409, f"the link of the offer {shelf.odd} is not in doubt")
    listed = await shelf.get("/links", origin="hand")
    assert [row["external_id"] for row in listed["items"]] == [shelf.odd]
    assert await shelf.ask("POST", "/links/remove", {"offer": shelf.odd}) == (200, {"changed": 1, "wrong": []})
    assert (await shelf.offer(UNKNOWN))["linking"] == "left"


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("", {"offer": "999", "sku": KNOWN}, 404, "there is no offer 999"),
        ("", {"offer": UNKNOWN, "sku": KNOWN, "units": 0}, 400, "units"),
        ("", {"offer": "market:{odd}", "sku": "NONE"}, 409, "no stock item has the mark or the number NONE"),
        ("", {"offer": "market:{odd}", "sku": "TWIN"}, 409, "2 stock items are called TWIN"),
        ("", {"offer": "market:{odd}"}, 400, "name the stock item"),
        ("/remove", {}, 400, "name the offer"),
        ("/remove", {"all": True}, 400, "all takes an account"),
        ("/import", {"rows": []}, 400, "rows"),
        ("/confirm", {"offer": "market:{odd}", "units": "2"}, 400, "units"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    shelf: Shelf, path: str, body: dict[str, Any], status: int, words: str
) -> None:
    body = {name: value.format(odd=shelf.odd) if isinstance(value, str) else value for name, value in body.items()}
    got, answer = await shelf.ask("POST", f"/links{path}", body)
    assert got == status, answer
    assert words in str(answer)
    assert (await shelf.offer(UNKNOWN))["linking"] == "none"


async def test_an_ean_with_a_wrong_digit_is_no_filter(shelf: Shelf) -> None:
    status, answer = await shelf.ask("GET", "/offers", ean="5901234123458")
    assert (status, answer["parameter"]) == (400, "ean")
    assert (await shelf.get("/stock", ean="5901234123457"))["items"] == []


async def test_a_file_of_rows_is_done_whole_or_not_at_all(shelf: Shelf) -> None:
    good = {"row": 2, "account": "market", "offer": shelf.odd, "sku": KNOWN, "units": 3}
    bad = {"row": 3, "account": "market", "offer": shelf.twin, "sku": "TWIN"}
    worse = {"row": 4, "account": "market", "offer": "999", "sku": KNOWN}
    status, answer = await shelf.ask("POST", "/links/import", {"rows": [good, bad, worse]})
    assert (status, len(answer["problems"])) == (422, 2), answer
    status, answer = await shelf.ask("POST", "/links/import", {"rows": [good, bad, worse], "check": True})
    assert [(one["row"], one["column"]) for one in answer["wrong"]] == [(3, "sku"), (4, "offer")]
    assert (await shelf.offer(UNKNOWN))["links"] == []
    rows = [good, {**bad, "item": shelf.twins[0]}]
    assert await shelf.ask("POST", "/links/import", {"rows": rows}) == (200, {"changed": 2, "wrong": []})
    assert await shelf.ask("POST", "/links/import", {"rows": rows}) == (200, {"changed": 0, "wrong": []})


async def test_links_and_suggestions_are_written_to_a_file(shelf: Shelf) -> None:
    async def read(**query: str) -> list[dict[str, str]]:
        async with shelf.client.get("/api/v1/links/export", params=query) as response:
            assert response.status == 200
            return list(csv.DictReader(io.StringIO(await response.text())))

    (row,) = [row for row in await read() if row["sku"] == KNOWN]
    assert (row["account"], row["units"], row["linked_by"]) == ("market", "1", "sku")
    (twin,) = await read(suggestions="true")
    assert (twin["offer"], twin["item"], twin["sku"]) == (shelf.twin, "", ""), "two are guessed at by nobody"
    assert shelf.twins[0] in twin["candidates"]


@pytest.fixture
async def shelf_of_sets(tmp_path: Path) -> AsyncIterator[Shelf]:
    """Its odd offer sold two products before it was read first. What an offer sells is read again after days."""
    made = Shelf(tmp_path)
    made.market.listing.sold.set_products(made.odd, ["5900001234648", "5900001234501"], [2])
    with capture_logs():
        async with made.open():
            await made.sign_in()
            yield made


async def test_a_set_of_several_products_is_proposed_with_its_pieces_and_linked_at_once(
    shelf_of_sets: Shelf,
) -> None:
    """OFF-12: an Allegro offer bears no EAN; the products that it sells do."""
    shelf = shelf_of_sets
    found: list[Any] = []

    async def proposed() -> bool:
        found[:] = [await shelf.offer(UNKNOWN)]
        return len([one for one in found[0]["candidates"] if one["together"]]) == 2

    await shelf.until(proposed)
    assert {one["sku"]: one["together"] for one in found[0]["candidates"]} == {"TAL-27": 2, "KUB-BIA": 1}
    assert (found[0]["linking"], found[0]["why_code"]) == ("proposed", "link.set-of-several")
    async with shelf.client.get("/api/v1/links/export", params={"suggestions": "true"}) as response:
        rows = [row for row in csv.DictReader(io.StringIO(await response.text())) if row["offer"] == shelf.odd]
    assert {row["sku"]: row["units"] for row in rows} == {"TAL-27": "2", "KUB-BIA": "1"}
    status, answer = await shelf.ask("POST", "/links", {"offer": shelf.odd, "together": True, "sku": "TAL-27"})
    assert (status, answer["parameter"]) == (400, "together")
    status, row = await shelf.ask("POST", "/links", {"offer": shelf.odd, "together": True})
    assert status == 200, row
    assert {one["item"]["sku"]: one["units"] for one in row["links"]} == {"TAL-27": 2, "KUB-BIA": 1}
    status, answer = await shelf.ask("POST", "/links", {"offer": shelf.odd, "together": True})
    assert (status, shelf.odd in answer["detail"]) == (409, True)
    assert (await shelf.offer(KNOWN))["ean"] == "5900001234648"


async def gone(house: House, count: int) -> None:
    """An account that the configuration names no more, with so many linked offers."""
    now = house.clock.now()
    level = StockLevel(
        external_id="1", name="A", counting=Counting.COUNTED, basis=StockBasis.FREE, quantity=1, sku="A"
    )
    numbers = range(1, count + 1)
    old = [Offer(external_id=f"o-{n}", name="A", state=OfferState.ENDED) for n in numbers]
    row = accounts.AccountRow(name="old", connector="stingy", state=accounts.AccountState.PAUSED, changed_at=now)

    async def work(tx: Transaction) -> None:
        await accounts.put(tx, row)
        await stock_items.put(tx, [StockItem(id=1, account="shop", level=level, read_after=0, read_at=now)])
        rows = [
            StoredOffer(id=n, account="old", offer=offer, read_after=0, read_at=now, linking=Linking.LINKED)
            for n, offer in zip(numbers, old, strict=True)
        ]
        await offers.put(tx, rows)
        await offers.link(tx, [Link(offer=n, item=1, origin=LinkOrigin.SKU, linked_at=now) for n in numbers])

    await house.database.write(work)


async def test_an_account_with_linked_offers_is_not_removed_and_lists_them(house: House) -> None:
    """ACC-09: it goes when none of its offers is linked any more."""
    await gone(house, 2)
    status, answer = await house.ask("POST", "/accounts/old/remove")
    assert status == 409
    assert "2 linked offers" in answer["detail"]
    assert answer["detail"].endswith(": o-1, o-2")
    done = {"changed": 2, "wrong": []}
    assert await house.ask("POST", "/links/remove", {"account": "old", "all": True}) == (200, done)
    status, answer = await house.ask("POST", "/accounts/old/remove")
    assert status == 200, answer


async def test_what_is_stopped_on_an_account_goes_with_it(house: House) -> None:
    """One of the same name that is added later sells, and no plan waits that nobody can approve."""
    await gone(house, 2)
    now = house.hub.clock.now()

    async def work(tx: Transaction) -> None:
        rows = [OfferLevel(offer=n, account="old", external_id=f"o-{n}", wanted=3, confirmed=3) for n in (1, 2)]
        await levels.put(tx, rows)
        await sales_stops.begin(tx, SalesStop(account="old", stopped_at=now, stopped_by="anna"))
        await sales_stops.remember(tx, "old")
        for number, account, master in ((7, "old", "shop"), (8, "market", "old"), (9, "market", "shop")):
            plan = BrakedPlan(
                id=number, account=account, master=master, danger=Danger.ZERO, counted=1, showing=1, made_at=now
            )
            await stock_plans.add(tx, plan)
        await stock_plans.hold(tx, [PlannedOffer(offer=1, plan=7, wanted=0, danger=Danger.ZERO)])
        await stock_plans.note(tx, "old", "shop", [RecentDanger(offer=2, danger=Danger.ZERO, shown=3)], now, EPOCH)

    await house.ask("POST", "/links/remove", {"account": "old", "all": True})
    await house.database.write(work)
    status, answer = await house.ask("POST", "/accounts/old/remove")
    assert status == 200, answer
    reader = house.database.reader
    assert await sales_stops.every(reader) == []
    assert await sales_stops.to_resume(reader, "old", [1, 2]) == set()
    assert await stock_plans.recent(reader, "old", "shop", EPOCH) == []
    plans = {one.id: one for one in await stock_plans.listing(reader)}
    assert {number for number, one in plans.items() if one.state is PlanState.WITHDRAWN and one.ended_at} == {7, 8}
    tally = plans[7].tally
    assert tally is not None
    assert tally.zeros == 1
    assert await stock_plans.offers_of(reader, 7) == []
    assert (plans[9].state, plans[9].ended_at) == (PlanState.STOPPED, None)


async def test_an_account_that_is_taken_out_of_the_file_with_linked_offers_is_an_alarm(house: House) -> None:
    await gone(house, 12)
    await house.hub.checks.round()
    alarm = house.hub.alarms.open[AlarmKind.LINKS, "old"]
    assert code_of(alarm.detail) == "alarm.links-gone"
    assert "12 of its offers" in alarm.detail
    assert alarm.detail.endswith("o-10, …")
    await house.ask("POST", "/links/remove", {"account": "old", "all": True})
    await house.hub.checks.round()
    assert (AlarmKind.LINKS, "old") not in house.hub.alarms.open


async def test_the_doctor_names_offers_of_which_nothing_is_known(shelf: Shelf) -> None:
    """FWD-21: before orders are carried on."""
    found = (await shelf.get("/doctor", check="OFFERS"))["items"]
    assert {(one["state"], one["subject"]) for one in found} == {("look", "market")}
    assert any("1 offer that no stock item fits" in one["text"] for one in found), found
    assert any("1 offer that may sell one of several things" in one["text"] for one in found), found
    named = {one["external_id"] for one in (await shelf.get("/offers", unlinked="true"))["items"]}
    assert named == {shelf.odd, shelf.twin}
    assert (await shelf.get("/orders"))["items"] == [], "nothing was carried on yet"


@pytest.mark.parametrize("beside", [{"check": True}, {"price": "19.90"}])
async def test_publishing_is_asked_for_alone(shelf: Shelf, beside: dict[str, Any]) -> None:
    """Neither is what is only to be looked at done, nor is half of a request left out in silence."""
    status, answer = await shelf.ask("POST", f"/offers/market/{shelf.odd}/change", {"publish": True, **beside})
    assert (status, answer["parameter"]) == (400, "check" if "check" in beside else "publish")


async def test_a_row_says_what_it_says_and_keeps_no_other_from_being_done() -> None:
    """Zero days is at once; a price that nobody can compute with is none; a key that was lost is one account's."""
    asked: list[Any] = []

    async def ask(_handler: Any, *, body: Any) -> Any:
        asked.append(body)
        raise AuthLost("the sign-in is over")

    rows, _ = offer_rows("account,sku,handling_days\nmarket,X,0\n")
    outcome, wrong = await made_offers._row(SimpleNamespace(ask=ask), rows[0], False)  # type: ignore[arg-type]
    assert (asked[0].handling_days, outcome, wrong) == (0, "refused", [("", "the sign-in is over")])
    with pytest.raises(ArithmeticError):
        DraftFields(price="1e30").draft("X")


async def test_pieces_that_a_person_adds_to_an_order_are_reserved_with_the_edit(shelf: Shelf) -> None:
    """FWD-26: what the hub's order is to have more is for sale no more, in the edit's own transaction."""
    await shelf.ask("POST", "/accounts/shop/pause", {"reason": "for a while"})
    (sold,) = shelf.market.ledger.buy(wares=[(KNOWN, 1)], payment="ONLINE")

    async def landed() -> bool:
        return bool((await shelf.get("/orders", q=sold))["items"])

    await shelf.until(landed)
    card = await shelf.get(f"/orders/{sold}")
    lines = [{"id": card["order"]["lines"][0]["external_id"], "quantity": 4}]
    status, answer = await shelf.ask("POST", f"/orders/{sold}/edit", {"version": card["version"], "lines": lines})
    assert status == 200, answer
    pieces = await shelf.database.reader.fetch("SELECT pieces FROM reservations WHERE settled = 0")
    assert [row[0] for row in pieces] == [4]
