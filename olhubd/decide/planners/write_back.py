"""What a target reports of its copy goes back to where the order came from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from olhubd.decide import changes, onesided
from olhubd.decide.own_status import OwnStatuses
from olhubd.decide.plan import AmendmentPayload, PlannedDelivery, shipment_at, status_at
from olhubd.decide.planning import NOTHING, Keys, PlanningContext, Plans, Transition
from olhubd.decide.route import Route
from olhubd.model import Action, Kind, Order, Shipment

__all__ = ["WriteBack"]


class WriteBack:
    """Plans what is sent to the source, and what a person is asked where the two contradict each other."""

    kinds = frozenset({Kind.ORDER})

    def needs(self, _batch: Sequence[Transition[Order]]) -> Keys:
        return NOTHING

    def plan(self, step: Transition[Order], context: PlanningContext, _so_far: Plans) -> Iterable[PlannedDelivery]:
        for route in context.routes:
            if step.account in route.sources:
                yield from _back(route, step, context.statuses)


def _back(route: Route, step: Transition[Order], statuses: OwnStatuses) -> Iterable[PlannedDelivery]:
    own = statuses.word(step.own_status, step.account) is not None
    # The parcel first: what is marked as sent before its number is there, and the number is refused, misleads.
    parcels_first = sorted(enumerate(step.changes), key=lambda one: not isinstance(one[1], changes.CopyShipped))
    for index, change in parcels_first:
        match change:
            case changes.CopyStatusChanged(target=route.target) if not own and change.new in route.status_back:
                yield status_at(step.account, route.status_back[change.new], index)
            case changes.CopyShipped(target=route.target) if route.shipments_back:
                shipment = Shipment(
                    carrier=change.carrier,
                    waybill=change.waybill,
                    carrier_name=change.carrier_name,
                    url=change.url,
                )
                yield shipment_at(step.account, shipment, index)
            case changes.CopyCancelled(target=route.target) | changes.CopyReopened(target=route.target):
                yield PlannedDelivery(
                    target=route.target,
                    action=Action.AMEND_ORDER,
                    cause=index,
                    key=change.kind,
                    payload=AmendmentPayload(change.kind, status=change.status),
                    delay=onesided.PATIENCE,
                    replaces=True,
                    same_key=True,
                )
            case _:
                pass
