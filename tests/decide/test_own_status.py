"""The seller's own statuses: which one an order gets first, which later, and where it goes."""

from __future__ import annotations

import msgspec
import pytest

from olhubd.decide import changes
from olhubd.decide.own_status import (
    FirstStatuses,
    OrderFrom,
    OwnStatus,
    OwnStatuses,
    first_status,
    goes_to,
    next_status,
    plan_status,
)
from olhubd.decide.planners.own_status import TellStatus
from olhubd.decide.planning import PlanningContext, Transition
from olhubd.decide.route import Route
from olhubd.model import Fulfilment, Order, Payment, PaymentType, Stage, Subject
from tests.orders import order, paid

LIST = (
    OwnStatus(name="fresh", title="Fresh"),
    OwnStatus(name="cash", title="Cash"),
    OwnStatus(name="ready", title="Paid", sends={"shop": "processing", "market": "PROCESSING"}),
    OwnStatus(name="packed", title="Packed", sends={"shop": "processing"}, follows={"shop": ("completed", "done")}),
)
RULE = FirstStatuses(general="fresh", cod="cash", paid="ready")
OWN = OwnStatuses(items=LIST, first={"market": RULE})
ROUTES = [Route(target="shop", sources=frozenset({"market"}))]
CASH = Payment(type=PaymentType.CASH_ON_DELIVERY, external_type="CASH_ON_DELIVERY")


def having(**rule: object) -> OwnStatuses:
    return OwnStatuses(items=LIST, first={"market": msgspec.structs.replace(RULE, **rule)})


@pytest.mark.parametrize(
    ("one", "name"),
    [(order(), "fresh"), (order(payment=CASH), "cash"), (order(payment=paid("15.00")), "ready")],
    ids=["general", "cash", "paid"],
)
def test_cash_and_payment_win_over_the_general_status(one: Order, name: str) -> None:
    """IMP-21, IMP-22, IMP-23, IMP-24: the hub's own status, in the order that the manual tells."""
    assert first_status("market", one, OWN) == name
    assert first_status("market", one, having(cod=None, paid=None)) == "fresh"
    assert first_status("other", one, OWN) is None


def test_a_name_that_is_not_in_the_list_is_no_status() -> None:
    assert first_status("market", order(payment=paid("15.00")), having(paid="lost")) == "fresh"
    assert first_status("market", order(), having(general="lost")) is None


@pytest.mark.parametrize(
    ("order_from", "given"),
    [
        (OrderFrom.SOLD, ["fresh", "fresh", "ready", "cash"]),
        (OrderFrom.CONFIRMED, [None, "fresh", "ready", "cash"]),
        (OrderFrom.PAID, [None, None, "ready", "cash"]),
    ],
)
def test_from_when_on_a_sale_has_a_status(order_from: OrderFrom, given: list[str | None]) -> None:
    sales = [order(stage=Stage.PLACED), order(), order(payment=paid("15.00")), order(payment=CASH)]
    own = having(order_from=order_from)
    assert [first_status("market", one, own) for one in sales] == given


def test_a_payment_found_later_moves_it_off_its_first_status_and_no_other() -> None:
    """SRC-07, and what a person said stays."""
    before, after = order(), order(payment=paid("15.00"))
    assert next_status("market", before, after, "fresh", OWN) == "ready"
    assert next_status("market", before, after, "packed", OWN) == "packed"
    assert next_status("market", before, order(stage=Stage.CANCELLED), "fresh", OWN) == "fresh"


def test_the_side_that_leads_decides_and_the_other_follows() -> None:
    """Part of SRC-06 and SYN-05: the hub's own list follows an account's words only where that leads."""
    led = OwnStatuses(items=LIST, first=OWN.first, leading=frozenset({"shop"}))
    assert (OWN.word("packed", "shop"), OWN.by_word("shop", "completed")) == ("processing", None)
    assert (led.word("packed", "shop"), led.by_word("shop", "completed")) == (None, "packed")
    assert led.by_word("shop", "pending") is None


def test_a_source_that_leads_gives_the_status_as_often_as_its_word_changes() -> None:
    """Where nothing is new there, what a person said stands."""
    shop = msgspec.structs.replace(LIST[3], follows={"market": ("SENT",)})
    led = OwnStatuses(items=(LIST[0], shop), leading=frozenset({"market"}))
    new = order(external_fulfilment="NEW")
    sent = order(external_fulfilment="SENT", fulfilment=Fulfilment.SENT)
    assert next_status("market", None, sent, None, led) == "packed"
    assert next_status("market", new, sent, "fresh", led) == "packed"
    assert next_status("market", sent, msgspec.structs.replace(sent, number="7"), "fresh", led) == "fresh"


def test_several_statuses_are_one_word_and_one_is_one_word_at_most() -> None:
    """SYN-01, SYN-02, SYN-16, SYN-17, SYN-18: by the table of each account; without a word nothing goes."""
    holders = {"shop"}
    assert goes_to("market", "ready", ROUTES, holders, OWN) == {"market": "PROCESSING", "shop": "processing"}
    assert goes_to("market", "packed", ROUTES, holders, OWN) == {"shop": "processing"}
    assert goes_to("market", "fresh", ROUTES, holders, OWN) == {}
    assert goes_to("market", "ready", ROUTES, (), OWN) == {"market": "PROCESSING"}, "the shop has it not yet"
    quiet = [msgspec.structs.replace(ROUTES[0], sync_status=False)]
    assert goes_to("market", "packed", quiet, holders, OWN) == {}


def test_nothing_goes_for_an_order_that_is_off_or_where_the_source_says_it_already() -> None:
    def sent(one: Order) -> list[str]:
        return [item.target for item in plan_status("market", one, "ready", ROUTES, {"shop"}, OWN)]

    assert sent(order()) == ["market", "shop"]
    assert sent(order(external_fulfilment="PROCESSING")) == ["shop"]
    assert sent(order(stage=Stage.CANCELLED)) == []


def test_an_order_that_was_put_together_with_another_tells_its_status_to_nobody() -> None:
    step: Transition[Order] = Transition(
        subject=Subject.order(1),
        account="market",
        before=order("A"),
        after=order("A"),
        changes=[changes.OwnStatusChanged(old=None, new="ready")],
        own_status="ready",
    )
    context = PlanningContext(routes=ROUTES, holders={"shop"}, statuses=OWN)
    assert [one.target for one in TellStatus().plan(step, context, ())] == ["market", "shop"]
    gone = msgspec.structs.replace(step, changes=[*step.changes, changes.Superseded(by="B")])
    assert list(TellStatus().plan(gone, context, ())) == []
