"""What a target may have without our knowledge is looked for there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from olhubd.decide import changes
from olhubd.decide.plan import PlannedDelivery, look
from olhubd.decide.planning import Keys, PlanningContext, Plans, Transition
from olhubd.model import Action, Kind, Order

__all__ = ["Seek"]


class Seek:
    """Plans look-ups: of an order that is off and may have been sent, and of a new one that a target reported."""

    kinds = frozenset({Kind.ORDER})

    def needs(self, batch: Sequence[Transition[Order]]) -> Keys:
        return Keys(marks=frozenset(one.mark for one in batch if one.before is None))

    def plan(self, step: Transition[Order], context: PlanningContext, so_far: Plans) -> Iterable[PlannedDelivery]:
        sought = list(_sought(step, context))
        yield from sought
        if step.before is None:
            planned = {item.target for item in (*so_far, *sought)}
            yield from (look(target, 0) for target in sorted(frozenset(context.met) - planned))


def _sought(step: Transition[Order], context: PlanningContext) -> Iterable[PlannedDelivery]:
    """An order that is off, and that a target may still have: its push is planned there, which begins with a
    look-up.

    Found, it is cancelled; not found, it is dropped.
    """
    if not (step.late or step.doubted) or step.after.fulfilled_by_marketplace:
        return
    off = [i for i, one in enumerate(step.changes) if isinstance(one, changes.Cancelled | changes.Superseded)]
    if not off:
        return
    targets = [
        route.target
        for route in context.routes
        if step.account in route.sources and route.forward and route.target not in context.holders
    ]
    for target in dict.fromkeys(targets):
        yield PlannedDelivery(target=target, action=Action.PUSH_ORDER, cause=off[0])
