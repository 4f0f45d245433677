"""What a person may do now with a delivery or an order, and why not what they may not. Pure.

The same answers serve twice: they are shown beside the buttons, and they are asked before anything is done.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from olhubd.decide import netting, plan
from olhubd.decide.compare import cancelled
from olhubd.decide.own_status import NO_STATUSES, OwnStatuses, goes_to
from olhubd.decide.route import Route
from olhubd.model import Delivery, DeliveryState, Fulfilment, Order, Reason, Stage

__all__ = [
    "STATUSES",
    "OperatorAction",
    "OrderSituation",
    "PermittedAction",
    "of_delivery",
    "of_order",
    "own_statuses",
    "statuses",
]

STATUSES = (
    Fulfilment.PROCESSING,
    Fulfilment.READY,
    Fulfilment.SENT,
    Fulfilment.DELIVERED,
    Fulfilment.RETURNED,
    Fulfilment.SUSPENDED,
)
"""What a person may say of an order's progress. A cancellation is the marketplace's: money goes back there."""

_GIVEN_UP = frozenset({DeliveryState.DEAD, DeliveryState.DISCARDED})


class OperatorAction(enum.StrEnum):
    RETRY = "retry"
    RELEASE = "release"
    ADOPT = "adopt"
    ACCEPT = "accept"
    DISCARD = "discard"
    NOTE = "note"
    STATUS = "status"
    OWN_STATUS = "own-status"
    SHIP = "ship"
    ADDRESS = "address"
    EDIT = "edit"
    PAYMENT = "payment"
    FORWARD = "forward"


class PermittedAction(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to do. `why_not` says why not now; `target` where it would be done, if there are several."""

    name: OperatorAction
    possible: bool
    why_not: str | None = None
    target: str | None = None


