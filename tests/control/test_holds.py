"""What waits for a person, why, and each way out, over HTTP, between a simulated marketplace and a shop."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from olhubd import model
from olhubd.control.api.masking import masked
from olhubd.engine.errors import NotPossible
from olhubd.model import DeliveryState
from olhubd.store import Transaction, deliveries, orders, quarantine, target_orders
from olhubd_kit.faults import Fault, FaultKind
from tests.control.house import House


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


def choice(row: Any, name: str) -> Any:
    return next(one for one in row["actions"] if one["name"] == name)


async def test_a_hold_tells_all_that_a_person_needs(trading: House) -> None:
    """Its reason, what was to be sent, what to do, and which buttons; no name and no street among them."""
    row = await held(trading)
    told = row["held"]
    assert told["kind"] == "refused"
    assert told["reason"] == row["reason"]
    assert "adopt it by its number" in told["advice"]
    assert told["expected"]["total"].endswith("PLN")
    assert told["there"] == {}
    possible = {one["name"] for one in row["actions"] if one["possible"]}
    assert possible == {"retry", "release", "adopt", "discard"}
    assert choice(row, "accept")["why_not"] == "the target has no order that could be accepted"
    card = await trading.get(f"/orders/{row['order']['external_id']}")
    address = card["order"]["shipping"]["address"]
    assert address["street"] not in str(told)
    assert [one["id"] for one in card["owed"]] == [row["id"]]


async def by_hand(house: House, row: Any, *, more: str = "0", reference: str | None = None) -> str:
    """Somebody enters the order in the shop by hand. Gives its number."""
    sold = row["order"]["external_id"]
    order = (await house.get(f"/orders/{sold}"))["order"]
    total = Decimal(order["total"]["amount"]) + Decimal(more)
    (number,) = house.shop.buy()
    doc = house.shop.ledger.sheets[int(number)].doc
    doc["total"] = str(total)
    doc["currency"] = "PLN"
    if reference is not None:
        doc["meta_data"] = [{"id": 1, "key": "_olhubd_reference", "value": reference}]
    return str(number)


async def test_an_order_entered_by_hand_is_adopted(trading: House) -> None:
    """It is looked up by its number, becomes the copy, and nothing is made beside it."""
    row = await held(trading)
    number = await by_hand(trading, row)
    status, answer = await trading.ask("POST", f"/deliveries/{row['id']}/adopt", {"number": f" {number} "})
    assert status == 200, answer
    assert (answer["state"], answer["external_id"]) == ("confirmed", number)
    card = await trading.get(f"/orders/{row['order']['external_id']}")
    assert [copy["external_id"] for copy in card["copies"]] == [number]
    assert sum(entry.reference is not None for entry in trading.shop.books()) == 0
    # Who entered it need not know of the money.
    assert card["order"]["payment"]["paid"]["amount"] == card["order"]["total"]["amount"]
    assert [one["key"].partition("#")[0] for one in card["deliveries"] if one["action"] == "set-payment"] == [
        f"{card['order']['total']['amount']} {card['order']['total']['currency']}"
    ]
    told = await trading.get(f"/orders/{row['order']['external_id']}/events")
    adopted = next(event for event in told["events"] if event["kind"] == "delivery.adopted")
    assert adopted["why"] == "by a program with the token"
    assert number in adopted["text"]


async def test_an_order_that_was_tried_is_looked_up_before_it_is_sent_again(trading: House) -> None:
    """What was taken for a refusal came after the shop had made the order: let go, it makes no second one."""
    row = await held(trading)
    reference = f"{row['order']['account']}:{row['order']['external_id']}"
    number = await by_hand(trading, row, reference=reference)
    status, answer = await trading.ask("POST", f"/deliveries/{row['id']}/retry", {})
    assert status == 200, answer

    async def found() -> bool:
        return (await trading.get(f"/deliveries/{row['id']}"))["external_id"] is not None

    await trading.until(found)
    assert [entry.external_id for entry in trading.shop.books() if entry.reference == reference] == [number]


async def test_an_order_that_was_given_up_is_looked_up_before_it_is_sent_on_by_hand(trading: House) -> None:
    """The same where a person had given it up and thinks better of it: it was tried, so it may be there."""
    row = await held(trading)
    reference = f"{row['order']['account']}:{row['order']['external_id']}"
    number = await by_hand(trading, row, reference=reference)
    status, answer = await trading.ask("POST", f"/deliveries/{row['id']}/discard", {"reason": "not wanted"})
    assert status == 200, answer
    status, answer = await trading.ask("POST", f"/orders/{row['order']['external_id']}/forward", {})
    assert status == 200, answer

    async def found() -> bool:
        return (await trading.get(f"/deliveries/{row['id']}"))["external_id"] is not None

    await trading.until(found)
    assert [entry.external_id for entry in trading.shop.books() if entry.reference == reference] == [number]


async def test_another_total_needs_a_word(trading: House) -> None:
    row = await held(trading)
    number = await by_hand(trading, row, more="0.01")
    path = f"/deliveries/{row['id']}/adopt"
    status, problem = await trading.ask("POST", path, {"number": number})
    assert (status, problem["type"]) == (409, "urn:olhubd:problem:differs")
    assert (await trading.get(f"/deliveries/{row['id']}"))["state"] == "hold"
    status, answer = await trading.ask("POST", path, {"number": number, "despite_total": True})
    assert (status, answer["state"]) == (200, "confirmed")


async def test_an_order_of_somebody_else_is_not_adopted(trading: House) -> None:
    """Neither one that carries another mark, nor one that is another order's copy, nor one that is not there."""
    await trading.sell()
    (taken,) = [entry.external_id for entry in trading.shop.books() if entry.reference]
    row = await held(trading)
    path = f"/deliveries/{row['id']}/adopt"
    foreign = await by_hand(trading, row, reference="other-hub:1")
    for number, word in (
        (foreign, "carries the mark of other-hub:1"),
        (taken, "the mark of"),
        ("999999", "has no"),
    ):
        status, problem = await trading.ask("POST", path, {"number": number, "despite_total": True})
        assert status == 409, number
        assert word in problem["detail"]
    assert (await trading.get(f"/deliveries/{row['id']}"))["state"] == "hold"


