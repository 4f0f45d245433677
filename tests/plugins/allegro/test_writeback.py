"""Statuses and parcels back to Allegro, each once."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from olhubd.model import Fulfilment, Shipment
from olhubd.plugin import Conflict, NotFound, OutcomeUnknown, Rejected, Unavailable
from olhubd_allegro import Allegro, wire
from olhubd_allegro.parcel import choose
from olhubd_allegro.status import due
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.simulator import serve
from olhubd_kit.simulators.allegro import AllegroSimulator
from olhubd_kit.test_host import InstantClock, account

WAY = ("NEW", "PROCESSING", "READY_FOR_SHIPMENT", "READY_FOR_PICKUP", "SENT", "PICKED_UP")


def state(current: str, status: str = "READY_FOR_PROCESSING", provider: str = "SELLER") -> wire.FormState:
    fulfillment = wire.Fulfillment(status=current, provider=wire.Ref(id=provider))
    return wire.FormState(id="1", status=status, fulfillment=fulfillment, revision="1")


@pytest.mark.parametrize(("current", "target"), [*itertools.product(WAY, WAY)])
def test_never_a_step_back(current: str, target: str) -> None:
    assert due(state(current), target) is (WAY.index(target) > WAY.index(current))


def test_side_ways() -> None:
    assert due(state("PROCESSING"), "SUSPENDED")
    assert due(state("SUSPENDED"), "PROCESSING")
    assert not due(state("SENT"), "SUSPENDED")
    assert due(state("PROCESSING"), "CANCELLED")
    assert not due(state("CANCELLED"), "CANCELLED")
    assert not due(state("NEW", status="CANCELLED"), "CANCELLED")
    assert not due(state("RETURNED"), "SENT")
    assert due(wire.FormState(id="1", status="READY_FOR_PROCESSING"), "PROCESSING")


@pytest.mark.parametrize(
    ("form", "target"),
    [
        (state("NEW", status="CANCELLED"), "PROCESSING"),
        (state("CANCELLED"), "SENT"),
        (state("SENT"), "CANCELLED"),
        (state("WHO_KNOWS"), "SENT"),
        (state("NEW", provider="ALLEGRO"), "SENT"),
    ],
)
def test_where_nobody_may_go(form: wire.FormState, target: str) -> None:
    with pytest.raises(Conflict):
        due(form, target)


@pytest.mark.parametrize("word", ["RETURNED", "sent", "Wysłane"])
def test_words_that_cannot_be_written(word: str) -> None:
    with pytest.raises(Rejected):
        due(state("NEW"), word)


async def test_every_word_of_ours_is_one_of_the_list(allegro: Allegro) -> None:
    """Part of SYN-18: at most one word each."""
    codes = {status.code for status in await allegro.statuses()}
    words = {one: allegro.status_for(one) for one in Fulfilment}
    assert {word for word in words.values() if word is not None} <= codes
    assert [one for one, word in words.items() if word is None] == [Fulfilment.RETURNED, Fulfilment.UNKNOWN]


async def test_a_status_is_written_once(simulator: AllegroSimulator, allegro: Allegro) -> None:
    """Writing the same again and again would use up Allegro's limit per order."""
    (form,) = simulator.ledger.buy(1)
    for _ in range(15):
        await allegro.set_status(form, "PROCESSING")
    await allegro.set_status(form, "NEW")
    assert simulator.ledger.purchases[form].writes == {"PROCESSING": 1}


async def test_a_status_that_is_not_there_afterwards_is_not_known(
    simulator: AllegroSimulator, allegro: Allegro
) -> None:
    """The answer is empty and so proves nothing."""
    (form,) = simulator.ledger.buy(1)
    simulator.faults.add(Fault(kind=FaultKind.ERROR, match="PUT .*/fulfillment$", status=204, body=""))
    with pytest.raises(OutcomeUnknown, match="does not show it"):
        await allegro.set_status(form, "PROCESSING")
    await allegro.set_status(form, "PROCESSING")
    assert simulator.ledger.purchases[form].writes == {"PROCESSING": 1}


async def test_a_lost_answer_is_looked_up_by_asking_again(simulator: AllegroSimulator, allegro: Allegro) -> None:
    (form,) = simulator.ledger.buy(1)
    simulator.faults.add(Fault(kind=FaultKind.LOSE, match="PUT .*/fulfillment$"))
    with pytest.raises(OutcomeUnknown):
        await allegro.set_status(form, "SENT")
    await allegro.set_status(form, "SENT")
    assert simulator.ledger.purchases[form].writes == {"SENT": 1}


