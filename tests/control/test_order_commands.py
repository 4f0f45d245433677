"""What an operator changes about an order, over HTTP, between a simulated marketplace and a simulated shop."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from olhubd.decide import changes, plan
from olhubd.engine.outbox.recorder import Recorder
from olhubd.model import Cause, Subject
from olhubd.store import Transaction, orders
from olhubd_kit.faults import Fault, FaultKind
from tests.control.house import House


async def landed(house: House, **how: Any) -> str:
    """An order that the hub holds, wherever it is."""
    (sold,) = house.market.ledger.buy(**how)

    async def there() -> bool:
        return (await house.ask("GET", f"/orders/{sold}"))[0] == 200

    await house.until(there)
    return sold


async def refused_once(house: House) -> str:
    """An order that the shop refused, so that it waits for a person."""
    house.shop.faults.add(Fault(kind=FaultKind.REFUSE, match="POST .*/orders$", status=400, times=1))
    sold = await landed(house)

    async def waits() -> bool:
        return bool((await house.get("/deliveries", state="hold"))["items"])

    await house.until(waits)
    return sold


def choice(card: Any, name: str) -> Any:
    return next(one for one in card["actions"] if one["name"] == name)


async def test_a_note_stays_in_the_hub(trading: House) -> None:
    """Part of SYN-14: it is kept and shown, its words are in no event, and no call goes out for it."""
    (sold,) = await trading.sell()
    status, card = await trading.ask("POST", f"/orders/{sold}/note", {"note": "rang: on Friday"})
    assert (status, card["note"]) == (200, "rang: on Friday")
    told = await trading.get(f"/orders/{sold}/events")
    noted = next(event for event in told["events"] if event["kind"] == "order.noted")
    assert noted["cause"] == {"kind": "operator", "id": "token"}
    assert "Friday" not in str(told)
    assert [delivery["action"] for delivery in told["deliveries"]] == ["push-order"], "nothing is owed for it"
    assert (await trading.ask("POST", f"/orders/{sold}/note", {}))[1]["note"] is None


async def test_a_status_goes_to_the_marketplace_and_stands(trading: House) -> None:
    """SYN-02, CRD-06: by a person, to whom it is mapped, with old, new and who on the card."""
    (sold,) = await trading.sell()
    card = await trading.get(f"/orders/{sold}")
    assert card["statuses"]["ready"] == {"market": "READY_FOR_SHIPMENT"}, "the route maps no word for the shop"
    status, card = await trading.ask("POST", f"/orders/{sold}/status", {"status": "ready"})
    assert (status, card["order"]["fulfilment"]) == (200, "ready")
    await trading.until(trading.settled)
    owed = (await trading.get(f"/orders/{sold}"))["deliveries"]
    (sent,) = [one for one in owed if one["action"] == "set-status"]
    assert (sent["target"], sent["state"]) == ("market", "confirmed")
    line = next(
        one for one in (await trading.get(f"/orders/{sold}"))["history"]["statuses"] if one["new"] == "ready"
    )
    assert line["who"] == "token"
    assert line["old"] in ("new", "processing")
    status, problem = await trading.ask("POST", f"/orders/{sold}/status", {"status": "cancelled"})
    assert status == 409
    assert "possible: processing" in problem["detail"]


async def test_a_parcel_goes_to_both_sides_once(trading: House) -> None:
    """SYN-09, SYN-12. Part of SYN-11: a number that was added by hand is in the shop and at the marketplace."""
    (sold,) = await trading.sell()
    parcel = {"carrier": "DPD", "waybill": "0000123456789"}
    status, card = await trading.ask("POST", f"/orders/{sold}/shipments", parcel)
    assert status == 200, card
    assert [one["waybill"] for one in card["order"]["shipments"]] == ["0000123456789"]
    await trading.until(trading.settled)
    there = {
        d["target"] for d in (await trading.get(f"/orders/{sold}"))["deliveries"] if d["action"] == "add-shipment"
    }
    assert there == {"market", "shop"}
    (entry,) = [entry for entry in trading.shop.books() if entry.reference]
    assert "0000123456789" in str(entry.shipments)
    (source,) = [entry for entry in trading.market.books() if entry.external_id == sold]
    assert "0000123456789" in str(source.shipments)
    status, problem = await trading.ask("POST", f"/orders/{sold}/shipments", parcel | {"waybill": " 0000123456789"})
    assert status == 409
    assert "already" in problem["detail"]


async def test_an_address_is_changed_before_the_order_goes_on(trading: House) -> None:
    """What waits goes on with the new address; the log has none of its words."""
    sold = await refused_once(trading)
    assert choice(await trading.get(f"/orders/{sold}"), "address")["possible"]
    new = {"street": "Zmieniona 7", "postcode": "00-838", "city": "Warszawa"}
    status, card = await trading.ask("POST", f"/orders/{sold}/address", new)
    assert status == 200, card
    assert card["order"]["shipping"]["address"]["street"] == "Zmieniona 7"
    (delivery,) = card["owed"]
    assert (await trading.ask("POST", f"/deliveries/{delivery['id']}/retry"))[0] == 200
    await trading.until(trading.settled)
    (made,) = trading.shop.ledger.sheets.values()
    assert "Zmieniona 7" in made.doc["shipping"]["address_1"]
    assert "Zmieniona" not in str(await trading.get(f"/orders/{sold}/events"))


async def test_an_address_that_is_changed_behind_the_order_stays_here(trading: House) -> None:
    """FWD-26: once the shop has it, the change is the hub's alone and says so. Nothing is sent or owed."""
    (sold,) = await trading.sell()
    before = trading.shop.books()
    status, card = await trading.ask("POST", f"/orders/{sold}/address", {"street": "Inna 1"})
    assert status == 200, card
    assert (card["edited"]["parts"], card["edited"]["stays"]) == (["recipient"], ["shop"])
    await trading.until(trading.settled)
    assert trading.shop.books() == before
    told = await trading.get(f"/orders/{sold}/events")
    edit = next(event for event in told["events"] if event["kind"] == "order.edited")
    assert "shop has the order already and is sent nothing of it" in edit["text"]
    assert edit["owes"] == []
    assert "Inna" not in str(told)


