"""What planners ask to have loaded, and that one of them is a thing apart."""

from collections.abc import Iterable, Sequence

import msgspec

from olhubd.decide import changes, compare
from olhubd.decide.plan import PlannedDelivery
from olhubd.decide.planners import PLANNERS
from olhubd.decide.planning import NOTHING, Keys, PlanningContext, Plans, Transition, needed, plan_all
from olhubd.decide.route import Route
from olhubd.model import Action, Kind, Order, Subject
from tests.orders import order

ROUTE = Route(target="shop", sources=frozenset({"allegro"}))


def step(before: Order | None, after: Order, *found: changes.Change, number: int = 1) -> Transition[Order]:
    return Transition(subject=Subject.order(number), account="allegro", before=before, after=after, changes=found)


def wanted(*steps: Transition[Order]) -> Keys:
    return needed(steps, PLANNERS)


def test_of_a_new_order_only_its_mark_is_looked_for() -> None:
    keys = wanted(step(None, order(), *compare.first_seen(order())))
    assert keys == Keys(marks=frozenset({f"allegro:{order().external_id}"}))


def test_what_a_copy_tells_costs_no_reading() -> None:
    held = order()
    told = changes.CopyStatusChanged(target="shop", old="processing", new="completed")
    assert wanted(step(held, held, told)) == NOTHING


def test_what_concerns_those_that_have_it_is_planned_by_what_they_have() -> None:
    held = order()
    taken_over = step(held, held, changes.Superseded(by="B"), number=2)
    paid = step(held, msgspec.structs.replace(held, revision="2"), changes.Vanished(), number=3)
    assert wanted(taken_over, paid) == Keys(deliveries=frozenset({Subject.order(2), Subject.order(3)}))


def test_a_planner_sees_what_those_before_it_planned() -> None:
    class Echoing:
        kinds = frozenset({Kind.ORDER})

        def needs(self, batch: Sequence[Transition[Order]]) -> Keys:
            return NOTHING

        def plan(
            self, step: Transition[Order], context: PlanningContext, so_far: Plans
        ) -> Iterable[PlannedDelivery]:
            for item in so_far:
                yield PlannedDelivery(target=item.target, action=Action.SET_STATUS, cause=item.cause)

    new = step(None, order(), *compare.first_seen(order()))
    found = plan_all(new, PlanningContext(routes=[ROUTE]), [*PLANNERS, Echoing()])
    assert [(one.target, one.action) for one in found] == [("shop", Action.PUSH_ORDER), ("shop", Action.SET_STATUS)]


def test_a_target_that_told_of_a_new_order_is_asked_unless_it_is_planned_there() -> None:
    new = step(None, order(), *compare.first_seen(order()))
    found = plan_all(new, PlanningContext(routes=[ROUTE], met={"shop", "other"}), PLANNERS)
    assert [(one.target, one.payload is not None) for one in found] == [("shop", False), ("other", True)]
