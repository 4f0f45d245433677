"""A person is erased wherever the hub keeps them, and is told all that it keeps."""

from __future__ import annotations

import sqlite3
import zlib
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from olhubd.decide.erasure import anonymised, anonymous, personal
from olhubd.model import Address, Buyer, InvoiceParty, PickupPoint, Shipping, Stage, TaxId
from olhubd.store import Transaction, quarantine
from olhubd.store.quarantine import QuarantineDraft
from tests.control.house import House
from tests.control.test_customers import foreign, lands
from tests.orders import order

CANARIES = {
    "login": "kanarek77", "email": "kanarek@example.com", "first_name": "Kanarka", "last_name": "Żółtodzióbska",
    "phone": "+48500600701", "external_id": "770077007",
}  # fmt: skip


def canary(external_id: str = "C1", **more: Any) -> Any:
    """An order with a text of its own in each place that holds a person."""
    to = Address(last_name="Kanarkiewicz", street="ul. Kanarkowa 7", postcode="77-777", city="Wróbel", country="PL")
    firm = InvoiceParty(
        address=Address(company="Kanarpol", street="ul. Wróbla 9"),
        tax_ids=(TaxId(kind="PL_NIP", value="5252445767"),),
    )
    given = {
        "buyer": msgspec.convert(CANARIES, Buyer),
        "shipping": Shipping(address=to, pickup_point=PickupPoint(id="KAN77M")),
        "invoice": firm,
        "buyer_note": "dzwonić do kanarka",
    }
    return order(external_id, **{**given, **more})


