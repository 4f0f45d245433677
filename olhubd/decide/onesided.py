"""A purchase and its copy at a target of which one is cancelled and the other is not. Pure.

People in a shop cancel orders; and after an older database was put back, the shop may have carried out a
cancellation that the database knows nothing of, because it was taken back before the purchase was read again. No
report of the marketplace shows that, and nobody would pack the order. A person is asked in both directions, as only
a person knows which side is right.
"""

from __future__ import annotations

from collections.abc import Iterable

from olhubd.decide import changes
from olhubd.decide.compare import cancelled
from olhubd.decide.route import Route
from olhubd.model import Action, Delivery, DeliveryState, Fulfilment, Order, Reason, Stage

__all__ = ["AGREED", "PATIENCE", "asks", "find", "off_there"]

PATIENCE = 900.0
"""Seconds until a person is asked: a seller cancels in one place and then in the other, and feeds report it
late."""
AGREED = Reason("copy.agreed")

_SENT = frozenset({Fulfilment.SENT, Fulfilment.DELIVERED, Fulfilment.RETURNED})

Question = changes.CopyCancelled | changes.CopyReopened


def off_there(told: Order, account: str, target: str, routes: Iterable[Route]) -> bool:
    """Whether a target's order is off there; `account` is where its purchase came from."""
    words = {
        route.statuses.get("cancelled") for route in routes if route.target == target and account in route.sources
    }
    return cancelled(told) or told.external_stage in words


def find(
    told: Order, purchase: Order, target: str, known: Iterable[Delivery], *, off: bool, there: bool
) -> Question | None:
    """What a person is asked about a copy as its target reports it; None where there is nothing to ask.

    `off` and `there` say whether the purchase and the copy are off. `known` are all deliveries of the purchase:
    what is still pending or asked explains a contradiction, and what a person answered is not asked again.
    """
    if off is there:
        return None
    at = [one for one in known if one.target == target]
    if there:
        sent = purchase.fulfilment in _SENT or bool(told.shipments)
        if told.fulfilment is Fulfilment.RETURNED and sent:
            return None  # it was sent, came back and was paid back
        if any(one.state.open and _explains(one) for one in at):
            return None
        return changes.CopyCancelled(target=target, status=told.external_stage)
    if told.stage is not Stage.CONFIRMED:
        return None
    # The hub must have cancelled it: else that is pending, or a person chose to leave it.
    last = max(
        (one for one in at if one.action is Action.CANCEL_ORDER or asks(one, changes.CopyReopened)),
        key=lambda one: one.id,
        default=None,
    )
    if last is None or last.action is not Action.CANCEL_ORDER or last.state is not DeliveryState.CONFIRMED:
        return None
    return changes.CopyReopened(target=target, status=told.external_stage)


def asks(delivery: Delivery, *kinds: type[changes.Change]) -> bool:
    """Whether it is one of these questions to a person; without `kinds`, either of the two here."""
    return delivery.action is Action.AMEND_ORDER and any(
        delivery.key.startswith(f"{kind.kind}#") for kind in kinds or (changes.CopyCancelled, changes.CopyReopened)
    )


def _explains(delivery: Delivery) -> bool:
    """Whether the copy may be off because of this, to which the hub or a person sees already."""
    return delivery.action in (Action.CANCEL_ORDER, Action.PUSH_ORDER) or asks(delivery, changes.Reopened)