async def test_a_buyers_later_address_is_shown_beside_the_persons(trading: House) -> None:
    """FWD-26: neither is lost. The edit stands, the buyer's is told once, and a person may take it."""
    sold = await refused_once(trading)
    await trading.ask("POST", f"/orders/{sold}/address", {"street": "Zmieniona 7"})
    trading.market.ledger.change_address(sold)

    async def contested() -> bool:
        return bool((await trading.get(f"/orders/{sold}"))["edited"]["contested"] == ["recipient"])

    await trading.until(contested)
    card = await trading.get(f"/orders/{sold}")
    assert card["order"]["shipping"]["address"]["street"] == "Zmieniona 7"
    theirs = card["edited"]["source_recipient"]
    assert theirs["street"] != "Zmieniona 7"
    events = (await trading.get(f"/orders/{sold}/events"))["events"]
    assert [one["kind"] for one in events].count("order.edit-contested") == 1
    body = {"version": card["version"], "undo": ["recipient"]}
    status, card = await trading.ask("POST", f"/orders/{sold}/edit", body)
    assert status == 200, card
    assert card["order"]["shipping"]["address"] == theirs
    assert card["edited"]["parts"] == []


async def test_what_is_edited_before_the_order_goes_on_is_what_goes(trading: House) -> None:
    """FWD-26, SRC-05: the shop gets the edited lines and total, once; who did it, old and new are in the log."""
    sold = await refused_once(trading)
    card = await trading.get(f"/orders/{sold}")
    (line, *_) = card["order"]["lines"]
    lines = [{"id": line["external_id"], "quantity": 7, "price": "2.50"}]
    status, card = await trading.ask(
        "POST", f"/orders/{sold}/edit", {"version": card["version"], "lines": lines}
    )  # fmt: skip
    assert status == 200, card
    assert (card["edited"]["parts"], card["edited"]["stays"]) == (["lines"], [])
    (delivery,) = card["owed"]
    assert (await trading.ask("POST", f"/deliveries/{delivery['id']}/retry"))[0] == 200
    await trading.until(trading.settled)
    (made,) = trading.shop.books()
    assert made.lines is not None
    assert made.lines[0].quantity == 7
    assert str(made.total.rounded().amount) == card["order"]["total"]["amount"]
    history = (await trading.get(f"/orders/{sold}"))["history"]["actions"]
    (entry,) = [one for one in history if one["new"] == "lines"]
    assert entry["who"] == "token"
    assert f"{line['quantity']} × {line['price']['amount']}" in entry["text"]
    assert "7 × 2.50" in entry["text"]