def everywhere(folder: Path) -> list[str]:
    """Each text that a table of the database has, inputs unpacked."""
    found = []
    with closing(sqlite3.connect(f"file:{folder / 'hub.sqlite'}?mode=ro", uri=True)) as raw:
        tables = [row[0] for row in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in raw.execute(f"SELECT * FROM {table}"):
                for value in row:
                    if isinstance(value, bytes):
                        value = zlib.decompress(value) if table == "inputs" else value
                        value = value.decode(errors="replace")
                    found.append(f"{table}: {value}".casefold())
    return found


def test_what_is_left_of_an_order_is_the_purchase() -> None:
    """Part of CUS-04: money, lines and the country stay, and a second time nothing changes."""
    whole = canary()
    left = anonymised(whole)
    assert (left.total, left.lines, left.placed_at) == (whole.total, whole.lines, whole.placed_at)
    assert left.shipping.address == Address(country="PL")
    told = msgspec.json.encode(left).decode().casefold()
    assert [text for text in personal(whole) if text in told] == []
    assert anonymous(left)
    assert not anonymous(whole)


async def test_no_table_holds_a_person_who_was_erased(trading: House) -> None:
    """Part of CUS-04: by a canary in each field, in orders, history, quarantine and inputs. The orders stay,
    others stay whole, and the receipt names nobody."""
    (sold,) = await trading.sell()
    card = await trading.get(f"/orders/{sold}")
    assert (await trading.ask("POST", f"/orders/{sold}/note", {"note": "a canary sings"}))[0] == 200
    buyer = card["order"]["buyer"]
    (row,) = (await trading.get("/customers", text=buyer["login"]))["items"]
    await lands(trading, canary(), *foreign())
    (bird,) = (await trading.get("/customers", text="kanarek77"))["items"]

    async def work(tx: Transaction) -> None:
        raw = msgspec.json.encode({"buyer": CANARIES})
        drafts = [QuarantineDraft(kind="order", external_id="C1", reason="odd", raw=raw)]
        await quarantine.put(tx, "market", "orders", drafts, trading.clock.now())

    await trading.database.write(work)
    status, problem = await trading.ask("POST", f"/customers/{bird['id']}/erase")
    assert status == 409
    assert "in quarantine holds this customer" in problem["detail"]
    (record,) = (await trading.get("/quarantine"))["items"]
    assert (await trading.ask("POST", f"/quarantine/{record['id']}/discard", {"reason": "odd"}))[0] == 200
    before = everywhere(trading.folder / "data")
    names = {text.casefold() for text in (*CANARIES.values(), "Kanar", "Wróbl", "KAN77M")}
    own = {buyer["login"], buyer["email"], card["order"]["shipping"]["address"]["street"], "a canary sings"}
    own = {text.casefold() for text in own}
    for text in names | own:
        assert any(text in told for told in before), text
    receipts = []
    for one in (bird, row):
        status, receipt = await trading.ask("POST", f"/customers/{one['id']}/erase")
        assert status == 200, receipt
        receipts.append(receipt)
    after = everywhere(trading.folder / "data")
    assert [told for told in after if any(text in told for text in names | own)] == []
    assert (receipts[0]["orders"], receipts[0]["quarantine"], receipts[1]["targets"]) == (1, 1, ["shop"])
    assert sum(receipt["inputs"] for receipt in receipts) > 0
    assert not any(text in msgspec.json.encode(receipts).decode().casefold() for text in names | own)
    left = await trading.get(f"/orders/{sold}")
    assert (left["order"]["total"], left["order"]["lines"]) == (card["order"]["total"], card["order"]["lines"])
    assert left["copies"] == card["copies"]
    assert (await trading.get("/customers", text="acme"))["items"] != []
    assert (await trading.ask("POST", f"/customers/{bird['id']}/erase"))[0] == 404
    told = [one for one in (await trading.get("/events", limit=500))["items"] if one["kind"] == "customer.erased"]
    assert [one["id"] for one in told] == [one["number"] for one in receipts]


async def test_what_its_source_reports_later_brings_nobody_back(trading: House) -> None:
    """Part of CUS-04: a cancellation lands, the person does not."""
    (sold,) = await trading.sell()
    login = (await trading.get(f"/orders/{sold}"))["order"]["buyer"]["login"]
    (row,) = (await trading.get("/customers", text=login))["items"]
    assert (await trading.ask("POST", f"/customers/{row['id']}/erase"))[0] == 200
    trading.market.ledger.cancel(sold)

    async def cancelled() -> bool:
        return bool((await trading.get(f"/orders/{sold}"))["order"]["stage"] == "cancelled")

    await trading.until(cancelled)
    card = await trading.get(f"/orders/{sold}")
    assert card["order"]["buyer"] == {}
    assert (await trading.get("/customers", text=login))["items"] == []


async def test_what_was_edited_and_booked_stays_without_the_person(trading: House) -> None:
    """Part of CUS-04: a later report brings neither the old lines nor the person back, and no edit does."""
    (sold,) = await trading.sell()
    card = await trading.get(f"/orders/{sold}")
    line = card["order"]["lines"][0]
    lines = [
        {"id": one["external_id"]} | ({"quantity": line["quantity"] + 3} if one is line else {})
        for one in card["order"]["lines"]
    ]
    body = {"version": card["version"], "lines": lines, "recipient": {"street": "Kanarkowa 7"}}
    assert (await trading.ask("POST", f"/orders/{sold}/edit", body))[0] == 200
    status, card = await trading.ask(
        "POST", f"/orders/{sold}/payments", {"amount": "1.00", "comment": "Kanarek paid"}
    )
    assert status == 200, card
    await trading.until(trading.settled)
    login = card["order"]["buyer"]["login"]
    (row,) = (await trading.get("/customers", text=login))["items"]
    status, answer = await trading.ask("POST", f"/customers/{row['id']}/erase")
    assert status == 200, answer
    status, problem = await trading.ask("POST", f"/orders/{sold}/address", {"street": "Kanarkowa 7"})
    assert (status, "was erased" in problem["detail"]) == (409, True)
    trading.market.ledger.cancel(sold)

    async def cancelled() -> bool:
        return bool((await trading.get(f"/orders/{sold}"))["order"]["stage"] == "cancelled")

    await trading.until(cancelled)
    left = await trading.get(f"/orders/{sold}")
    assert [one["quantity"] for one in left["order"]["lines"]] == [
        one["quantity"] for one in card["order"]["lines"]
    ]
    assert (left["edited"]["parts"], [one["amount"]["amount"] for one in left["bookings"]]) == (["lines"], ["1.00"])
    assert "Kanark" not in str(left)


async def test_what_is_under_way_is_not_erased(house: House) -> None:
    """Part of CUS-04: an order that is not complete, or not yet in the shop, needs its address."""
    await lands(house, canary(stage=Stage.PLACED))
    status, problem = await house.ask("POST", "/customers/1/erase")
    assert status == 409
    assert "bought and not complete yet" in problem["detail"]
    assert (await house.get("/customers/1"))["customer"]["login"] == "kanarek77"


async def test_an_open_delivery_is_named(trading: House) -> None:
    """Part of CUS-04."""
    await trading.ask("POST", "/accounts/shop/pause", {"reason": "for a while"})
    (sold,) = trading.market.ledger.buy(1)

    async def waits() -> bool:
        return bool((await trading.get("/deliveries"))["items"])

    await trading.until(waits)
    login = (await trading.get(f"/orders/{sold}"))["order"]["buyer"]["login"]
    (row,) = (await trading.get("/customers", text=login))["items"]
    status, problem = await trading.ask("POST", f"/customers/{row['id']}/erase")
    assert status == 409
    assert "is still under way: delivery " in problem["detail"]


async def test_a_person_is_given_all_that_is_held(trading: House) -> None:
    """Part of CUS-04: each order whole, with its note, its copies and its history."""
    (sold,) = await trading.sell()
    card = await trading.get(f"/orders/{sold}")
    await trading.ask("POST", f"/orders/{sold}/note", {"note": "call first"})
    (row,) = (await trading.get("/customers", text=card["order"]["buyer"]["login"]))["items"]
    held = await trading.get(f"/customers/{row['id']}/data")
    (one,) = held["orders"]
    assert (one["order"], one["note"]) == (card["order"], "call first")
    assert [copy["account"] for copy in one["copies"]] == ["shop"]
    assert {"order.placed", "order.noted"} <= {event["kind"] for event in one["events"]}
    assert held["record"]["login"] == card["order"]["buyer"]["login"]
    assert (await trading.ask("GET", "/customers/99/data"))[0] == 404
