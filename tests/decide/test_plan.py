"""What follows from changes, by the routes."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from olhubd.decide import changes, compare, netting, onesided, plan
from olhubd.decide.planners import PLANNERS
from olhubd.decide.planning import PlanningContext, Transition, plan_all
from olhubd.decide.route import Route, When
from olhubd.model import (
    Action,
    Address,
    Delivery,
    DeliveryId,
    DeliveryState,
    EventId,
    Fulfilment,
    InvoiceParty,
    Order,
    Payment,
    PaymentType,
    Shipment,
    Stage,
    Subject,
)
from tests.orders import EPOCH, line, order, paid, pln


def route(**more: object) -> Route:
    return Route(target="shop", sources=frozenset({"allegro"}), **more)  # type: ignore[arg-type]


def follow(
    account: str,
    after: Order,
    before: Order | None,
    found: Sequence[changes.Change],
    routes: Sequence[Route],
    holders: Collection[str],
    **more: Any,
) -> list[plan.PlannedDelivery]:
    """What all planners plan. `holders` are the targets that have the order or are owed it."""
    step = Transition(subject=Subject.order(1), account=account, before=before, after=after, changes=found, **more)
    return plan_all(step, PlanningContext(routes=routes, holders=holders), PLANNERS)


def first(incoming: Order, *routes: Route) -> list[plan.PlannedDelivery]:
    return follow("allegro", incoming, None, compare.first_seen(incoming), routes or (route(),), ())


def then(held: Order, incoming: Order, *routes: Route, owed: tuple[str, ...] = ()) -> list[plan.PlannedDelivery]:
    return follow("allegro", incoming, held, compare.compare(held, incoming), routes or (route(),), owed)


def actions(planned: list[plan.PlannedDelivery]) -> list[Action]:
    return [item.action for item in planned]


def test_a_confirmed_order_goes_at_once() -> None:
    """FWD-04: with the delivery form, not at a timer, and without a pause."""
    for planned in (first(order()), then(order(stage=Stage.PLACED), order())):
        assert [(item.action, item.delay) for item in planned] == [(Action.PUSH_ORDER, 0.0)]


def test_an_unconfirmed_order_never_goes() -> None:
    """FWD-05."""
    assert first(order(stage=Stage.PLACED, payment=paid("15.00"))) == []


@pytest.mark.parametrize("more", [{"stage": Stage.CANCELLED}, {"fulfilment": Fulfilment.CANCELLED}])
def test_a_cancelled_order_never_goes(more: dict[str, Any]) -> None:
    assert first(order(**more)) == []


def test_an_order_shipped_by_the_marketplace_never_goes() -> None:
    assert first(order(fulfilled_by_marketplace=True)) == []


def test_each_account_has_a_hold_window_of_its_own() -> None:
    """Buyers of one marketplace may cancel for five minutes, those of another for an hour."""
    slow = Route(target="shop", sources=frozenset({"other"}), hold_seconds=3600)
    (item,) = first(order(), route(hold_seconds=300), slow)
    assert item.delay == 300
    (item,) = follow("other", order(), None, compare.first_seen(order()), (route(hold_seconds=300), slow), ())
    assert item.delay == 3600


def test_forwarding_switched_on_leaves_the_past_alone() -> None:
    """FWD-27: only those confirmed afterwards go."""
    assert then(order(), order(buyer_note="late note")) == []


def test_when_paid_waits_for_the_money_but_not_for_cash_on_delivery() -> None:
    """IMP-13, IMP-14."""
    only_paid = route(when=When.PAID)
    assert first(order(), only_paid) == []
    assert actions(then(order(), order(payment=paid("15.00")), only_paid)) == [Action.PUSH_ORDER]
    cod = Payment(type=PaymentType.CASH_ON_DELIVERY, finished_at=order().placed_at)
    assert actions(first(order(payment=cod), only_paid)) == [Action.PUSH_ORDER]


def test_switched_off_nothing_goes() -> None:
    """Part of FWD-01."""
    assert first(order(), route(forward=False)) == []


def test_other_accounts_do_not_go() -> None:
    """Part of FWD-02."""
    assert follow("other", order(), None, compare.first_seen(order()), [route()], ()) == []


def test_a_cancellation_follows_the_order() -> None:
    planned = then(order(), order(stage=Stage.CANCELLED), owed=("shop",))
    assert actions(planned) == [Action.CANCEL_ORDER]


def test_a_payment_follows_the_order_and_cash_does_not() -> None:
    """SYN-08."""
    assert actions(then(order(), order(payment=paid("15.00")), owed=("shop",))) == [Action.SET_PAYMENT]
    assert then(order(), order(payment=paid("15.00")), route(sync_payment=False), owed=("shop",)) == []


def test_only_three_things_are_kept_in_step() -> None:
    """Part of SYN-14: a note is not sent after the order."""
    assert then(order(), order(buyer_note="x"), owed=("shop",)) == []


def test_a_parcel_of_the_source_goes_to_the_shop_where_the_route_wants_it() -> None:
    """SYN-09, SYN-10."""
    parcel = Shipment(carrier="DPD", waybill="0034")
    sent = then(order(), order(shipments=(parcel,)), owed=("shop",))
    assert [(d.target, d.action, d.payload) for d in sent] == [("shop", Action.ADD_SHIPMENT, parcel)]
    assert then(order(), order(shipments=(parcel,)), route(sync_shipments=False), owed=("shop",)) == []


def test_whatever_else_changes_calls_nobody() -> None:
    """SYN-14: each other part of an order; the most that follows is a question to a person."""
    was = order()
    assert was.invoice is None
    others: list[dict[str, Any]] = [
        {"buyer_note": "x"},
        {
            "invoice": InvoiceParty(
                address=Address(company="Firma", street="Krucza 5", city="Warszawa", country="PL")
            )
        },
        {"shipping": msgspec.structs.replace(was.shipping, address=Address(street="Nowa 9", city="Gdynia"))},
        {"lines": (line("A-1", quantity=3),)},
        {"buyer": msgspec.structs.replace(was.buyer, email="other@example.test")},
    ]
    for more in others:
        assert set(actions(then(was, order(**more), owed=("shop",)))) <= {Action.AMEND_ORDER}, more


def test_other_changes_after_forwarding_are_for_a_person() -> None:
    """Part of FWD-26: lines and addresses are not sent after the order, yet not passed over in silence either."""
    planned = then(order(), order(lines=(line("A-1", quantity=3),)), owed=("shop",))
    assert actions(planned) == [Action.AMEND_ORDER]
    assert then(order(), order(lines=(line("A-1", quantity=3),))) == []


def test_only_mapped_statuses_cause_an_update() -> None:
    """SYN-01, SYN-02."""
    mapped = route(statuses={"sent": "completed"})
    sent = then(order(), order(fulfilment=Fulfilment.SENT), mapped, owed=("shop",))
    assert [(d.action, d.payload) for d in sent] == [(Action.SET_STATUS, plan.StatusPayload("completed"))]
    assert then(order(), order(fulfilment=Fulfilment.READY), mapped, owed=("shop",)) == []


def test_the_targets_progress_goes_back_by_the_table() -> None:
    """SYN-16, SYN-17: several words of the shop may mean one of the marketplace."""
    back = route(status_back={"completed": "SENT", "shipped": "SENT"})
    for word in ("completed", "shipped"):
        change = changes.CopyStatusChanged(target="shop", old="processing", new=word)
        (item,) = follow("allegro", order(), order(), [change], [back], {"shop"})
        assert (item.target, item.action, item.payload) == (
            "allegro",
            Action.SET_STATUS,
            plan.StatusPayload("SENT"),
        )
    unmapped = changes.CopyStatusChanged(target="shop", old="processing", new="on-hold")
    assert follow("allegro", order(), order(), [unmapped], [back], {"shop"}) == []


def status(number: int, target: str, state: DeliveryState, reason: str | None = None) -> Delivery:
    return Delivery(
        id=DeliveryId(number),
        subject=Subject.order(1),
        target=target,
        action=Action.SET_STATUS,
        key=str(number),
        state=state,
        event_id=EventId(1),
        created_at=EPOCH,
        due_at=EPOCH,
        reason=reason,
    )


def test_a_status_dropped_for_a_cancellation_is_owed_again_with_its_order() -> None:
    """The newest word of each target, unless that was dropped for another reason or a newer one is owed."""
    dropped, reopened = DeliveryState.DROPPED, changes.Reopened(external_stage="READY")
    known = [
        status(1, "shop", dropped, plan.CALLED_OFF),
        status(2, "shop", dropped, plan.CALLED_OFF),
        status(3, "allegro", dropped, plan.CALLED_OFF),
        status(4, "allegro", DeliveryState.CONFIRMED),
        status(5, "other", dropped, plan.TAKEN_OVER),
        status(6, "second", dropped, plan.CALLED_OFF),
    ]
    owed = [d.id for d in plan.owed_again([reopened], (), known)]
    assert owed == [2, 6]
    assert [d.id for d in plan.owed_again([reopened], [plan.status_at("shop", "new", 0)], known)] == [6]
    assert plan.owed_again([changes.NoteChanged(removed=False)], (), known) == []
    assert plan.owed_again([reopened, changes.Superseded(by="B")], (), known) == []


def test_parcels_of_the_target_go_back() -> None:
    change = changes.CopyShipped(target="shop", carrier="INPOST", waybill="63 0")
    (item,) = follow("allegro", order(), order(), [change], [route()], {"shop"})
    assert (item.target, item.action, item.key) == ("allegro", Action.ADD_SHIPMENT, "INPOST/630")


def test_paid_and_cash_rules_win_over_the_general_status() -> None:
    """IMP-24, and the manual says so. Part of IMP-21 to IMP-23: the rule."""
    statuses = {"new": "pending", "paid": "processing", "cod": "on-hold"}
    cod = Payment(type=PaymentType.CASH_ON_DELIVERY, paid=pln(0))
    assert plan.creation_status(order(), statuses) == "pending"
    assert plan.creation_status(order(payment=paid("15.00")), statuses) == "processing"
    assert plan.creation_status(order(payment=cod), statuses) == "on-hold"
    assert plan.creation_status(order(payment=cod), {"new": "pending", "paid": "processing"}) == "pending"
    manual = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert "of which `cod` and then `paid` win over `new`" in manual


def test_an_order_cancelled_and_refunded_in_one_record_is_owed_its_cancellation_alone() -> None:
    held = order(payment=paid("15.00"))
    off = order(stage=Stage.CANCELLED, payment=paid("0.00"), lines=(line("A-1", quantity=2),))
    assert [item.action for item in then(held, off, owed=("shop",))] == [Action.CANCEL_ORDER]


def test_a_refund_of_an_order_that_is_off_is_owed_to_no_target() -> None:
    held, refunded = (order(stage=Stage.CANCELLED, payment=paid(amount)) for amount in ("15.00", "0.00"))
    assert then(held, refunded, owed=("shop",)) == []


def test_who_no_longer_is_owed_an_order_does_not_hold_it() -> None:
    """What a person gave up as little as what was refused."""
    over = {DeliveryState.DROPPED, DeliveryState.DEAD, DeliveryState.DISCARDED}
    for state in DeliveryState:
        push = msgspec.structs.replace(status(1, "shop", state), action=Action.PUSH_ORDER)
        assert netting.holders([push]) == (frozenset() if state in over else {"shop"}), state


@pytest.mark.parametrize("state", [DeliveryState.DEAD, DeliveryState.HOLD])
@pytest.mark.parametrize("action", [Action.SET_STATUS, Action.SET_PAYMENT])
def test_what_is_refused_of_an_order_that_is_off_is_no_matter(action: Action, state: DeliveryState) -> None:
    one = Delivery(
        id=DeliveryId(1), subject=Subject.order(1), target="shop", action=action, key="", state=state,
        event_id=EventId(1), created_at=EPOCH, due_at=EPOCH, payload=msgspec.Raw(b"{}"),
    )  # fmt: skip
    assert plan.refused(one)


def test_a_parcel_goes_before_the_status_that_tells_of_it() -> None:
    found = [
        changes.CopyStatusChanged(target="shop", old="processing", new="completed"),
        changes.CopyShipped(target="shop", carrier="DPD", waybill="1"),
    ]
    back = route(status_back={"completed": "SENT"})
    items = follow("allegro", order(), order(), found, [back], ("shop",))
    assert [item.action for item in items] == [Action.ADD_SHIPMENT, Action.SET_STATUS]


def test_an_order_that_is_off_is_sought_only_where_nobody_owes_it() -> None:
    """A target that has it, or is owed it, gets its cancellation; it is not to be asked for it once more."""
    found = [changes.Superseded(by="B")]
    stands = follow("allegro", order(), order(), found, [route()], ("shop",), doubted=True)
    assert [item.action for item in stands] == [Action.CANCEL_ORDER]
    assert follow("allegro", order(), order(), found, [route()], ()) == [], "nobody can have it"
    (item,) = follow("allegro", order(), order(), found, [route(), route()], (), doubted=True)
    assert (item.target, item.action) == ("shop", Action.PUSH_ORDER)


def test_what_the_marketplace_ships_itself_is_sought_nowhere() -> None:
    own = order(fulfilled_by_marketplace=True)
    assert follow("allegro", own, own, [changes.Superseded(by="B")], [route()], (), doubted=True) == []


def test_a_copy_that_is_alive_is_asked_about_only_where_the_hub_had_cancelled_it() -> None:
    """A cancellation that a person gave up was their choice."""
    off = order(stage=Stage.CANCELLED)
    for state in DeliveryState:
        cancel = msgspec.structs.replace(status(1, "shop", state), action=Action.CANCEL_ORDER)
        asked = onesided.find(order(), off, "shop", [cancel], off=True, there=False)
        assert (asked is not None) == (state is DeliveryState.CONFIRMED), state