@pytest.mark.parametrize("moves", [1, 2])
async def test_a_form_that_moved_is_read_and_judged_once_more(
    simulator: AllegroSimulator, allegro: Allegro, moves: int
) -> None:
    (form,) = simulator.ledger.buy(1)
    purchase = simulator.ledger.purchases[form]
    find, left = simulator.ledger.find, [2 * moves]

    def restless(form_id: str) -> object:
        """The buyer changes the address between each reading and the writing after it."""
        left[0] -= 1
        if left[0] >= 0 and left[0] % 2 == 0:
            simulator.ledger.find = find  # type: ignore[method-assign]
            simulator.ledger.change_address(form)
            simulator.ledger.find = restless  # type: ignore[assignment, method-assign]
        return find(form_id)

    simulator.ledger.find = restless  # type: ignore[assignment, method-assign]
    if moves == 1:
        await allegro.set_status(form, "PROCESSING")
    else:
        with pytest.raises(Conflict, match="keeps changing"):
            await allegro.set_status(form, "PROCESSING")
    assert purchase.seller_status == ("PROCESSING" if moves == 1 else "NEW")


async def test_a_purchase_cancelled_meanwhile_is_not_marked(simulator: AllegroSimulator, allegro: Allegro) -> None:
    """The second reading, after 409, decides anew."""
    (form,) = simulator.ledger.buy(1)
    purchase = simulator.ledger.purchases[form]
    find, reads = simulator.ledger.find, [0]

    def late(form_id: str) -> object:
        reads[0] += 1
        if reads[0] == 2:
            simulator.ledger.find = find  # type: ignore[method-assign]
            simulator.ledger.cancel(form)
        return find(form_id)

    simulator.ledger.find = late  # type: ignore[assignment, method-assign]
    with pytest.raises(Conflict):
        await allegro.set_status(form, "SENT")
    assert (purchase.status, purchase.seller_status) == ("CANCELLED", "NEW")


async def test_an_order_that_is_not_there(allegro: Allegro) -> None:
    missing = "00000000-0000-4000-8000-000000000000"
    with pytest.raises(NotFound):
        await allegro.set_status(missing, "SENT")
    with pytest.raises(NotFound):
        await allegro.add_shipment(missing, Shipment(waybill="1", carrier="DPD"))


async def test_a_parcel_whose_answer_was_lost_is_found_there(simulator: AllegroSimulator, allegro: Allegro) -> None:
    """SYN-19: repeated without duplicates."""
    (form,) = simulator.ledger.buy(1)
    parcel = Shipment(waybill="0000242357947U", carrier="DPD")
    simulator.faults.add(Fault(kind=FaultKind.ERROR_AFTER, match="POST .*/shipments$"))
    with pytest.raises(OutcomeUnknown):
        await allegro.add_shipment(form, parcel)
    await allegro.add_shipment(form, parcel)
    (entry,) = simulator.books()
    assert entry.shipments == ["0000242357947U"]


async def test_a_parcel_that_came_there_between_two_looks_is_attached(
    simulator: AllegroSimulator, allegro: Allegro
) -> None:
    """The seller's own program was faster: Allegro's 409 is looked into before a person is bothered."""
    (form,) = simulator.ledger.buy(1)
    body = '{"errors": [{"code": "DUPLICATE", "message": "The waybill is there already"}]}'
    answer: dict[str, Any] = {"status": 409, "body": body, "content_type": "application/vnd.allegro.public.v1+json"}
    simulator.faults.add(Fault(kind=FaultKind.ERROR_AFTER, match="POST .*/shipments$", **answer))
    await allegro.add_shipment(form, Shipment(waybill="0000242357947U", carrier="DPD"))
    (entry,) = simulator.books()
    assert entry.shipments == ["0000242357947U"]


async def test_a_conflict_over_a_parcel_that_is_not_there_attaches_nothing(
    simulator: AllegroSimulator, allegro: Allegro
) -> None:
    (form,) = simulator.ledger.buy(1)
    body = '{"errors": [{"code": "CONFLICT", "message": "The order is being changed"}]}'
    answer: dict[str, Any] = {"status": 409, "body": body, "content_type": "application/vnd.allegro.public.v1+json"}
    simulator.faults.add(Fault(kind=FaultKind.ERROR, match="POST .*/shipments$", **answer))
    with pytest.raises(Conflict):
        await allegro.add_shipment(form, Shipment(waybill="0000242357947U", carrier="DPD"))
    (entry,) = simulator.books()
    assert entry.shipments == []


async def test_a_parcel_that_somebody_else_registered_is_the_same(
    simulator: AllegroSimulator, allegro: Allegro
) -> None:
    """By hand under OTHER, by Allegro itself, in lower case: one number of one carrier is one parcel."""
    forms = simulator.ledger.buy(3)
    entries = (
        {"waybill": "ab 12", "carrierId": "OTHER", "carrierName": "InPost"},
        {"waybill": "AB12", "carrierId": "ALLEGRO"},
        {"waybill": "ab12", "carrierId": "INPOST"},
    )
    for form, entry in zip(forms, entries, strict=True):
        simulator.ledger.purchases[form].shipments.append({"lineItems": [], **entry})
        await allegro.add_shipment(form, Shipment(waybill="AB12", carrier="INPOST"))
        assert len(simulator.ledger.purchases[form].shipments) == 1
        await allegro.add_shipment(form, Shipment(waybill="AB13", carrier="INPOST"))
        assert len(simulator.ledger.purchases[form].shipments) == 2


