"""The seller's own statuses over HTTP and in the dashboard, between a simulated marketplace and shop."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from olhubd.store import orders, own_statuses
from tests.control.dashboard.browser import Browser, forms, visible
from tests.control.house import House
from tests.control.test_order_commands import landed


async def put(house: House, name: str, **given: Any) -> Any:
    status, answer = await house.ask("POST", f"/statuses/{name}", given)
    assert status == 200, answer
    return answer


async def names(house: House) -> list[str]:
    return [one["name"] for one in (await house.get("/statuses"))["items"]]


def shop_word(house: House) -> list[str]:
    """What the orders that came from here are in the shop."""
    return [entry.status for entry in house.shop.books() if entry.reference is not None]


async def test_the_list_is_added_to_renamed_and_put_in_order(house: House) -> None:
    """SYN-21: each change is named in the journal, with who made it, and is there after a restart."""
    for name in ("packed", "away", "back"):
        await put(house, name, title=name.title())
    assert await names(house) == ["packed", "away", "back"]
    answer = await put(house, "back", position=1, title="Zwrot")
    assert (answer["items"][0]["name"], answer["items"][0]["title"]) == ("back", "Zwrot")
    assert answer["items"][0]["changed_by"] == "token"
    status, answer = await house.ask("POST", "/statuses/away/remove")
    assert (status, [one["name"] for one in answer["items"]]) == (200, ["back", "packed"])
    told = [one["text"] for one in (await house.get("/journal"))["items"]]
    assert "somebody changed the status back (Zwrot) of the list" in told
    assert "somebody took the status away off the list" in told
    house.hub.in_force.take_statuses(())
    await house.hub.own_statuses.begin()
    assert await names(house) == ["back", "packed"]
    before = await house.events()
    await put(house, "back", title="Zwrot", position=1)
    assert await house.done_since(before) == [], "the same again changes nothing"


async def test_a_status_goes_where_it_is_mapped_and_its_history_says_who(trading: House) -> None:
    """SYN-01, SYN-16, SYN-18, SYN-21: to shop and marketplace by the word of each, and nowhere without one."""
    await put(trading, "packed", title="Packed", sends={"shop": "completed", "market": "READY_FOR_SHIPMENT"})
    await put(trading, "checked", title="Checked")
    (sold,) = await trading.sell()
    card = await trading.get(f"/orders/{sold}")
    goes = {"market": "READY_FOR_SHIPMENT", "shop": "completed"}
    assert (card["own_status"], card["own_statuses"]) == (None, {"packed": goes, "checked": {}})
    status, card = await trading.ask("POST", f"/orders/{sold}/own-status", {"status": "packed"})
    assert (status, card["own_status"]) == (200, "packed"), card
    await trading.until(trading.settled)
    assert shop_word(trading) == ["completed"]
    form = trading.market.ledger.find(sold)
    assert form is not None
    assert form.form["fulfillment"]["status"] == "READY_FOR_SHIPMENT"
    line = next(one for one in card["history"]["statuses"] if one["new"] == "packed")
    assert (line["old"], line["who"]) == (None, "token")
    sent = len((await trading.get(f"/orders/{sold}"))["deliveries"])
    status, card = await trading.ask("POST", f"/orders/{sold}/own-status", {"status": "checked"})
    assert (status, card["own_status"], len(card["deliveries"])) == (200, "checked", sent)
    assert [one["id"] for one in (await trading.get("/orders", own_status="checked"))["items"]] == [card["id"]]
    assert (await trading.get("/orders", own_status="packed"))["items"] == []
    counted = {one["name"]: one["orders"] for one in (await trading.get("/statuses"))["items"]}
    assert counted == {"packed": 0, "checked": 1}
    status, card = await trading.ask("POST", f"/orders/{sold}/own-status", {})
    assert (status, card["own_status"]) == (200, None)


async def test_the_first_status_makes_the_order_in_the_shop_with_its_word(trading: House) -> None:
    """IMP-21, IMP-23. Part of ACC-26: a setting of the account, by the list that the hub keeps."""
    await put(trading, "fresh", sends={"shop": "pending"})
    await put(trading, "ready", sends={"shop": "on-hold"})
    values = {"first_status": "fresh", "first_status_paid": "ready"}
    status, answer = await trading.ask("POST", "/accounts/market/settings", {"values": values})
    assert status == 200, answer
    (sold,) = trading.market.ledger.buy(payment="ONLINE")
    await trading.until(trading.settled)
    assert (await trading.get(f"/orders/{sold}"))["own_status"] == "ready"
    assert shop_word(trading) == ["on-hold"]
    pair = next(one for one in (await trading.get("/statuses"))["accounts"] if one["account"] == "market")
    assert (pair["leader"], pair["first_status"], pair["first_status_paid"]) == ("hub", "fresh", "ready")
    status, refused = await trading.ask("POST", "/statuses/ready/remove")
    assert (status, refused["detail"]) == (
        409,
        "new orders of market get the status ready: change that setting first",
    )


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[House]:
    """The shop's orders are read, too."""
    made = House(tmp_path)
    made.shop_keys = {"fetch_orders": True, "interval": "200 ms"}
    with capture_logs():
        async with made.open():
            await made.sign_in()
            yield made


