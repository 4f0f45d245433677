"""What can be planned for a target, and what follows at once from an answer of one.

Pure. A planned delivery becomes one row of the outbox with the event that caused it; nothing is sent from here.
What follows from the changes of an order is in `olhubd.decide.planners`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta

import msgspec

from olhubd.decide import changes, onesided
from olhubd.decide.changes import Change
from olhubd.decide.compare import cancelled
from olhubd.decide.route import Route, When
from olhubd.model import Action, Delivery, DeliveryState, Kind, Money, Order, Reason, Shipment, Stage, code_of

__all__ = [
    "CALLED_OFF",
    "DOUBLED",
    "LAPSING",
    "TAKEN_OVER",
    "AmendmentPayload",
    "PlannedDelivery",
    "PushPayload",
    "StatusPayload",
    "after_look_up",
    "after_push",
    "cancel_at",
    "creation_status",
    "double_at",
    "look",
    "needless",
    "owed_again",
    "payment_at",
    "push_at",
    "refused",
    "ripe",
    "sends",
    "shipment_at",
    "status_at",
    "withdrawn",
]

TAKEN_OVER = Reason("order.taken-over")
CALLED_OFF = Reason("order.called-off")
_REFUSED = frozenset({DeliveryState.DEAD, DeliveryState.HOLD})
LAPSING = frozenset({Action.SET_STATUS, Action.SET_PAYMENT})
"""What it is no matter to have refused of an order that is off."""


DOUBLED = (Action.AMEND_ORDER, f"{changes.CopyDoubled.kind}:")
"""By which action, and under keys that begin how, a second order at a target waits for a person."""


class StatusPayload(msgspec.Struct, frozen=True, omit_defaults=True):
    """The payload of a SET_STATUS delivery: the target's own word.

    `while_paid`: it was sent for a payment, and is not to be sent once the order is not fully paid any more.
    """

    status: str
    while_paid: bool = False


class AmendmentPayload(msgspec.Struct, frozen=True, omit_defaults=True):
    """The payload of an AMEND_ORDER delivery: the kind of change that a person must carry over.

    `other` is the second order at the target, where there are two of one; `status` the target's word for its order,
    where one of the two is cancelled and the other is not.
    """

    kind: str
    other: str | None = None
    status: str | None = None


class PushPayload(msgspec.Struct, frozen=True, omit_defaults=True):
    """The payload of a PUSH_ORDER delivery: a rule of the route that a person lifted for this order.

    `only_found`: the target has it, as its feed reports; should it not be found there, it is not made.
    `below_floor`: it goes although it was bought for less than the lowest price.
    """

    free_lines: bool = False
    only_found: bool = False
    below_floor: bool = False


class PlannedDelivery(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A delivery to be made to `target`, caused by the change with the index `cause` in the list it was planned
    from.

    `replaces` says that waiting deliveries of the same action are no longer needed, with `same_key` only those of
    the same key; `delay` is in seconds, and `window` says how far apart the times are at which it may be sent.
    """

    target: str
    action: Action
    cause: int
    key: str = ""
    payload: msgspec.Struct | msgspec.Raw | None = None
    delay: float = 0.0
    window: timedelta = timedelta(0)
    replaces: bool = False
    same_key: bool = False


def ripe(order: Order, route: Route) -> bool:
    """Whether the route wants this order at its target now."""
    if cancelled(order) or order.stage is not Stage.CONFIRMED or order.fulfilled_by_marketplace:
        return False
    return route.when is not When.PAID or order.cash_on_delivery or order.fully_paid


def sends(order: Order, route: Route) -> bool:
    """Whether the route has this order made at its target now, where it is not pending yet."""
    return route.forward and ripe(order, route)


def look(target: str, cause: int) -> PlannedDelivery:
    """The delivery that looks for an order at `target` which is not pending there: not found, it is not made."""
    return PlannedDelivery(
        target=target, action=Action.PUSH_ORDER, cause=cause, payload=PushPayload(only_found=True)
    )


def double_at(target: str, other: str, cause: int) -> PlannedDelivery:
    """The delivery that has a person choose between two orders at `target` that carry one mark of ours."""
    payload = AmendmentPayload(kind=changes.CopyDoubled.kind, other=other)
    return PlannedDelivery(
        target=target, action=Action.AMEND_ORDER, cause=cause, key=f"{payload.kind}:{other}", payload=payload
    )


def push_at(target: str, cause: int) -> PlannedDelivery:
    """The delivery that brings the order to `target` although no rule of the route does: a person said so."""
    return PlannedDelivery(target=target, action=Action.PUSH_ORDER, cause=cause)