async def test_an_order_under_a_number_of_before_is_adopted_by_its_mark(trading: House) -> None:
    """The shop was set back and gave the number anew; whose order stood under it is not left without one."""
    await trading.sell()
    (taken,) = [entry for entry in trading.shop.books() if entry.reference]
    row = await held(trading)
    other = await by_hand(trading, row, reference=f"market:{row['order']['external_id']}")
    sheets = trading.shop.ledger.sheets
    sheets[int(taken.external_id)].doc.update(
        {name: sheets[int(other)].doc[name] for name in ("meta_data", "total", "currency")}
    )
    path = f"/deliveries/{row['id']}/adopt"
    status, answer = await trading.ask("POST", path, {"number": taken.external_id})
    assert (status, answer.get("state")) == (200, "confirmed"), answer
    (left,) = (await trading.get("/deliveries", state="hold"))["items"]
    assert left["held"]["kind"] == "number-taken"
    assert left["order"]["external_id"] == str(taken.reference).partition(":")[2]
    assert (await trading.get(f"/orders/{left['order']['external_id']}"))["copies"] == []


async def test_what_is_accepted_goes_back_as_far_as_the_shop_has_come(trading: House) -> None:
    """It was sent while it waited: "being worked on" must not be the last that the marketplace hears."""
    written = trading.path.read_text().replace("[accounts.shop]", "[accounts.shop]\nfetch_orders = true")
    more = 'to = "shop"\nstatus_back = { completed = "SENT" }\nmark_processing = true'
    trading.path.write_text(written.replace('to = "shop"', more, 1))
    await trading.hub.reload(trading.configuration())
    row = await held(trading)

    async def there(tx: Transaction) -> None:
        delivery = await deliveries.get(tx, row["id"])
        assert delivery is not None
        stored = await orders.get(tx, delivery.order_id)
        assert stored is not None
        await deliveries.save(tx, [msgspec.structs.replace(delivery, external_id="501")])
        await target_orders.put(
            tx,
            [
                target_orders.TargetOrder(
                    order_id=stored.id,
                    account="shop",
                    external_id="501",
                    total=stored.order.total,
                    status="completed",
                    created_at=trading.clock.now(),
                )
            ],
        )

    await trading.database.write(there)
    status, answer = await trading.ask("POST", f"/deliveries/{row['id']}/accept")
    assert status == 200, answer
    owed = [one for one in (await trading.get("/deliveries"))["items"] if one["action"] == "set-status"]
    assert [one["key"].partition("#")[0] for one in owed][:1] == ["SENT"]