async def test_a_shop_that_leads_gives_its_orders_their_status(both: House) -> None:
    """Part of SRC-06: which side leads is shown; where the shop does, its word is the status."""
    await put(both, "done", sends={"shop": "processing"}, follows={"shop": ["completed"]})
    (sold,) = await both.sell()
    values = {"status_leader": "account"}
    assert (await both.ask("POST", "/accounts/shop/settings", {"values": values}))[0] == 200
    pair = next(one for one in (await both.get("/statuses"))["accounts"] if one["account"] == "shop")
    assert (pair["leader"], pair["follows"]) == ("account", 1)
    (entry,) = [entry for entry in both.shop.books() if entry.reference is not None]
    both.shop.set_status(entry.external_id, "completed")

    async def done() -> bool:
        return bool((await both.get(f"/orders/{sold}"))["own_status"] == "done")

    await both.until(done)
    assert [one for one in (await both.get(f"/orders/{sold}"))["deliveries"] if one["action"] == "set-status"] == []


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("/statuses/Packed", {}, 409, "name: "),
        ("/statuses/packed", {"sends": {"shopp": "x"}}, 409, "sends.shopp: there is no account 'shopp'"),
        ("/statuses/packed", {"sends": {"market": "SEND"}}, 409, "'SEND' is no status of Allegro"),
        ("/statuses/packed", {"position": 0}, 400, "position"),
        ("/statuses/packed", {"colour": "red"}, 400, "colour"),
        ("/statuses/lost/remove", None, 409, "there is no status lost in the list of your own"),
        ("/accounts/market/settings", {"values": {"first_status": "lost"}}, 409, "there is no status 'lost'"),
    ],
)
async def test_what_cannot_be_is_refused_with_its_place(
    house: House, path: str, body: Any, status: int, said: str
) -> None:
    got, problem = await house.ask("POST", path, body)
    assert (got, said in problem["detail"]) == (status, True), problem
    assert await names(house) == []


async def test_a_status_that_orders_have_stays(trading: House) -> None:
    await put(trading, "packed")
    (sold,) = await trading.sell()
    status, problem = await trading.ask("POST", f"/orders/{sold}/own-status", {"status": "paked"})
    assert (status, problem["detail"].endswith('did you mean "packed"?)')) == (409, True), problem
    assert (await trading.ask("POST", f"/orders/{sold}/own-status", {"status": "packed"}))[0] == 200
    status, problem = await trading.ask("POST", "/statuses/packed/remove")
    assert (status, problem["detail"]) == (409, "1 orders have the status packed: give them another one first")


