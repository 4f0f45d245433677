"""A person is erased wherever the hub keeps them, and is told all that it keeps."""

from __future__ import annotations

import re
import sqlite3
import zlib
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from olhubd.decide.erasure import Said, anonymised, anonymous, covered, personal
from olhubd.engine.replay.recording import CONFIGURED
from olhubd.model import Address, Buyer, InvoiceParty, OrderId, PickupPoint, Shipping, Stage, TaxId
from olhubd.store import Transaction, codec, orders, quarantine
from olhubd.store.quarantine import QuarantineDraft
from olhubd_kit.faults import Fault, FaultKind
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
        "seller_note": "lubi kanarki",
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


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("Ada lives there", True),
        ("called ada.", True),
        ("Adam lives there", False),
        ("order 202 is late", True),
        ("order 1202 costs 202.50, or 3.202", False),
    ],
)
def test_a_text_is_found_as_a_word_of_its_own(text: str, there: bool) -> None:
    assert Said(frozenset({"ada", "202"})).within(text) is there
    assert covered({"said": text}, Said(frozenset({"ada", "202"}))) == {"said": "***" if there else text}


async def test_what_is_erased_leaves_nothing_in_free_pages(trading: House) -> None:
    rows = await trading.database.write(lambda tx: tx.fetch("PRAGMA secure_delete"))
    assert rows[0][0] == 1


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
    kept = await trading.database.reader.fetch("SELECT DISTINCT kind FROM inputs")
    assert CONFIGURED in {row[0] for row in kept}, "by which later decisions are replayed"
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
        "POST", f"/orders/{sold}/payments", {"amount": "1.00", "comment": "Kanarska paid"}
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
    assert not re.search("Kanar", str(left))


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


async def erased(house: House, sold: str) -> Any:
    """Erases the buyer of this order; gives status and answer."""
    login = (await house.get(f"/orders/{sold}"))["order"]["buyer"]["login"]
    (row,) = (await house.get("/customers", text=login))["items"]
    return await house.ask("POST", f"/customers/{row['id']}/erase")


async def test_why_things_failed_and_what_was_answered_names_nobody_either(trading: House) -> None:
    """Part of CUS-04: a canary in an event's facts, a delivery's reason and doubts, a run's error, an answer to a
    request with a key."""
    (sold,) = await trading.sell()
    card = await trading.get(f"/orders/{sold}")
    name = card["order"]["shipping"]["address"]["last_name"]
    words = f"nobody called {name} lives there"

    async def work(tx: Transaction) -> None:
        await tx.execute("UPDATE deliveries SET reason = ?, unknown_words = ?", (words, words))
        await tx.execute("UPDATE runs SET error = ? WHERE id = (SELECT MIN(id) FROM runs)", (words,))
        facts = msgspec.json.encode({"reason": words})
        await tx.execute("UPDATE events SET data = ? WHERE kind = 'order.confirmed'", (facts,))

    await trading.database.write(work)
    async with trading.client.post(
        f"{trading.base}/api/v1/orders/{sold}/note", json={"note": "x"}, headers={"Idempotency-Key": "k" * 20}
    ) as answer:
        assert answer.status == 200
    assert len([told for told in everywhere(trading.folder / "data") if name.casefold() in told]) >= 6
    status, receipt = await erased(trading, sold)
    assert status == 200, receipt
    assert [told for told in everywhere(trading.folder / "data") if name.casefold() in told] == []
    assert receipt["events"] > 0
    assert receipt["deliveries"] > 0
    assert receipt["answers"] == 1


async def test_what_is_spelled_like_a_buyer_and_is_nobodys_stays(trading: House) -> None:
    """Part of CUS-04: a shop numbers its buyers; the digits of one are in waybills and amounts."""
    (sold,) = await trading.sell()
    card = await trading.get(f"/orders/{sold}")
    short = card["order"]["total"]["amount"].partition(".")[0]

    async def work(tx: Transaction) -> None:
        stored = (await orders.read(tx, [OrderId(card["id"])]))[OrderId(card["id"])]
        buyer = msgspec.structs.replace(stored.order.buyer, external_id=short, first_name="Ada")
        one = msgspec.structs.replace(stored.order, buyer=buyer)
        await orders.rewrite(tx, msgspec.structs.replace(stored, order=one, document=codec.encode(one)))

    await trading.database.write(work)
    parcel = {"carrier": "INPOST", "waybill": f"62{short}0111"}
    assert (await trading.ask("POST", f"/orders/{sold}/shipments", parcel))[0] == 200
    assert (await trading.ask("POST", f"/orders/{sold}/shipments", {**parcel, "waybill": short}))[0] == 200
    await trading.until(trading.settled)
    before = [one["text"] for one in (await trading.get(f"/orders/{sold}/events"))["events"]]
    assert (await erased(trading, sold))[0] == 200
    after = [one["text"] for one in (await trading.get(f"/orders/{sold}/events"))["events"]]
    assert after[: len(before)] == before
    payloads = await trading.database.reader.fetch("SELECT payload FROM deliveries WHERE action = 'add-shipment'")
    assert {msgspec.json.decode(row[0])["waybill"] for row in payloads} == {f"62{short}0111", short}