async def test_a_hold_window_is_ended_by_hand(trading: House) -> None:
    """A delivery that waits for early cancellations goes at once when a person lets it."""
    written = trading.path.read_text()
    trading.path.write_text(written.replace('to = "shop"', 'to = "shop"\nhold = "1 h"'))
    await trading.hub.reload(trading.configuration())
    (sold,) = trading.market.ledger.buy()
    found: list[Any] = []

    async def waits() -> bool:
        found[:] = (await trading.get("/deliveries", state="pending"))["items"]
        return bool(found)

    await trading.until(waits)
    (row,) = found
    assert {one["name"] for one in row["actions"] if one["possible"]} == {"release", "adopt", "discard"}
    assert choice(row, "retry")["why_not"]
    assert (await trading.ask("POST", f"/deliveries/{row['id']}/release"))[0] == 200
    await trading.until(trading.settled)
    assert (await trading.get(f"/orders/{sold}"))["copies"]
    status, problem = await trading.ask("POST", f"/deliveries/{row['id']}/release")
    assert status == 409
    assert "it is confirmed" in problem["detail"]


async def test_a_rule_is_lifted_for_one_order(trading: House) -> None:
    """An order that is held for a line without product goes with a free line once a person releases it."""
    written = trading.path.read_text()
    trading.path.write_text(written.replace('to = "shop"', 'to = "shop"\nunlinked = "hold"'))
    await trading.hub.reload(trading.configuration())
    trading.shop.catalogue.products.clear()
    trading.market.ledger.buy()
    found: list[Any] = []

    async def there() -> bool:
        found[:] = (await trading.get("/deliveries", state="hold"))["items"]
        return bool(found)

    await trading.until(there)
    assert found[0]["held"]["kind"] == "unlinked"
    await trading.ask("POST", f"/deliveries/{found[0]['id']}/retry")
    await trading.until(there)
    assert (await trading.ask("POST", f"/deliveries/{found[0]['id']}/release"))[0] == 200
    await trading.until(trading.settled)


async def test_a_rule_is_lifted_only_for_what_was_held_by_it(trading: House) -> None:
    """Who releases an order that the shop refused has said nothing of a line without product."""
    row = await held(trading)
    trading.shop.catalogue.products.clear()
    # Built anew, since the account remembers products.
    written = trading.path.read_text().replace("[accounts.shop]", "[accounts.shop]\nfetch_orders = true")
    trading.path.write_text(written.replace('to = "shop"', 'to = "shop"\nunlinked = "hold"'))
    await trading.hub.reload(trading.configuration())
    assert (await trading.ask("POST", f"/deliveries/{row['id']}/release"))[0] == 200
    told: list[Any] = []

    async def ended() -> bool:
        told[:] = [await trading.get(f"/deliveries/{row['id']}")]
        return told[0]["state"] in ("hold", "confirmed")

    await trading.until(ended)
    assert (told[0]["state"], told[0]["held"] and told[0]["held"]["kind"]) == ("hold", "unlinked")
    assert not any(entry.reference for entry in trading.shop.books())


RAW = b'{"id": "Z9", "buyer": {"login": "anna", "phone": "600100200"}, "total": {"amount": "12.00"}}'


async def record(house: House, raw: bytes = RAW, external_id: str = "Z9") -> Any:
    """A record that could not land."""
    refused = quarantine.QuarantineDraft(
        kind="order", external_id=external_id, reason="its parts do not sum up", raw=raw
    )

    async def put(tx: Transaction) -> None:
        await quarantine.put(tx, "market", "orders", [refused], house.hub.clock.now())

    await house.database.write(put)
    return (await house.get("/quarantine"))["items"][0]


async def seen_again(house: House) -> Any:
    """What waits after the source told the same record once more."""
    refused = quarantine.QuarantineDraft(kind="order", external_id="Z9", reason="its parts do not sum up", raw=RAW)
    now = house.hub.clock.now()
    await house.database.write(lambda tx: quarantine.put(tx, "market", "orders", [refused], now))
    return (await house.get("/quarantine"))["items"]


async def test_a_record_tells_what_to_do_and_hides_persons(trading: House) -> None:
    told = await record(trading)
    assert "12.00" in told["facts"]
    assert not any(word in told["facts"] for word in ("anna", "600100200"))
    assert "retry asks at once" in told["advice"]
    assert [one["name"] for one in told["actions"] if one["possible"]] == ["retry", "discard"]