async def test_a_parcel_for_some_lines_and_the_sellers_own_setting(
    simulator: AllegroSimulator, allegro: Allegro
) -> None:
    (form,) = simulator.ledger.buy(1, lines=2)
    simulator.ledger.sent_on_shipment = True
    purchase = simulator.ledger.purchases[form]
    line = purchase.form["lineItems"][0]["id"]

    await allegro.add_shipment(form, Shipment(waybill="1", carrier="GLS", line_ids=(line,)))

    assert purchase.shipments[0]["lineItems"] == [{"id": line}]
    assert purchase.form["fulfillment"]["shipmentSummary"] == {"lineItemsSent": "SOME"}
    assert purchase.seller_status == "SENT"
    with pytest.raises(Rejected) as refused:
        await allegro.add_shipment(form, Shipment(waybill="2", carrier="GLS", line_ids=("strange",)))
    assert refused.value.field == "lineItems"


@pytest.mark.parametrize("waybill", ["", "  ", "1" * 65])
async def test_a_number_that_is_none_is_refused_here(
    simulator: AllegroSimulator, allegro: Allegro, waybill: str
) -> None:
    (form,) = simulator.ledger.buy(1)
    with pytest.raises(Rejected) as refused:
        await allegro.add_shipment(form, Shipment(waybill=waybill, carrier="GLS"))
    assert refused.value.field == "waybill"


def test_carriers_are_found_by_id_then_by_name() -> None:
    known = [wire.Carrier(id=i, name=n) for i, n in (("OTHER", "Inny"), ("ALLEGRO", "Allegro"), ("UPS", "United"))]
    assert choose(known, Shipment(waybill="1", carrier="ups")).id == "UPS"
    assert choose(known, Shipment(waybill="1", carrier="x", carrier_name="United")).id == "UPS"
    other = choose(known, Shipment(waybill="1", carrier="Allegro"))
    assert (other.id, other.name) == ("OTHER", "Allegro")


async def test_the_list_of_carriers_is_kept_for_a_day(simulator: AllegroSimulator) -> None:
    class Walked(InstantClock):
        time = 0.0

        def monotonic(self) -> float:
            return self.time

    clock = Walked()
    (form,) = simulator.ledger.buy(1)
    simulator.faults.add(Fault(kind=FaultKind.SLOW, match="/order/carriers$", times=None, seconds=0))
    async with (
        serve(simulator) as base,
        account(Allegro, simulator.settings(base), token=simulator.token(), clock=clock) as allegro,
    ):
        for hour in range(0, 49, 6):
            clock.time = hour * 3600.0
            await allegro.add_shipment(form, Shipment(waybill=f"{hour}", carrier="UPS"))
    assert simulator.faults.struck == {FaultKind.SLOW: 3}


# Answers that are not Allegro's


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 403},
        {"status": 409},
        {"status": 404, "body": ""},
        {"status": 401, "body": '{"error": "Unauthorized"}', "content_type": "application/json"},
        {"status": 403, "body": '{"errors": [{"message": "blocked"}]}', "content_type": "application/json"},
        {"status": 200},
    ],
    ids=lambda answer: f"{answer['status']}",
)
async def test_a_strangers_answer_to_a_parcel_adds_no_second_one(
    answer: dict[str, Any], simulator: AllegroSimulator, allegro: Allegro
) -> None:
    """It may have come after Allegro had attached it: nothing is sent again, not even by a fresh token."""
    [form] = simulator.ledger.buy(1)
    simulator.faults.add(Fault(kind=FaultKind.ERROR_AFTER, match="POST .*/shipments$", **answer))
    parcel = Shipment(carrier="INPOST", waybill="620111222333444555666777")
    with pytest.raises(OutcomeUnknown):
        await allegro.add_shipment(form, parcel)
    await allegro.add_shipment(form, parcel)
    [entry] = [entry for entry in simulator.books() if entry.external_id == form]
    assert len(entry.shipments) == 1


@pytest.mark.parametrize("status", [200, 401, 403, 404, 406])
async def test_a_strangers_answer_makes_no_order_gone(
    status: int, simulator: AllegroSimulator, allegro: Allegro
) -> None:
    [form] = simulator.ledger.buy(1)
    simulator.faults.add(Fault(kind=FaultKind.ERROR, match=f"GET .*/{form}$", status=status, times=None))
    with pytest.raises(Unavailable, match="a page instead of an answer"):
        await allegro.orders.read_order(form)


async def test_another_forms_state_is_not_taken_for_this_one(simulator: AllegroSimulator, allegro: Allegro) -> None:
    """By the other's state the status would be there already, or not be allowed."""
    form, other = simulator.ledger.buy(2)
    said = {"id": other, "status": "READY_FOR_PROCESSING", "fulfillment": {"status": "SENT"}, "revision": "1"}
    simulator.faults.add(
        Fault(
            kind=FaultKind.ERROR,
            match=f"GET .*/checkout-forms/{form}$",
            status=200,
            body=json.dumps(said),
            content_type="application/json",
        )
    )
    with pytest.raises(Unavailable, match="another order's"):
        await allegro.set_status(form, "SENT")
    await allegro.set_status(form, "SENT")
    assert simulator.ledger.purchases[form].writes == {"SENT": 1}
