"""A delivery about no order, in a running daemon: orders beside it go, and people see it wherever they look."""

from __future__ import annotations

from olhubd.decide import plan
from olhubd.engine.outbox.recorder import Recorder
from olhubd.model import Cause, Kind, Subject
from olhubd.store import Transaction
from tests.cli.conftest import Terminal
from tests.control.dashboard.browser import Browser, visible
from tests.control.house import House


async def planned(house: House) -> int:
    """A delivery about product 5, of which nothing here knows anything, to the shop: held by the dispatcher."""
    subject = Subject(Kind.PRODUCT, 5)

    async def work(tx: Transaction) -> None:
        recorder = Recorder(tx, house.clock.now(), Cause("rule", "a test"))
        event = await recorder.event("product.named", "market", subject, {"name": "Mug"})
        await recorder.owe(subject, plan.status_at("shop", "announced", 0), event)
        await recorder.write(tx)

    await house.database.write(work)
    house.hub.directory.wake({"shop"})

    async def held() -> bool:
        return bool((await house.get("/deliveries", state="hold"))["items"])

    await house.until(held)
    ((row,),) = [(await house.get("/deliveries", state="hold"))["items"]]
    number: int = row["id"]
    return number


async def test_a_delivery_about_no_order_is_held_and_seen_and_orders_go(house: House, terminal: Terminal) -> None:
    """The endpoint, its stream of events, the terminal and the dashboard name it by its kind and number."""
    number = await planned(house)
    row = await house.get(f"/deliveries/{number}")
    assert (row["order"], row["subject"]) == (None, {"kind": "product", "id": 5, "account": None, "name": None})
    assert (row["reason_code"], row["held"]["kind"]) == ("unable.kind", "unable")
    market = house.market.ledger.buy()
    arrived = [f"market:{one}" for one in market]

    async def there() -> bool:
        return {entry.reference for entry in house.shop.books()} >= set(arrived)

    await house.until(there)
    log = {one["kind"]: one for one in (await house.get("/events", limit=500))["items"]}
    assert log["product.named"]["subject"]["kind"] == "product"
    assert log["product.named"]["order_id"] is None
    placed = log["order.placed"]
    assert placed["subject"] == {
        "kind": "order", "id": placed["order_id"], "account": "market", "name": market[0],
    }  # fmt: skip
    entries = [one for one in (await house.get("/journal"))["items"] if one["kind"] == "delivery.held"]
    assert [one["subject"]["id"] for one in entries] == [5]
    assert "product #5" in await terminal("holds", "list")
    assert "product #5" in await terminal("deliveries", "list", "--all")
    assert "product #5" in await terminal("holds", "show", str(number))
    assert "product 5" in await terminal("events", "--limit", "500")
    assert "market product #5: " in await terminal("journal")
    async with Browser(house) as browser:
        await browser.enter()
        for page in ("/waiting", "/journal", "/"):
            answer = await browser.get(page)
            assert answer.status == 200
            assert "product #5" in visible(answer.text) or page == "/"
    assert "is discarded" in await terminal("holds", "discard", str(number), "--reason", "done by hand")
