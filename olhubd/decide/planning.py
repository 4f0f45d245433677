"""What planners are: the rules by which something follows from what happened to a subject. Pure.

A flow hands over what it decided, as transitions. Each planner names what it must know of them, which is read once
for all of them, and then plans the deliveries of each. What a planner is given stands in the database or comes with
the input, so a replay plans the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

import msgspec

from olhubd.decide.changes import Change
from olhubd.decide.plan import PlannedDelivery
from olhubd.decide.route import Route
from olhubd.model import Order, Subject, reference

__all__ = ["NOTHING", "Keys", "Planner", "PlanningContext", "Plans", "Transition", "plan_all"]


Plans = Sequence[PlannedDelivery]


class Transition(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What happened to one subject: its record `before` and `after`, and the changes between them.

    `before` is None where it is new. `account` is the source of the record. `doubted`: an earlier process may have
    sent it to a target, though this database does not know of it. `late`: it is new, and the feed of its source had
    not reported it.
    """

    subject: Subject
    account: str
    before: Order | None
    after: Order
    changes: Sequence[Change]
    doubted: bool = False
    late: bool = False

    @property
    def mark(self) -> str:
        """Our reference in its copies at targets."""
        return reference(self.account, self.after.external_id)


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be loaded for some transitions.

    `deliveries`: the subjects whose deliveries are wanted. `marks`: the references by which targets may have
    reported of an order already.
    """

    deliveries: frozenset[Subject] = frozenset()
    marks: frozenset[str] = frozenset()

    def __or__(self, other: Keys) -> Keys:
        return Keys(deliveries=self.deliveries | other.deliveries, marks=self.marks | other.marks)


NOTHING = Keys()


class PlanningContext(msgspec.Struct, frozen=True, kw_only=True):
    """What planners see beside a transition.

    `holders` are the targets that have the order or have its push pending; `met` those that reported an order with
    its mark. Both are empty where nobody asked for them.
    """

    routes: Sequence[Route]
    holders: Collection[str] = ()
    met: Collection[str] = ()


class Planner(Protocol):
    """One rule. It keeps nothing between two calls."""

    def needs(self, batch: Sequence[Transition]) -> Keys:
        """What must be loaded before `plan` is asked about these."""
        ...

    def plan(self, step: Transition, context: PlanningContext, so_far: Plans) -> Iterable[PlannedDelivery]:
        """What follows. `so_far` is what the planners before this one planned for the same transition."""
        ...


def plan_all(step: Transition, context: PlanningContext, planners: Iterable[Planner]) -> list[PlannedDelivery]:
    """What all planners plan for a transition, in their order."""
    result: list[PlannedDelivery] = []
    for planner in planners:
        result.extend(planner.plan(step, context, tuple(result)))
    return result
