"""What a target has is kept up to date: cancellation, payments, statuses, parcels, and edits for a person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from olhubd.decide import changes
from olhubd.decide.compare import cancelled
from olhubd.decide.own_status import OwnStatuses
from olhubd.decide.plan import AmendmentPayload, PlannedDelivery, cancel_at, payment_at, shipment_at, status_at
from olhubd.decide.planning import Keys, PlanningContext, Plans, Transition
from olhubd.decide.route import Route
from olhubd.model import Action, Kind, Order, Shipment

__all__ = ["Update"]


_ABOUT_COPIES = (
    changes.CopyStatusChanged,
    changes.CopyShipped,
    changes.CopyCancelled,
    changes.CopyReopened,
    changes.CopyTotalChanged,
    changes.CopyRefunded,
)
"""From these nothing follows here."""


_CONTESTED = {
    "recipient": changes.AddressChanged.kind,
    "invoice": changes.InvoiceChanged.kind,
    "lines": changes.LinesChanged.kind,
}
"""By which change of the source's a part is contested that a person edited."""


class Update:
    """Plans for the targets that have the order or have its push pending."""

    kinds = frozenset({Kind.ORDER})

    def needs(self, batch: Sequence[Transition[Order]]) -> Keys:
        return Keys(deliveries=frozenset(one.subject for one in batch if _tells(one)))

    def plan(self, step: Transition[Order], context: PlanningContext, _so_far: Plans) -> Iterable[PlannedDelivery]:
        for route in context.routes:
            if route.target in context.holders and step.account in route.sources:
                yield from _update(route, step, context.statuses)


def _tells(step: Transition[Order]) -> bool:
    """Whether something of it may concern those that have it already: of a new one nobody does."""
    return step.before is not None and not all(isinstance(one, _ABOUT_COPIES) for one in step.changes)


def _update(route: Route, step: Transition[Order], statuses: OwnStatuses) -> Iterable[PlannedDelivery]:
    """What is planned for a target that has the order. For an order that is off that is its cancellation and
    nothing else."""
    # Where a status of the seller's own has a word, it is the one that counts, as when the order is made there.
    own = statuses.word(step.own_status, route.target) is not None
    off = cancelled(step.after) or any(isinstance(change, changes.Superseded) for change in step.changes)
    for index, change in enumerate(step.changes):
        if off and not isinstance(change, changes.Cancelled | changes.Superseded):
            continue
        match change:
            case changes.Cancelled() | changes.Superseded():
                yield cancel_at(route.target, index)
            case (
                changes.LinesChanged()
                | changes.AddressChanged()
                | changes.DeliveryChanged()
                | changes.InvoiceChanged()
                | changes.Reopened()
            ):
                yield _by_hand(route.target, index, change.kind)
            case changes.EditContested():
                # The edit stands here; what the target has was sent before, or by it, and may need a hand.
                for part in change.what:
                    yield _by_hand(route.target, index, _CONTESTED[part])
            case changes.PaymentBooked() if route.sync_payment and not step.after.cash_on_delivery:
                yield payment_at(route.target, change.new, index)
            case changes.PaymentChanged() if route.sync_payment and not step.after.cash_on_delivery:
                yield payment_at(route.target, change.new, index, window=route.payment_window)
            case changes.FulfilmentChanged() if (
                route.sync_status and not own and change.new.value in route.statuses
            ):
                word = route.statuses[change.new.value]
                yield status_at(route.target, word, index, window=route.status_window)
            case changes.Shipped() if route.sync_shipments:
                yield shipment_at(route.target, Shipment(carrier=change.carrier, waybill=change.waybill), index)
            case _:
                pass


def _by_hand(target: str, cause: int, kind: str) -> PlannedDelivery:
    return PlannedDelivery(
        target=target,
        action=Action.AMEND_ORDER,
        cause=cause,
        key=kind,
        payload=AmendmentPayload(kind),
        replaces=True,
        same_key=True,
    )