async def test_the_file_pins_the_list(house: House) -> None:
    """What the database has counts again when the file has none."""
    await put(house, "packed")
    text = house.path.read_text(encoding="utf-8")
    house.path.write_text(text + '\n[[statuses]]\nname = "sealed"\n', encoding="utf-8")
    await house.hub.reload(house.configuration())
    answer = await house.get("/statuses")
    assert [one["name"] for one in answer["items"]] == ["sealed"]
    assert ".toml:" in answer["origin"]
    status, problem = await house.ask("POST", "/statuses/packed", {"title": "Packed"})
    assert (status, "so it is changed there" in problem["detail"]) == (409, True)
    house.path.write_text(text, encoding="utf-8")
    await house.hub.reload(house.configuration())
    assert await names(house) == ["packed"]


async def test_the_list_and_the_status_of_an_order_are_kept_in_the_dashboard(trading: House) -> None:
    """Part of SYN-21: mappings are written in a form, in both languages, and an order gets a status on its card."""
    (sold,) = await trading.sell()
    async with Browser(trading) as browser:
        await browser.enter()
        page = await browser.get("/statuses")
        assert "There are no statuses of your own yet." in visible(page.text)
        form = next(one for one in forms(page.text) if one.action == "/statuses")
        fields = {**form.fields, "status": "packed", "title": "Packed", "sends.shop": "on-hold"}
        assert (await browser.post(form.action, fields)).status == 303
        page = await browser.get("/statuses")
        assert "The status packed was saved." in visible(page.text)
        form = next(one for one in forms(page.text) if one.action == "/statuses/packed")
        assert re.search(r'name="sends.shop"[^>]* value="on-hold"', page.text)
        fields = {**form.fields, "sends.shop": "", "follows.shop": "completed, refunded"}
        assert (await browser.post(form.action, fields)).status == 303
        (kept,) = await own_statuses.every(trading.database.reader)
        assert (kept.status.sends, kept.status.follows) == ({}, {"shop": ("completed", "refunded")})
        card = await trading.get(f"/orders/{sold}")
        page = await browser.get(f"/orders/{card['id']}")
        form = next(one for one in forms(page.text) if one.action.endswith("/own-status"))
        assert (await browser.post(form.action, {**form.fields, "status": "packed"})).status == 303
        stored = await orders.get(trading.database.reader, card["id"])
        assert stored is not None
        assert stored.own_status == "packed"
        assert "Packed" in visible((await browser.get("/orders?own_status=packed")).text)
    async with Browser(trading, "pl") as browser:
        await browser.enter()
        assert "Która strona prowadzi" in visible((await browser.get("/statuses")).text)


async def test_first_statuses_of_the_file_keep_no_list_from_being_begun(house: House) -> None:
    """Each of two that it names is added by itself, while the other is not there yet."""
    keys = 'first_status = "fresh"\nfirst_status_paid = "ready"\n'
    house.path.write_text(house.path.read_text().replace("[accounts.market]\n", f"[accounts.market]\n{keys}"))
    await house.hub.reload(house.configuration())
    for name in ("fresh", "ready"):
        status, answer = await house.ask("POST", f"/statuses/{name}", {"title": name.title()})
        assert status == 200, answer
    assert [one["name"] for one in (await house.get("/statuses"))["items"]] == ["fresh", "ready"]


async def test_a_payment_that_is_booked_by_hand_gives_the_status_of_a_paid_order(trading: House) -> None:
    """IMP-23: as one does that the source reports."""
    for name in ("fresh", "ready"):
        assert (await trading.ask("POST", f"/statuses/{name}", {"title": name}))[0] == 200
    values = {"first_status": "fresh", "first_status_paid": "ready"}
    assert (await trading.ask("POST", "/accounts/market/settings", {"values": values}))[0] == 200
    sold = await landed(trading, paid=False)
    card = await trading.get(f"/orders/{sold}")
    assert card["own_status"] == "fresh"
    status, card = await trading.ask(
        "POST", f"/orders/{sold}/payments", {"amount": card["order"]["total"]["amount"]}
    )
    assert (status, card["own_status"]) == (200, "ready"), card