async def test_a_record_that_a_shop_sent_of_them_is_theirs_too(trading: House) -> None:
    """Part of CUS-04: a copy in the quarantine of the shop is found by the mark and by the e-mail; that of
    another person with the same login is not."""
    (sold,) = await trading.sell()
    buyer = (await trading.get(f"/orders/{sold}"))["order"]["buyer"]
    raws = {
        "S1": {"email": buyer["email"]},
        "S2": {"meta_data": [{"key": "_olhubd_reference", "value": f"market:{sold}"}]},
        "S3": {"login": buyer["login"], "email": "other@example.com"},
    }
    drafts = [
        QuarantineDraft(kind="order", external_id=one, reason="odd", raw=msgspec.json.encode(raw))
        for one, raw in raws.items()
    ]
    await trading.database.write(lambda tx: quarantine.put(tx, "shop", "orders", drafts, trading.clock.now()))
    status, problem = await erased(trading, sold)
    assert (status, "in quarantine holds this customer" in problem["detail"]) == (409, True)
    for record in (await trading.get("/quarantine"))["items"]:
        await trading.ask("POST", f"/quarantine/{record['id']}/discard", {"reason": "odd"})
    status, receipt = await erased(trading, sold)
    assert (status, receipt["quarantine"]) == (200, 2)
    rows = await trading.database.reader.fetch("SELECT external_id FROM quarantine")
    assert [row[0] for row in rows] == ["S3"]


async def test_what_waits_for_its_money_is_not_erased(trading: House) -> None:
    """Part of CUS-04: its payment would send it on without an address."""
    trading.path.write_text(trading.path.read_text().replace('to = "shop"', 'to = "shop"\nwhen = "paid"'))
    await trading.hub.reload(trading.configuration())
    await lands(trading, canary())
    (bird,) = (await trading.get("/customers", text="kanarek77"))["items"]
    status, problem = await trading.ask("POST", f"/customers/{bird['id']}/erase")
    assert status == 409
    assert "waits for its money before it goes to shop" in problem["detail"]


async def test_an_order_without_its_buyer_is_made_nowhere(trading: House) -> None:
    """Part of CUS-04: neither sent on by hand, nor by a retry of what was given up."""
    await lands(trading, canary())
    (bird,) = (await trading.get("/customers", text="kanarek77"))["items"]
    trading.shop.faults.add(Fault(kind=FaultKind.REFUSE, match="POST .*/orders$", status=400, times=1))
    (sold,) = trading.market.ledger.buy(1)
    found: list[Any] = []

    async def held() -> bool:
        found[:] = (await trading.get("/deliveries", state="hold"))["items"]
        return bool(found)

    await trading.until(held)
    assert (await trading.ask("POST", f"/deliveries/{found[0]['id']}/discard", {"reason": "not now"}))[0] == 200
    for status, answer in (
        await erased(trading, sold),
        await trading.ask("POST", f"/customers/{bird['id']}/erase"),
    ):
        assert status == 200, answer
    for name in ("C1", sold):
        card = await trading.get(f"/orders/{name}")
        (forward,) = [one for one in card["actions"] if one["name"] == "forward"]
        assert (forward["possible"], "was erased" in forward["why_not"]) == (False, True)
        status, problem = await trading.ask("POST", f"/orders/{name}/forward", {})
        assert (status, "was erased" in problem["detail"]) == (409, True)
    assert (await trading.ask("POST", f"/deliveries/{found[0]['id']}/retry", {}))[0] == 200
    await trading.until(held)
    assert "was erased" in found[0]["reason"]
    assert trading.shop.books() == []
