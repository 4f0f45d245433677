"""Stock, offers and links from a terminal."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from olhubd.model import Linking, Offer, OfferState
from olhubd.store import offers
from olhubd.store.offers import StoredOffer
from tests.cli.conftest import Terminal
from tests.control.conftest import shelf
from tests.control.shelf import KNOWN, UNKNOWN, Shelf

__all__ = ["shelf"]


@pytest.fixture
def terminal(shelf: Shelf) -> Terminal:
    return Terminal(shelf)


async def test_lists_go_to_their_end(shelf: Shelf, terminal: Terminal) -> None:
    whole = await terminal.json("offers", "list", "--all")
    assert len(whole["items"]) == len(shelf.market.book.offers)
    first = await terminal.json("offers", "list", "--limit", "3")
    assert [row["id"] for row in first["items"]] == [row["id"] for row in whole["items"]][:3]
    rest = await terminal.json("offers", "list", "--all", "--before", str(first["next"]))
    assert [row["id"] for row in rest["items"]] == [row["id"] for row in whole["items"]][3:]
    assert len((await terminal.json("stock", "list", "--all"))["items"]) > 3
    for listed in ("offers", "stock", "links"):
        assert "More: --before " in (told := await terminal(listed, "list", "--limit", "1"))
        assert told.endswith(", or --all\n")
        assert "More:" not in await terminal(listed, "list", "--all")
    told = await terminal("stock", "list", "--sku", KNOWN)
    assert "shop" in told
    assert "may be sold" in await terminal("stock", "show", KNOWN)
    assert KNOWN in await terminal("links", "list", "--origin", "sku", "--all")
    assert "No offers." in await terminal("offers", "list", "--doubted")


async def test_an_offer_is_linked_shown_and_unlinked(shelf: Shelf, terminal: Terminal) -> None:
    name = f"market:{shelf.odd}"
    assert UNKNOWN in await terminal("offers", "list", "--unlinked")
    told = await terminal("links", "suggest")
    assert shelf.twin in told
    assert "several stock items have the SKU TWIN" in told
    told = await terminal("links", "add", name, "--item", shelf.twins[0], "--units", "2")
    assert "2 x TWIN" in told
    assert "2 x TWIN" in await terminal("offers", "show", shelf.odd)
    assert "is not in doubt" in await terminal("links", "confirm", name, code=1)
    assert await terminal("links", "remove", name) == "1 unlinked\n"
    assert await terminal("links", "add", name, code=2) != ""
    assert "no offer 4711" in await terminal("offers", "show", "4711", code=6)
    assert "sells" in await terminal("offers", "show", name)


async def test_suggestions_end_with_how_to_read_on(shelf: Shelf, terminal: Terminal) -> None:
    """They are of two lists, and the end of the first is not that of both."""
    assert "More:" not in await terminal("links", "suggest", "--limit", "1")
    offer = Offer(external_id="o-1", name="Bluza S", state=OfferState.ACTIVE)
    now = shelf.clock.now()
    row = StoredOffer(id=900, account="market", offer=offer, read_after=0, read_at=now, linking=Linking.PROPOSED)
    await shelf.database.write(lambda tx: offers.put(tx, [row]))
    told = await terminal("links", "suggest", "--limit", "1")
    assert "market:o-1" in told
    assert shelf.twin not in told
    assert "More: --before 900, or --all" in told
    page = await terminal.json("links", "suggest", "--limit", "1")
    assert ([one["external_id"] for one in page["items"]], page["next"]) == (["o-1"], 900)
    rest = await terminal.json("links", "suggest", "--limit", "1", "--before", "900")
    assert ([one["external_id"] for one in rest["items"]], rest["next"]) == ([shelf.twin], None)
    both = await terminal("links", "suggest", "--limit", "2")
    assert both.index(shelf.twin) < both.index("market:o-1"), "of a page those that need a person first"
    assert "More:" not in both
    assert len((await terminal.json("links", "suggest", "--all", "--limit", "1"))["items"]) == 2


async def test_a_file_goes_out_and_comes_back(shelf: Shelf, terminal: Terminal, tmp_path: Path) -> None:
    """What nobody decided is passed over; a wrong row is named with its number, and nothing is done."""
    path = tmp_path / "decide.csv"
    await terminal("links", "export", "--suggestions", "-o", str(path))
    assert "1 rows name no item and were passed over" in await terminal("links", "import", str(path))
    lines = ["account;offer;sku;item;units", f"market;{shelf.odd};{KNOWN};;2", f"market;{shelf.twin};TWIN;;"]
    path.write_text("\n".join([*lines, "market;999;TAL-27;;", f"market;{shelf.twin};X;;1o", "market;;X;;"]))
    told = await terminal("links", "import", str(path), code=1)
    assert "4 rows are wrong; nothing was done" in told
    for words in ("row 3, sku: 2 stock items", "row 4, offer: market has no offer 999", "row 5, units: '1o'"):
        assert words in told
    assert "row 6, offer: it is empty" in told
    assert (await shelf.offer(UNKNOWN))["links"] == []
    path.write_text("\n".join([*lines[:2], f"market;{shelf.twin};;{shelf.twins[0]};3"]), encoding="utf-8-sig")
    assert "2 rows are right; nothing was done" in await terminal("links", "import", "--check", str(path))
    assert (await shelf.offer(UNKNOWN))["links"] == []
    assert "2 offers sell something else" in await terminal("links", "import", str(path))
    rows = list(csv.DictReader(io.StringIO(await terminal("links", "export"))))
    mine = {(row["offer"], row["item"], row["units"]) for row in rows if row["linked_by"] == "hand"}
    assert {(shelf.twin, shelf.twins[0], "3")} < mine
    path.write_text(f"account,offer,item\nmarket,{shelf.odd},-\n")
    assert "1 offers sell something else" in await terminal("links", "import", str(path))
    assert (await shelf.offer(UNKNOWN))["linking"] == "left"
    assert len((await terminal.json("links", "export"))["items"]) == len({row["offer"] for row in rows}) - 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no column account, offer"),
        ("account,offer\nmarket,1\n", "has no column sku or item"),
        ("account,offer,sku,unit\nmarket,1,A,2\n", "has the unknown column 'unit'"),
    ],
)
async def test_a_file_of_another_form_is_refused(
    shelf: Shelf, terminal: Terminal, tmp_path: Path, text: str, words: str
) -> None:
    path = tmp_path / "links.csv"
    path.write_text(text)
    assert words in await terminal("links", "import", str(path), code=2)


async def test_a_person_says_of_an_offer_what_is_to_be_done(shelf: Shelf, terminal: Terminal) -> None:
    """OFF-24: without a rule that resumes, no offer can be let or left out."""
    number = (await shelf.offer(KNOWN))["external_id"]
    assert "has not ended" in await terminal("stock", "resume", "market", number, code=1)
    told = await terminal("stock", "auto-resume", "market", number, "--on", code=1)
    assert "resume = true" in told
    assert "nothing of this offer waits" in await terminal("stock", "retry", "market", number, code=1)
    assert "no offer 999 of market" in await terminal("stock", "resume", "market", "999", code=1)
    reason = ("--reason", "sold from another warehouse")
    assert "no unknown offer" in await terminal("stock", "ignore", "market", number, *reason, code=1)
    assert "alarms nobody" in await terminal("stock", "ignore", "market", shelf.twin, *reason)

    shelf.market.book.end_offer(number, "USER")

    async def ended() -> bool:
        return bool((await shelf.get("/status"))["not_resumed"] == {"market": 1})

    await shelf.until(ended)
    assert "resuming off for 1 offers" in await terminal("status")
    assert "is to be brought back with" in await terminal("stock", "resume", "market", number)

    async def back() -> bool:
        return shelf.market.book.available(KNOWN)[number] > 0

    await shelf.until(back)


async def test_an_oversold_order_is_listed_shown_and_dealt_with(shelf: Shelf, terminal: Terminal) -> None:
    assert "Nothing was oversold." in await terminal("stock", "oversold", "list")
    made = await shelf.oversell()
    record = str(made["id"])
    for more in ((), ("--open",), ("--cause", made["cause"], "--account", "market")):
        assert made["order"] in await terminal("stock", "oversold", "list", *more)
    assert "Nothing was oversold." in await terminal("stock", "oversold", "list", "--cause", "by-hand")
    told = await terminal("stock", "oversold", "show", record)
    for word in (made["order"], KNOWN, "1 of 1", made["why"], made["offer"]["external_id"], "counted by shop"):
        assert word in told
    await shelf.hub.checks.round()
    assert f"order {made['order']} lacks 1 pieces of {KNOWN}" in await terminal("alarms")
    done = await terminal("stock", "oversold", "close", record, "--reason", "refunded")
    assert f"order {made['order']} of market is dealt with" in done
    assert "is closed already" in await terminal("stock", "oversold", "close", record, code=1)
    assert "refunded" in await terminal("stock", "oversold", "list")
    assert "Nothing was oversold." in await terminal("stock", "oversold", "list", "--open")
    assert "there is no record 999" in await terminal("stock", "oversold", "show", "999", code=6)
    await shelf.hub.checks.round()
    assert "oversold" not in await terminal("alarms")
    assert "are dealt with" in await terminal("events")


async def test_a_plan_is_listed_shown_and_decided(shelf: Shelf, terminal: Terminal) -> None:
    assert "No plans." in await terminal("stock", "plans", "list")
    plan = str(await shelf.empty())
    assert "stopped" in await terminal("stock", "plans", "list", "--open")
    told = await terminal("stock", "plans", "show", plan)
    for word in ("1 x zero, of", "market", (await shelf.offer(KNOWN))["external_id"], "WOULD SHOW"):
        assert word in told
    assert "stay as they are" in await terminal("stock", "plans", "reject", plan, "--reason", "an empty export")
    assert "is rejected already" in await terminal("stock", "plans", "reject", plan, code=1)
    approve = ("stock", "plans", "approve", plan, "--raises", "0", "--offers", "1", "--zeros")
    assert "something else by now: 1 offers, 1 of them to zero" in await terminal(*approve, "0", code=1)
    assert f"plan {plan} goes: 1 offers of market" in await terminal(*approve, "1")
    assert "approved" in await terminal("stock", "plans", "list")
    assert "No plans." in await terminal("stock", "plans", "list", "--open")
    assert (await shelf.offer(KNOWN))["wanted"] == 0


async def test_a_plan_that_waits_is_an_alarm(shelf: Shelf, terminal: Terminal) -> None:
    await shelf.empty()
    await shelf.hub.checks.round()
    assert "waits for a person: by the numbers of shop 1 offers would change, 1 of them to zero" in await terminal(
        "alarms"
    )


async def test_all_selling_is_stopped_and_goes_on(shelf: Shelf, terminal: Terminal) -> None:
    before = (await shelf.offer(KNOWN))["wanted"]
    assert before > 0
    assert "one of them" in await terminal("stock", "stop", code=2)
    assert "one of them" in await terminal("stock", "stop", "market", "--all", code=2)
    assert "is not stopped" in await terminal("stock", "lift", "market", code=1)
    assert await terminal("stock", "stop", "market", "--reason", "a flood") == "all selling on market is stopped\n"
    assert "a flood" in await terminal("stock", "stops")
    assert "market: all selling is stopped" in await terminal("status")
    told = await terminal("explain", "sku", KNOWN)
    assert "all selling on the account is stopped" in told
    offer = await shelf.offer(KNOWN)
    assert (offer["wanted"], offer["reason_values"]) == (0, {"wanted": before})
    assert await terminal("stock", "lift", "--all") == "market sells again\n"
    assert (await shelf.offer(KNOWN))["wanted"] == before
    assert "stopped nowhere" in await terminal("stock", "stops")