async def test_two_editors_do_not_overwrite_each_other(trading: House) -> None:
    (sold,) = await trading.sell()
    card = await trading.get(f"/orders/{sold}")
    number = card["order"]["lines"][0]["external_id"]
    first = {"version": card["version"], "lines": [{"id": number, "name": "first"}]}
    second = {"version": card["version"], "lines": [{"id": number, "name": "second"}]}
    assert (await trading.ask("POST", f"/orders/{sold}/edit", first))[0] == 200
    status, problem = await trading.ask("POST", f"/orders/{sold}/edit", second)
    assert status == 409
    assert "is another one than you saw" in problem["detail"]
    assert (await trading.get(f"/orders/{sold}"))["order"]["lines"][0]["name"] == "first"
    fresh = (await trading.get(f"/orders/{sold}"))["version"]
    status, problem = await trading.ask("POST", f"/orders/{sold}/edit", {"version": fresh, "lines": [{"id": "no"}]})
    assert (status, problem["parameter"]) == (400, "lines[0].id")


async def test_a_payment_is_booked_and_undone_with_who_and_why(trading: House) -> None:
    """CRD-05: old, new, who and comment stand in the history of payments; the comment is in no event."""
    sold = await landed(trading, paid=False)
    card = await trading.get(f"/orders/{sold}")
    total = card["order"]["total"]
    half = {"amount": "1.00", "comment": "at the counter"}
    status, card = await trading.ask("POST", f"/orders/{sold}/payments", half)
    assert status == 200, card
    (entry,) = [one for one in card["history"]["payments"] if one["comment"] is not None]
    assert (entry["old"], entry["new"], entry["who"], entry["comment"]) == (
        "0 PLN",
        "1.00 PLN",
        "token",
        "at the counter",
    )
    assert "counter" not in str(await trading.get(f"/orders/{sold}/events"))
    status, problem = await trading.ask("POST", f"/orders/{sold}/payments", {"amount": total["amount"]})
    assert status == 409
    assert "more than is open" in problem["detail"]
    for amount, currency in (("0.00", None), ("0.001", None), ("1.00", "EUR")):
        body = {"amount": amount} | ({"currency": currency} if currency else {})
        assert (await trading.ask("POST", f"/orders/{sold}/payments", body))[0] == 409
    rest = f"{Decimal(total['amount']) - 1:.2f}"
    status, card = await trading.ask("POST", f"/orders/{sold}/payments", {"amount": rest})
    assert any(one["kind"] == "order.paid" for one in (await trading.get(f"/orders/{sold}/events"))["events"])
    undo = {"comment": "booked twice"}
    status, card = await trading.ask("POST", f"/orders/{sold}/payments/1/undo", undo)
    assert status == 200, card
    assert card["history"]["payments"][-1]["comment"] == "booked twice"
    assert [one["undone_by"] for one in card["bookings"] if one.get("undone_at")] == ["token"]
    assert [one["paid"]["amount"] for one in card["order"]["surcharges"]] == [rest]
    assert (await trading.ask("POST", f"/orders/{sold}/payments/9/undo", {}))[0] == 409


async def test_what_a_person_corrected_twice_stands_while_the_marketplace_reports_the_same(trading: House) -> None:
    """What the source said is remembered over both corrections; else the next report would bring back its value."""
    sold = await refused_once(trading)
    # Nothing reaches the marketplace, so it goes on reporting the status of before.
    trading.market.faults.add(Fault(kind=FaultKind.ERROR, match="PUT .*/fulfillment", status=503, times=None))
    for street in ("Zmieniona 7", "Ostatnia 9"):
        assert (await trading.ask("POST", f"/orders/{sold}/address", {"street": street}))[0] == 200
    for word in ("ready", "suspended"):
        assert (await trading.ask("POST", f"/orders/{sold}/status", {"status": word}))[0] == 200
    trading.market.ledger.surcharge(sold)

    async def reported() -> bool:
        return bool((await trading.get(f"/orders/{sold}"))["order"].get("surcharges"))

    await trading.until(reported)
    now = (await trading.get(f"/orders/{sold}"))["order"]
    assert (now["shipping"]["address"]["street"], now["fulfilment"]) == ("Ostatnia 9", "suspended")


