"""An order goes to the target of a route once the route wants it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from olhubd.decide import changes
from olhubd.decide.changes import Change
from olhubd.decide.plan import PlannedDelivery, ripe
from olhubd.decide.planning import Keys, PlanningContext, Plans, Transition
from olhubd.decide.route import Route
from olhubd.model import Action, Kind, Order

__all__ = ["Forward"]

_CAUSES = (changes.Confirmed, changes.Reopened, changes.Paid, changes.Placed)


class Forward:
    """Plans the push of an order that ripens with these changes, to targets where it is not pending."""

    kinds = frozenset({Kind.ORDER})

    def needs(self, batch: Sequence[Transition[Order]]) -> Keys:
        return Keys(deliveries=frozenset(one.subject for one in batch if _moved(one)))

    def plan(self, step: Transition[Order], context: PlanningContext, _so_far: Plans) -> Iterable[PlannedDelivery]:
        if step.before is None and any(isinstance(one, changes.Superseded) for one in step.changes):
            return  # it was taken over before it was planned for any target
        for route in context.routes:
            if (
                route.target not in context.holders
                and step.account in route.sources
                and route.forward
                and _ripens(step.before, step.after, route)
            ):
                yield PlannedDelivery(
                    target=route.target,
                    action=Action.PUSH_ORDER,
                    cause=_cause(step.changes),
                    delay=route.hold_seconds,
                )


def _moved(step: Transition[Order]) -> bool:
    """Whether it is another order than before, and not a new one, which is pending nowhere yet."""
    return step.before is not None and step.before is not step.after


def _ripens(before: Order | None, after: Order, route: Route) -> bool:
    """Whether it becomes ripe just now: a route switched on later does not send the past after it."""
    return ripe(after, route) and (before is None or not ripe(before, route))


def _cause(found: Sequence[Change]) -> int:
    for kind in _CAUSES:
        for index, change in enumerate(found):
            if isinstance(change, kind):
                return index
    return 0