async def test_a_record_is_given_up_until_it_is_told_otherwise(trading: House) -> None:
    told = await record(trading)
    path = f"/quarantine/{told['id']}/discard"
    assert (await trading.ask("POST", path, {"reason": "a test"}))[0] == 200
    assert (await trading.get("/quarantine"))["items"] == []
    assert (await trading.get("/accounts/market"))["quarantined"] == 0
    assert (await trading.ask("POST", path, {"reason": "again"}))[0] == 404
    assert (await seen_again(trading)) == []
    back = await record(trading, RAW.replace(b"12.00", b"13.00"))
    assert back["id"] == told["id"]


async def test_a_record_that_landed_meanwhile_cannot_be_given_up(trading: House) -> None:
    """Nothing is written down as done that was not."""
    told = await record(trading)
    known = await quarantine.get(trading.database.reader, told["id"])
    assert known is not None
    await trading.database.write(
        lambda tx: quarantine.clear(tx, known.account, model.Kind.ORDER, [known.external_id])
    )
    with pytest.raises(NotPossible, match="waits no more"):
        await trading.hub.delivery_actions.give_up(known, "a test", "jan")
    items = (await trading.get("/events", limit=500))["items"]
    assert not [one for one in items if one["kind"] == "record.discarded"]


async def test_a_record_of_a_kind_that_nobody_asks_for_is_named_by_it(trading: House) -> None:
    """Beside the order of its number, which is asked for; this one is not."""
    await record(trading)
    product = quarantine.QuarantineDraft(kind="product", external_id="Z9", reason="it has no name", raw=RAW)
    now = trading.hub.clock.now()
    await trading.database.write(lambda tx: quarantine.put(tx, "market", "products", [product], now))
    told, other = (await trading.get("/quarantine"))["items"]
    assert [(one["kind"], one["external_id"]) for one in (told, other)] == [("product", "Z9"), ("order", "Z9")]
    retry = next(one for one in told["actions"] if one["name"] == "retry")
    assert (retry["possible"], retry["why_not"]) == (False, "nothing here asks for a record of the kind product")
    assert (await trading.ask("POST", f"/quarantine/{told['id']}/retry"))[0] == 409
    assert (await trading.ask("POST", f"/quarantine/{told['id']}/discard", {"reason": "a test"}))[0] == 200
    assert [one["kind"] for one in (await trading.get("/quarantine"))["items"]] == ["order"]


async def test_a_record_is_read_again_at_its_source(trading: House) -> None:
    """It lands when it is right now; a record of an order that is gone there leaves the quarantine, too."""
    (sold,) = await trading.sell()
    for external_id in (sold, "11111111-1111-1111-1111-111111111111"):
        told = await record(trading, external_id=external_id)
        assert (await trading.ask("POST", f"/quarantine/{told['id']}/retry"))[0] == 200

    async def empty() -> bool:
        return not (await trading.get("/quarantine"))["items"]

    await trading.until(empty)


async def test_what_went_cannot_be_steered(trading: House) -> None:
    await trading.sell()
    (row,) = (await trading.get("/deliveries", state="confirmed"))["items"]
    assert not any(one["possible"] for one in row["actions"])
    for act, body in (("retry", None), ("release", None), ("accept", None), ("adopt", {"number": "1"})):
        status, problem = await trading.ask("POST", f"/deliveries/{row['id']}/{act}", body)
        assert status == 409
        assert "it is confirmed" in problem["detail"]
    owed = await deliveries.get(trading.database.reader, row["id"])
    assert owed is not None
    assert owed.state is DeliveryState.CONFIRMED


def test_masked_keeps_the_shape() -> None:
    told = msgspec.json.decode(masked(b'{"name": "Jan Nowak", "quantity": 2, "price": "9.99", "at": "2026-01-01"}'))
    assert told == {"name": "***", "quantity": 2, "price": "9.99", "at": "2026-01-01"}
    numbers = msgspec.json.decode(masked(b'{"phone": 48600100200, "to": {"zipCode": 60166, "id": 17}}'))
    assert numbers == {"phone": "***", "to": {"zipCode": "***", "id": 17}}, "private also where it is a number"
    assert masked(b"\xff\x00") == "2 bytes that are no JSON"
