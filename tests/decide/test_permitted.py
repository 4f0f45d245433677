"""What a person may do with a delivery or an order as it stands, and what is said of the rest."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from olhubd.decide.permitted import STATUSES, OperatorAction, OrderSituation, of_delivery, of_order, statuses
from olhubd.decide.route import Route
from olhubd.model import (
    Action,
    Delivery,
    DeliveryId,
    DeliveryState,
    EventId,
    Fulfilment,
    Order,
    Stage,
    Subject,
    code_of,
)
from tests.orders import EPOCH, order

RETRY, RELEASE, ADOPT, ACCEPT, DISCARD = (
    OperatorAction.RETRY,
    OperatorAction.RELEASE,
    OperatorAction.ADOPT,
    OperatorAction.ACCEPT,
    OperatorAction.DISCARD,
)
LATER = EPOCH + timedelta(seconds=1)


def push(state: DeliveryState, number: int = 1, **more: Any) -> Delivery:
    fields: dict[str, Any] = {
        "id": DeliveryId(number),
        "subject": Subject.order(1),
        "target": "shop",
        "action": Action.PUSH_ORDER,
        "key": "",
        "state": state,
        "event_id": EventId(1),
        "created_at": EPOCH,
        "due_at": EPOCH,
        **more,
    }
    return Delivery(**fields)


def may(delivery: Delivery, numbered: bool = True) -> tuple[set[OperatorAction], dict[OperatorAction, str | None]]:
    """What is possible, and why the rest is not."""
    choices = of_delivery(delivery, EPOCH, numbered)
    assert all(one.possible is (one.why_not is None) for one in choices)
    return (
        {one.name for one in choices if one.possible},
        {one.name: code_of(one.why_not) for one in choices if not one.possible},
    )


@pytest.mark.parametrize(
    ("delivery", "possible"),
    [
        (push(DeliveryState.PENDING), set()),
        (push(DeliveryState.PENDING, due_at=LATER), {RELEASE, ADOPT, DISCARD}),
        (push(DeliveryState.SENT), set()),
        (push(DeliveryState.RETRY), {RETRY, ADOPT, DISCARD}),
        (push(DeliveryState.RETRY, external_id="77"), {RETRY, ADOPT, ACCEPT, DISCARD}),
        (push(DeliveryState.HOLD), {RETRY, RELEASE, ADOPT, DISCARD}),
        (push(DeliveryState.HOLD, external_id="77"), {RETRY, RELEASE, ADOPT, ACCEPT, DISCARD}),
        (push(DeliveryState.HOLD, action=Action.SET_STATUS), {RETRY, RELEASE, DISCARD}),
        (push(DeliveryState.DEAD), {RETRY, ADOPT, DISCARD}),
        (push(DeliveryState.DISCARDED), {RETRY, ADOPT}),
        (push(DeliveryState.CONFIRMED, external_id="77"), set()),
        (push(DeliveryState.DROPPED), set()),
        (push(DeliveryState.DROPPED, due_at=LATER), set()),
        (push(DeliveryState.CONFIRMED, due_at=LATER, external_id="77"), set()),
        (push(DeliveryState.SENT, due_at=LATER), set()),
    ],
)
def test_what_a_person_may_do_with_a_delivery(delivery: Delivery, possible: set[OperatorAction]) -> None:
    """What is under way or done is in nobody's hands: a second try of it could make a second order."""
    assert may(delivery)[0] == possible


@pytest.mark.parametrize(
    ("delivery", "numbered", "name", "why"),
    [
        (push(DeliveryState.PENDING), True, RETRY, "choice.goes"),
        (push(DeliveryState.PENDING, due_at=LATER), True, RETRY, "choice.goes"),
        (push(DeliveryState.SENT), True, DISCARD, "choice.under-way"),
        (push(DeliveryState.SENT), True, RELEASE, "choice.not-held"),
        (push(DeliveryState.RETRY), True, RELEASE, "choice.not-held"),
        (push(DeliveryState.DEAD), True, RELEASE, "choice.not-held"),
        (push(DeliveryState.CONFIRMED), True, RETRY, "choice.confirmed"),
        (push(DeliveryState.CONFIRMED), True, RELEASE, "choice.confirmed"),
        (push(DeliveryState.CONFIRMED), True, ADOPT, "choice.confirmed"),
        (push(DeliveryState.CONFIRMED), True, ACCEPT, "choice.confirmed"),
        (push(DeliveryState.DROPPED), True, DISCARD, "choice.dropped"),
        (push(DeliveryState.DISCARDED), True, DISCARD, "choice.discarded"),
        (push(DeliveryState.HOLD), True, ACCEPT, "choice.nothing-there"),
        (push(DeliveryState.HOLD), False, ADOPT, "choice.not-numbered"),
        (push(DeliveryState.HOLD, action=Action.SET_STATUS), False, ADOPT, "choice.only-orders"),
    ],
)
def test_what_a_person_may_not_do_says_why(
    delivery: Delivery, numbered: bool, name: OperatorAction, why: str
) -> None:
    assert may(delivery, numbered)[1][name] == why


ROUTES = (
    Route(target="shop", sources=frozenset({"allegro"})),
    Route(target="depot", sources=frozenset({"allegro"})),
)