class OrderSituation(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it is when a person wants to change it.

    `routes` are those that lead from its account, `able` what it and their targets can do, `own` the words of its
    source for states of ours; `own_status` is what it has of `statuses`, the seller's own list. Of one whose buyer
    was `erased` nothing is sent anywhere any more.
    """

    account: str
    order: Order
    superseded: bool
    deliveries: Sequence[Delivery]
    routes: Sequence[Route]
    erased: bool = False
    able: Mapping[str, frozenset[str]] = {}
    own: Mapping[Fulfilment, str] = {}
    own_status: str | None = None
    statuses: OwnStatuses = NO_STATUSES

    def push(self, target: str) -> Delivery | None:
        """The push of the order itself to `target`."""
        return netting.push_to(target, self.deliveries)

    @property
    def holders(self) -> frozenset[str]:
        """The targets that have the order or have its push pending."""
        return netting.holders(self.deliveries)

    @property
    def there(self) -> frozenset[str]:
        """The targets that have the order: what is edited from now on stays here (FWD-26)."""
        pushes = {target: self.push(target) for target in self.holders}
        return frozenset(
            target
            for target, push in pushes.items()
            if push is not None and (push.state is DeliveryState.CONFIRMED or push.external_id is not None)
        )


def of_delivery(delivery: Delivery, now: datetime, numbered: bool) -> tuple[PermittedAction, ...]:
    """`numbered` says whether the target can be asked for an order by its number."""
    state = delivery.state
    waits = state is DeliveryState.PENDING and delivery.due_at > now
    stuck = state in (DeliveryState.HOLD, DeliveryState.RETRY) or state in _GIVEN_UP
    settled = None if state.open or state in _GIVEN_UP else Reason(f"choice.{state.value}")
    discarded = Reason("choice.discarded") if state is DeliveryState.DISCARDED else None
    going = Reason("choice.goes") if state is DeliveryState.PENDING else Reason("choice.under-way")
    return (
        _choice(OperatorAction.RETRY, None if stuck else settled or going),
        _choice(
            OperatorAction.RELEASE,
            None if waits or state is DeliveryState.HOLD else settled or Reason("choice.not-held"),
        ),
        _choice(
            OperatorAction.ADOPT, _not_adopted(delivery, numbered) or (None if stuck or waits else settled or going)
        ),
        _choice(OperatorAction.ACCEPT, (settled or going) if not stuck else _not_accepted(delivery)),
        _choice(OperatorAction.DISCARD, discarded or (None if stuck or waits else settled or going)),
    )


def _not_adopted(delivery: Delivery, numbered: bool) -> str | None:
    if not netting.carries_order(delivery):
        return Reason("choice.only-orders")
    return None if numbered else Reason("choice.not-numbered", target=delivery.target)


def _not_accepted(delivery: Delivery) -> str | None:
    return None if delivery.external_id is not None else Reason("choice.nothing-there")


def of_order(standing: OrderSituation, now: datetime) -> tuple[PermittedAction, ...]:
    """Forwarding is a choice for each target that a route leads to."""
    over = None
    if plan.withdrawn(standing.order, standing.superseded) is not None:
        over = Reason("order.taken-over") if standing.superseded else Reason("order.cancelled")
    nobody = Reason("order.erased") if standing.erased else None
    return (
        _choice(OperatorAction.NOTE, None),
        _choice(OperatorAction.STATUS, over),
        _choice(OperatorAction.OWN_STATUS, _no_status(standing)),
        _choice(OperatorAction.SHIP, over),
        _choice(OperatorAction.ADDRESS, over or nobody or _on_its_way(standing)),
        _choice(OperatorAction.EDIT, over or nobody or _on_its_way(standing)),
        _choice(OperatorAction.PAYMENT, over),
        *(
            _choice(OperatorAction.FORWARD, over or nobody or _not_forwarded(standing, r.target, now), r.target)
            for r in standing.routes
        ),
    )


def _on_its_way(standing: OrderSituation) -> str | None:
    """Whether a push is under way: of an edit nobody could say then on which side of it the target's order is."""
    for target in sorted(standing.holders):
        push = standing.push(target)
        if push is None or target in standing.there:
            continue
        if push.state is DeliveryState.SENT or push.sent_at is not None:
            return Reason("choice.on-its-way", target=target)
    return None


def _not_forwarded(standing: OrderSituation, target: str, now: datetime) -> str | None:
    order = standing.order
    if order.fulfilled_by_marketplace:
        return Reason("choice.marketplace-ships")
    if order.stage is not Stage.CONFIRMED:
        return Reason("choice.unfinished", stage=order.external_stage)
    push = standing.push(target)
    if push is None:
        return None
    match push.state:
        case DeliveryState.CONFIRMED:
            return Reason("choice.there-already", target=target, order=push.external_id)
        case DeliveryState.HOLD:
            return Reason("choice.held", delivery=push.id, reason=push.reason)
        case DeliveryState.PENDING if push.due_at <= now:
            return Reason("choice.owed", target=target, delivery=push.id)
        case DeliveryState.SENT | DeliveryState.RETRY:
            return Reason("choice.sent", target=target, delivery=push.id)
    return None


def statuses(standing: OrderSituation) -> dict[Fulfilment, dict[str, str]]:
    """Where each status would go, by the account and its own word: only what a route maps goes to its target."""
    found: dict[Fulfilment, dict[str, str]] = {}
    for word in STATUSES:
        found[word] = {
            route.target: route.statuses[word.value]
            for route in standing.routes
            if route.sync_status and word.value in route.statuses and route.target in standing.holders
        }
        if (own := standing.own.get(word)) is not None:
            found[word][standing.account] = own
    return found


def own_statuses(standing: OrderSituation) -> dict[str, dict[str, str]]:
    """Where each status of the seller's own list would go, by the account and its own word."""
    off = cancelled(standing.order)
    return {
        one.name: {}
        if off
        else goes_to(standing.account, one.name, standing.routes, standing.holders, standing.statuses)
        for one in standing.statuses.items
    }


def _no_status(standing: OrderSituation) -> str | None:
    if standing.superseded:
        return Reason("order.taken-over")
    return None if standing.statuses.items else Reason("choice.no-statuses")


def _choice(name: OperatorAction, why_not: str | None, target: str | None = None) -> PermittedAction:
    return PermittedAction(name=name, possible=why_not is None, why_not=why_not, target=target)
