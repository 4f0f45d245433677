"""Orders and deliveries over HTTP: lists, the card, the history, and the hands of a person."""

from __future__ import annotations

from typing import Any

from olhubd_kit.faults import Fault, FaultKind
from tests.control.house import House


async def test_the_list_goes_page_by_page(trading: House) -> None:
    sold = await trading.sell(5)
    seen: list[Any] = []
    query: dict[str, Any] = {"account": "market", "limit": 2}
    while True:
        page = await trading.get("/orders", **query)
        seen += page["items"]
        if page["next"] is None:
            break
        query["before"] = page["next"]
    assert sorted(order["external_id"] for order in seen) == sorted(sold)
    assert [order["id"] for order in seen] == sorted((order["id"] for order in seen), reverse=True)


async def test_a_row_shows_where_the_order_is(trading: House) -> None:
    """CRD-01, CRD-08: by account, with the mark of its marketplace and where it went."""
    await trading.sell()
    (row,) = (await trading.get("/orders", account="market"))["items"]
    (entry,) = [entry for entry in trading.shop.books() if entry.reference]
    (there,) = row["targets"]
    assert row["marketplace"] == "allegro"
    assert row["reference"] == entry.reference
    assert (there["account"], there["external_id"], there["state"]) == ("shop", entry.external_id, "confirmed")
    assert row["total"]["currency"] == "PLN"
    assert isinstance(row["total"]["amount"], str), "money is no float"


async def test_filters_hold_together(trading: House) -> None:
    """CRD-13: a search respects the filter it is combined with."""
    first, second = await trading.sell(2)
    trading.market.ledger.cancel(second)

    async def cancelled() -> bool:
        return bool((await trading.get("/orders", stage="cancelled"))["items"])

    await trading.until(cancelled)
    assert [o["external_id"] for o in (await trading.get("/orders", q=second))["items"]] == [second]
    assert (await trading.get("/orders", q=first, stage="cancelled"))["items"] == []
    assert (await trading.get("/orders", q=first, account="shop"))["items"] == []
    assert (await trading.get("/orders", q="nothing"))["items"] == []


async def test_a_card_is_found_by_any_of_its_names(trading: House) -> None:
    """CRD-04: the hub's id, the marketplace's, the shop's, and the reference."""
    (sold,) = await trading.sell()
    (entry,) = [entry for entry in trading.shop.books() if entry.reference]
    card = await trading.get(f"/orders/{sold}")
    assert card["order"]["external_id"] == sold
    assert card["order"]["total"]["amount"] == card["copies"][0]["total"]["amount"]
    assert card["deliveries"][0]["state"] == "confirmed"
    for name in (card["id"], entry.external_id, f"market:{sold}"):
        assert (await trading.get(f"/orders/{name}"))["id"] == card["id"]


async def test_an_ambiguous_name_is_not_guessed(trading: House) -> None:
    sold = await trading.sell(2)
    ids = [(await trading.get(f"/orders/{one}"))["id"] for one in sold]
    await trading.database.write(
        lambda tx: tx.execute("UPDATE orders SET number = ? WHERE id = ?", (str(ids[0]), ids[1]))
    )
    status, problem = await trading.ask("GET", f"/orders/{ids[0]}")
    assert status == 409
    assert problem["type"] == "urn:olhubd:problem:ambiguous"
    assert {candidate["id"] for candidate in problem["candidates"]} == set(ids)
    exact = next(c["reference"] for c in problem["candidates"] if c["id"] == ids[0])
    assert (await trading.get(f"/orders/{exact}"))["id"] == ids[0]
    assert (await trading.get(f"/orders/%23{ids[0]}"))["id"] == ids[0], "the hub's own and nothing else"


async def test_a_number_that_no_order_can_have_is_not_found(trading: House) -> None:
    """Longer than any number that a database keeps."""
    for name in ("%23" + "9" * 18, "%23" + "9" * 19, "%23" + "9" * 40, "9" * 40):
        status, problem = await trading.ask("GET", f"/orders/{name}")
        assert (status, problem["type"]) == (404, "urn:olhubd:problem:not-found"), name


async def test_the_history_tells_causes(trading: House) -> None:
    """Invariant 3: every event has a cause, every delivery the event it came of."""
    (sold,) = await trading.sell()
    told = await trading.get(f"/orders/{sold}/events")
    placed = next(event for event in told["events"] if event["kind"] == "order.placed")
    assert "seen for the first time" in placed["text"]
    assert placed["why"].startswith("told by the feed of orders of market (run ")
    owes = [number for event in told["events"] for number in event["owes"]]
    assert owes == [delivery["id"] for delivery in told["deliveries"]]
    confirmed = next(event for event in told["events"] if event["kind"] == "delivery.confirmed")
    assert confirmed["why"] == f"the outcome of delivery {owes[0]}"
    assert told["now"] == []