def situation(known: Order, *deliveries: Delivery, **more: Any) -> OrderSituation:
    fields = {"superseded": False, "routes": ROUTES[:1], **more}
    return OrderSituation(account="allegro", order=known, deliveries=deliveries, **fields)


def why(standing: OrderSituation, name: OperatorAction, target: str | None = None) -> str | None:
    (one,) = [one for one in of_order(standing, EPOCH) if one.name is name and one.target == target]
    return code_of(one.why_not)


@pytest.mark.parametrize(
    ("standing", "expected"),
    [
        (situation(order("A")), None),
        (situation(order("A", fulfilled_by_marketplace=True)), "choice.marketplace-ships"),
        (situation(order("A", stage=Stage.PLACED)), "choice.unfinished"),
        (situation(order("A", stage=Stage.CANCELLED)), "order.cancelled"),
        (situation(order("A"), superseded=True), "order.taken-over"),
        (situation(order("A"), push(DeliveryState.CONFIRMED, external_id="77")), "choice.there-already"),
        (situation(order("A"), push(DeliveryState.HOLD)), "choice.held"),
        (situation(order("A"), push(DeliveryState.PENDING)), "choice.owed"),
        (situation(order("A"), push(DeliveryState.PENDING, due_at=LATER)), None),
        (situation(order("A"), push(DeliveryState.SENT)), "choice.sent"),
        (situation(order("A"), push(DeliveryState.RETRY)), "choice.sent"),
        (situation(order("A"), push(DeliveryState.DEAD)), None),
        (situation(order("A"), push(DeliveryState.DISCARDED)), None),
        (situation(order("A"), push(DeliveryState.DROPPED)), None),
        (situation(order("A"), push(DeliveryState.CONFIRMED), push(DeliveryState.DEAD, 2)), None),
        (situation(order("A"), push(DeliveryState.CONFIRMED, target="depot")), None),
        (situation(order("A"), push(DeliveryState.CONFIRMED, action=Action.SET_STATUS)), None),
    ],
)
def test_an_order_is_forwarded_by_hand_only_where_it_cannot_become_two(
    standing: OrderSituation, expected: str | None
) -> None:
    assert why(standing, OperatorAction.FORWARD, "shop") == expected


def test_each_target_of_a_route_is_a_choice_of_its_own() -> None:
    standing = situation(order("A"), push(DeliveryState.CONFIRMED, external_id="77"), routes=ROUTES)
    assert why(standing, OperatorAction.FORWARD, "shop") == "choice.there-already"
    assert why(standing, OperatorAction.FORWARD, "depot") is None


@pytest.mark.parametrize(
    ("standing", "expected"),
    [
        (situation(order("A")), None),
        (situation(order("A"), push(DeliveryState.PENDING)), None),
        (situation(order("A"), push(DeliveryState.CONFIRMED)), None),
        (situation(order("A"), push(DeliveryState.HOLD, external_id="77")), None),
        (situation(order("A"), push(DeliveryState.SENT)), "choice.on-its-way"),
        (situation(order("A"), push(DeliveryState.RETRY, sent_at=EPOCH)), "choice.on-its-way"),
        (situation(order("A"), push(DeliveryState.DISCARDED, sent_at=EPOCH)), None),
        (situation(order("A", stage=Stage.CANCELLED)), "order.cancelled"),
        (situation(order("A"), superseded=True), "order.taken-over"),
    ],
)
def test_an_order_is_edited_unless_it_is_just_going(standing: OrderSituation, expected: str | None) -> None:
    """FWD-26: before it has gone the edit goes with it, afterwards it stays here; in between nobody knows which."""
    assert why(standing, OperatorAction.ADDRESS) == expected
    assert why(standing, OperatorAction.EDIT) == expected


def test_an_order_that_is_at_a_target_names_it() -> None:
    assert situation(order("A"), push(DeliveryState.CONFIRMED)).there == {"shop"}
    assert situation(order("A"), push(DeliveryState.HOLD, external_id="77")).there == {"shop"}
    assert situation(order("A"), push(DeliveryState.PENDING)).there == frozenset()


@pytest.mark.parametrize("name", [OperatorAction.STATUS, OperatorAction.SHIP])
def test_of_an_order_that_is_off_only_a_note_is_taken(name: OperatorAction) -> None:
    off = situation(order("A", stage=Stage.CANCELLED))
    assert (why(off, name), why(off, OperatorAction.NOTE)) == ("order.cancelled", None)
    assert why(situation(order("A")), name) is None


def test_a_status_goes_where_a_route_has_a_word_for_it_and_the_order_is() -> None:
    told = msgspec.structs.replace(ROUTES[0], statuses={"sent": "completed", "new": "processing"})
    silent = msgspec.structs.replace(told, target="depot", sync_status=False)
    there = (push(DeliveryState.CONFIRMED), push(DeliveryState.CONFIRMED, target="depot"))
    own = {Fulfilment.READY: "READY_FOR_SHIPMENT", Fulfilment.SENT: "SENT"}
    found = statuses(situation(order("A"), *there, routes=(told, silent), own=own))
    assert found == {
        **{word: {} for word in STATUSES},
        Fulfilment.READY: {"allegro": "READY_FOR_SHIPMENT"},
        Fulfilment.SENT: {"shop": "completed", "allegro": "SENT"},
    }
    assert statuses(situation(order("A"), routes=(told,)))[Fulfilment.SENT] == {}