def status_at(
    target: str, word: str, cause: int, *, while_paid: bool = False, window: timedelta = timedelta(0)
) -> PlannedDelivery:
    """The delivery that moves the order at `target` to a word of its own."""
    return PlannedDelivery(
        target=target,
        action=Action.SET_STATUS,
        cause=cause,
        key=word,
        payload=StatusPayload(word, while_paid=while_paid),
        window=window,
        replaces=True,
    )


def payment_at(target: str, paid: Money, cause: int, *, window: timedelta = timedelta(0)) -> PlannedDelivery:
    """The delivery that records at `target` how much was received."""
    return PlannedDelivery(
        target=target, action=Action.SET_PAYMENT, cause=cause, key=str(paid), window=window, replaces=True
    )


def cancel_at(target: str, cause: int) -> PlannedDelivery:
    """The delivery that cancels the order at `target`. Its key differs from an earlier one's: an order may be
    opened once more."""
    return PlannedDelivery(target=target, action=Action.CANCEL_ORDER, cause=cause, replaces=True)


def shipment_at(target: str, shipment: Shipment, cause: int) -> PlannedDelivery:
    """The delivery that adds a parcel to the order at `target`."""
    key = "/".join(shipment.key)
    return PlannedDelivery(target=target, action=Action.ADD_SHIPMENT, cause=cause, key=key, payload=shipment)


def after_push(account: str, route: Route, processing: Callable[[str], str | None]) -> list[PlannedDelivery]:
    """What follows when the target has the order: the source may get the status that work has begun.

    `processing` finds the source's word for that, and is asked only where it is to be sent.
    """
    if not route.mark_processing or (word := processing(account)) is None:
        return []
    return [status_at(account, word, 0)]


def after_look_up(
    account: str, order: Order, route: Route, found: str | None, *, pays: bool
) -> list[PlannedDelivery]:
    """What follows when the target had the order already: one of the two sides may have moved on unseen.

    `found` is the target's status, which goes back. The copy may have been made before the money came, so that is
    sent where the target `pays`, which is to say takes payments; sinks read before they write.
    """
    planned = []
    if found is not None and found in route.status_back:
        planned.append(status_at(account, route.status_back[found], 0))
    if pays and route.sync_payment and order.money_told and order.paid.amount and not order.cash_on_delivery:
        planned.append(payment_at(route.target, order.paid, 0))
    return planned


def withdrawn(order: Order, superseded: bool) -> str | None:
    """Why a pending order must not be sent any more; None when it must."""
    if superseded:
        return TAKEN_OVER
    if cancelled(order):
        return Reason("order.cancelled-before")
    return None


def needless(order: Order, superseded: bool) -> str | None:
    """Why it is no matter that the order's status or payment was refused; None when it is one."""
    if superseded:
        return TAKEN_OVER
    return CALLED_OFF if cancelled(order) else None


def refused(delivery: Delivery) -> bool:
    """Whether it needs no person once its order is off.

    So it is with a status or payment that the other side refused, for good or until a person has seen to it, and
    with the question why the order is cancelled at its target alone.
    """
    if delivery.subject.kind is not Kind.ORDER:
        return False
    if delivery.state is DeliveryState.HOLD and onesided.asks(delivery, changes.CopyCancelled):
        return True
    return delivery.action in LAPSING and delivery.state in _REFUSED


def owed_again(
    found: Sequence[Change], planned: Iterable[PlannedDelivery], known: Iterable[Delivery]
) -> list[Delivery]:
    """The statuses and payments that it was no matter to have refused while the order was cancelled, now on again.

    Of each target and kind only the newest one, and not where the same changes bring a newer one.
    """
    if not any(isinstance(one, changes.Reopened) for one in found):
        return []
    if any(isinstance(one, changes.Cancelled | changes.Superseded) for one in found):
        return []
    ordered = sorted(known, key=lambda d: d.id)
    newest = {(d.target, d.action): d for d in ordered if d.action in LAPSING}
    newer = {(item.target, item.action) for item in planned}
    return [
        d
        for d in newest.values()
        if d.state is DeliveryState.DROPPED
        and code_of(d.reason) == CALLED_OFF.code
        and (d.target, d.action) not in newer
    ]


def creation_status(order: Order, statuses: Mapping[str, str]) -> str | None:
    """The target's first status: paid and cash-on-delivery rules win over the general one."""
    if order.cash_on_delivery and "cod" in statuses:
        return statuses["cod"]
    if order.fully_paid and "paid" in statuses:
        return statuses["paid"]
    return statuses.get("new")
