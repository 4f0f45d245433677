"""A status of the seller's own that an order got by itself is written where it is mapped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from olhubd.decide import changes
from olhubd.decide.own_status import plan_status
from olhubd.decide.plan import PlannedDelivery
from olhubd.decide.planning import Keys, PlanningContext, Plans, Transition
from olhubd.model import Kind, Order

__all__ = ["TellStatus"]


class TellStatus:
    """Plans for the source and for the targets that have the order. A new one is made at targets with its word."""

    kinds = frozenset({Kind.ORDER})

    def needs(self, batch: Sequence[Transition[Order]]) -> Keys:
        return Keys(deliveries=frozenset(one.subject for one in batch if one.before is not None and _given(one)))

    def plan(self, step: Transition[Order], context: PlanningContext, _so_far: Plans) -> Iterable[PlannedDelivery]:
        if any(isinstance(change, changes.Superseded) for change in step.changes):
            return
        for index, change in _given(step):
            yield from plan_status(
                step.account,
                step.after,
                change.new,
                context.routes,
                context.holders,
                context.statuses,
                index,
                collected=True,
            )


def _given(step: Transition[Order]) -> list[tuple[int, changes.OwnStatusChanged]]:
    return [(i, one) for i, one in enumerate(step.changes) if isinstance(one, changes.OwnStatusChanged)]