async def test_the_card_tells_what_became_of_money_status_and_actions(trading: House) -> None:
    """CRD-06. Part of CRD-05 and CRD-07: the three histories, each with old, new and who."""
    (sold,) = await trading.sell()
    await trading.ask("POST", f"/orders/{sold}/status", {"status": "ready"})
    await trading.until(trading.settled)
    history = (await trading.get(f"/orders/{sold}"))["history"]
    total = (await trading.get(f"/orders/{sold}"))["order"]["payment"]["paid"]
    assert [entry["new"] for entry in history["payments"]] == [f"{total['amount']} {total['currency']}"]
    by_hand = history["statuses"][-1]
    assert (by_hand["new"], by_hand["who"]) == ("ready", "token")
    assert by_hand["old"] is not None
    assert [(entry["new"], entry["where"]) for entry in history["actions"]] == [
        ("confirmed", "shop"),
        ("confirmed", "market"),
    ]


async def held(house: House) -> Any:
    """A delivery that the shop refused."""
    house.shop.faults.add(Fault(kind=FaultKind.REFUSE, match="POST .*/orders$", status=400, times=1))
    house.market.ledger.buy()
    found: list[Any] = []

    async def there() -> bool:
        found[:] = (await house.get("/deliveries", state="hold"))["items"]
        return bool(found)

    await house.until(there)
    return found[0]


async def test_a_held_delivery_is_let_go(trading: House) -> None:
    delivery = await held(trading)
    assert delivery["order"]["account"] == "market"
    assert "400" in delivery["reason"]
    sold = delivery["order"]["external_id"]
    told = await trading.get(f"/orders/{sold}/events")
    assert "waits for a person" in told["now"][0]
    assert f"olhubd holds release {delivery['id']}" in told["now"][0]
    status, answer = await trading.ask("POST", f"/deliveries/{delivery['id']}/retry")
    assert (status, answer["state"]) == (200, "sent"), "looked up first"
    await trading.until(trading.settled)
    told = await trading.get(f"/orders/{sold}/events")
    released = next(event for event in told["events"] if event["kind"] == "delivery.released")
    assert released["why"] == "by a program with the token"
    assert (await trading.get(f"/deliveries/{delivery['id']}"))["state"] == "confirmed"


async def test_a_delivery_is_given_up_with_a_reason(trading: House) -> None:
    delivery = await held(trading)
    status, answer = await trading.ask("POST", f"/deliveries/{delivery['id']}/discard", {"reason": "made by hand"})
    assert (status, answer["state"], answer["reason"]) == (200, "discarded", "made by hand")
    told = await trading.get(f"/orders/{delivery['order']['external_id']}/events")
    assert any("given up: made by hand" in event["text"] for event in told["events"])


async def test_what_is_not_there_cannot_be_accepted(trading: House) -> None:
    delivery = await held(trading)
    status, problem = await trading.ask("POST", f"/deliveries/{delivery['id']}/accept")
    assert status == 409
    assert "no order that could be accepted" in problem["detail"]


async def test_what_is_done_is_left_alone(trading: House) -> None:
    (sold,) = await trading.sell()
    (delivery, *_) = (await trading.get(f"/orders/{sold}"))["deliveries"]
    status, problem = await trading.ask("POST", f"/deliveries/{delivery['id']}/retry")
    assert status == 409
    assert "is confirmed" in problem["detail"]


async def test_a_pause_shows_in_the_history_of_what_waits(trading: House) -> None:
    await trading.ask("POST", "/accounts/shop/pause", {"reason": "holidays"})
    (sold,) = trading.market.ledger.buy()

    async def landed() -> bool:
        return bool((await trading.get("/orders", q=sold))["items"])

    await trading.until(landed)
    await trading.ask("POST", "/accounts/shop/resume")
    told = await trading.get(f"/orders/{sold}/events")
    assert "shop: the account works again" in [event["text"] for event in told["events"]]
    await trading.until(trading.settled)


async def test_quarantine_shows_what_could_not_be_read(trading: House) -> None:
    (bought,) = trading.tiny.buy()
    trading.tiny.corrupt(bought)
    await trading.ask("POST", "/accounts/stingy/fetch")
    (record,) = (await trading.get("/quarantine"))["items"]
    assert (record["account"], record["external_id"], record["raw"]) == ("stingy", bought, None)
    (whole,) = (await trading.get("/quarantine", raw="true"))["items"]
    assert bought in whole["raw"]
    assert (await trading.get("/accounts/stingy"))["quarantined"] == 1