async def test_an_order_that_no_route_forwards_is_sent_on_by_hand(trading: House) -> None:
    """MAN-11, MAN-12, FWD-27: what was not forwarded in its time goes when a person says so, once."""
    written = trading.path.read_text()
    assert 'to = "shop"' in written
    trading.path.write_text(written.replace('to = "shop"', 'to = "shop"\nforward = false'))
    await trading.hub.reload(trading.configuration())
    sold = await landed(trading)
    card = await trading.get(f"/orders/{sold}")
    assert card["deliveries"] == []
    assert choice(card, "forward") == {"name": "forward", "possible": True, "why_not": None, "target": "shop"}
    status, card = await trading.ask("POST", f"/orders/{sold}/forward", {})
    assert status == 200, card

    async def there() -> bool:
        return bool((await trading.get(f"/orders/{sold}"))["copies"])

    await trading.until(there)
    assert sum(entry.reference is not None for entry in trading.shop.books()) == 1
    told = await trading.get(f"/orders/{sold}/events")
    sent_on = next(event for event in told["events"] if event["kind"] == "order.forwarded")
    assert "shop" in sent_on["text"]
    assert sent_on["why"] == "by a program with the token"
    assert sent_on["owes"] == [card["deliveries"][0]["id"]]
    status, problem = await trading.ask("POST", f"/orders/{sold}/forward", {"target": "shop"})
    assert status == 409
    assert "shop has it already" in problem["detail"]


async def test_an_order_that_a_shop_told_of_and_does_not_have_is_sent_on_by_hand(trading: House) -> None:
    """What was owed only if it were found there is owed for good once a person says so."""
    written = trading.path.read_text()
    trading.path.write_text(written.replace('to = "shop"', 'to = "shop"\nforward = false'))
    await trading.hub.reload(trading.configuration())
    sold = await landed(trading)

    async def look(tx: Transaction) -> None:
        order_id = (await orders.find(tx, sold))[0]
        recorder = Recorder(tx, trading.clock.now(), Cause("start", "test"))
        found = changes.CopyFound(target="shop", external_id="77")
        await recorder.record(Subject.order(order_id), "market", [found], [plan.look("shop", 0)])
        await recorder.write(tx)

    await trading.database.write(look)
    trading.hub.unit("shop").wake()

    async def dropped() -> bool:
        (push,) = (await trading.get(f"/orders/{sold}"))["deliveries"]
        return bool(push["state"] == "dropped")

    await trading.until(dropped)
    assert trading.shop.books() == []
    status, card = await trading.ask("POST", f"/orders/{sold}/forward", {})
    assert status == 200, card
    (push,) = card["deliveries"]
    assert (push["state"] != "dropped", push["payload"]) == (True, {})


async def test_an_unfinished_order_is_not_sent_on(trading: House) -> None:
    """FWD-05: not by hand either, as long as the buyer has not filled in the form."""
    sold = await landed(trading, ready=False)
    offered = choice(await trading.get(f"/orders/{sold}"), "forward")
    assert not offered["possible"]
    assert "the buyer has not finished it" in offered["why_not"]
    assert (await trading.ask("POST", f"/orders/{sold}/forward", {}))[0] == 409


async def test_what_is_asked_is_checked(trading: House) -> None:
    (sold,) = await trading.sell()
    for path, body, word in (
        ("shipments", {"carrier": "DPD"}, "waybill"),
        ("shipments", {"carrier": "DPD", "waybill": " "}, "waybill"),
        ("shipments", {"carrier": "DPD", "waybill": "1", "lines": ["nope"]}, "lines"),
        ("status", {"status": "done"}, "status"),
        ("address", {}, "body"),
        ("address", {"country": "Poland"}, "country"),
        ("forward", {"target": "nowhere"}, "target"),
    ):
        status, problem = await trading.ask("POST", f"/orders/{sold}/{path}", body)
        assert status == 400, (path, body, problem)
        assert word in problem["detail"]
