"""What planners are: the rules by which something follows from what happened to a subject. Pure.

A flow hands over what it decided, as transitions. Each planner says which kinds of records it is about, names what
it must know of the transitions, which is read once for all of them, and then plans the deliveries of each. What a
planner is given is in the database or comes with the input, so a replay plans the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from olhubd.decide.changes import Change
from olhubd.decide.own_status import NO_STATUSES, OwnStatuses
from olhubd.decide.plan import PlannedDelivery
from olhubd.decide.route import Route
from olhubd.model import Kind, Subject, reference

__all__ = [
    "NOTHING",
    "ExternalRecord",
    "Keys",
    "Planner",
    "PlanningContext",
    "Plans",
    "Transition",
    "needed",
    "plan_all",
]


Plans = Sequence[PlannedDelivery]


class ExternalRecord(Protocol):
    """A record with the name that its source gave it."""

    @property
    def external_id(self) -> str: ...


R = TypeVar("R", bound=ExternalRecord)


class Transition(msgspec.Struct, Generic[R], frozen=True, kw_only=True, gc=False):
    """What happened to one subject: its record `before` and `after`, and the changes between them.

    `before` is None where it is new. `account` is the source of the record. `doubted`: an earlier process may have
    sent it to a target, though this database does not know of it. `late`: it is new, and the feed of its source had
    not reported it. `own_status` is what an order has of the seller's own statuses afterwards.
    """

    subject: Subject
    account: str
    before: R | None
    after: R
    changes: Sequence[Change]
    doubted: bool = False
    late: bool = False
    own_status: str | None = None

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
    statuses: OwnStatuses = NO_STATUSES
    """The seller's own statuses in force."""


class Planner(Protocol[R]):
    """One rule. It keeps nothing between two calls."""

    @property
    def kinds(self) -> frozenset[Kind]:
        """The kinds of subjects whose transitions it is given."""
        ...

    def needs(self, batch: Sequence[Transition[R]]) -> Keys:
        """What must be loaded before `plan` is asked about these."""
        ...

    def plan(self, step: Transition[R], context: PlanningContext, so_far: Plans) -> Iterable[PlannedDelivery]:
        """What follows. `so_far` is what the planners before this one planned for the same transition."""
        ...


def needed(steps: Sequence[Transition[Any]], planners: Iterable[Planner[Any]]) -> Keys:
    """What the planners must have loaded for these transitions, each for those of its kinds."""
    kinds = {step.subject.kind for step in steps}
    keys = NOTHING
    for planner in planners:
        mine = steps if kinds <= planner.kinds else [step for step in steps if step.subject.kind in planner.kinds]
        if mine:
            keys |= planner.needs(mine)
    return keys


def plan_all(
    step: Transition[Any], context: PlanningContext, planners: Iterable[Planner[Any]]
) -> list[PlannedDelivery]:
    """What the planners of its kind plan for a transition, in their order."""
    result: list[PlannedDelivery] = []
    for planner in planners:
        if step.subject.kind in planner.kinds:
            result.extend(planner.plan(step, context, tuple(result)))
    return result
