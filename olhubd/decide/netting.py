"""What planned deliveries and the deliveries of the same order make of each other. Pure.

cancelled before it was sent      the push is dropped; or taken back, where a try may have left a part of it
changed before it was sent        nothing is pending: it will go as it is by then
cancelled before its window       the status or payment that waits for it is dropped: the cancellation goes at once
planned again after a drop        the same push goes on, with its present payload
reopened, the cancel still open   the cancellation is dropped; it may still be done, so a person looks
reopened after a refusal          what was refused because it was cancelled is pending again
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from olhubd.decide import plan, window
from olhubd.decide.changes import Change, Reopened, Superseded
from olhubd.decide.plan import PlannedDelivery
from olhubd.model import Action, Delivery, DeliveryState, Kind, Reason

__all__ = ["Settlement", "carries_order", "holders", "net", "once", "push_to"]

_UNTOUCHED = frozenset({DeliveryState.PENDING, DeliveryState.RETRY, DeliveryState.HOLD})
_NOT_OWED = frozenset({DeliveryState.DROPPED, DeliveryState.DEAD, DeliveryState.DISCARDED})


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that is there already, and what becomes of it.

    An open one is due in `delay` seconds, with the payload of `instead` if that is given. None leaves what was.
    """

    delivery: Delivery
    state: DeliveryState
    reason: str | None = None
    delay: float | None = 0.0
    instead: PlannedDelivery | None = None


def carries_order(delivery: Delivery) -> bool:
    """Whether it brings the order itself to its target."""
    return delivery.action is Action.PUSH_ORDER and delivery.subject.kind is Kind.ORDER


def push_to(target: str, known: Iterable[Delivery]) -> Delivery | None:
    """The push of the order itself to `target`: of `known`, oldest first, the newest."""
    pushes = [one for one in known if carries_order(one) and one.target == target]
    return pushes[-1] if pushes else None


def holders(known: Iterable[Delivery]) -> frozenset[str]:
    """The targets that have the order or have its push pending."""
    return frozenset(one.target for one in known if carries_order(one) and one.state not in _NOT_OWED)


def once(item: PlannedDelivery) -> bool:
    """Whether it is planned only once while one like it is open."""
    return item.action is Action.CANCEL_ORDER


def net(
    found: Sequence[Change], planned: Sequence[PlannedDelivery], known: Sequence[Delivery], *, doubted: bool = False
) -> list[PlannedDelivery | Settlement]:
    """What is new, and what becomes of deliveries of `known`, in the order in which it is to be stored.

    `planned` follow from the changes `found`. With `doubted` an earlier process may have sent what this database
    calls never sent: it is looked up before it is dropped.
    """
    result: list[PlannedDelivery | Settlement] = [
        Settlement(delivery=one, state=DeliveryState.RETRY) for one in plan.owed_again(found, planned, known)
    ]
    pushes = {one.target: one for one in known if carries_order(one)}
    cancels = {one.target: one for one in known if one.action is Action.CANCEL_ORDER and _never_sent(one)}
    for item in planned:
        if item.action is Action.CANCEL_ORDER:
            for one in known:
                if one.target == item.target and window.was_collected(one):
                    why = plan.TAKEN_OVER if isinstance(found[item.cause], Superseded) else plan.CALLED_OFF
                    result.append(Settlement(delivery=one, state=DeliveryState.DROPPED, reason=why))
        push = pushes.get(item.target)
        if item.action is Action.CANCEL_ORDER and push is not None and _never_sent(push):
            # A try that failed may have left a part of it, which the target takes back first.
            if push.attempts or doubted:
                result.append(Settlement(delivery=push, state=DeliveryState.RETRY))
            else:
                why = Reason("delivery.cancelled-before")
                result.append(Settlement(delivery=push, state=DeliveryState.DROPPED, reason=why))
        elif item.action is Action.AMEND_ORDER and push is not None and _never_sent(push):
            continue  # it will go as it is now
        elif item.key == Reopened.kind and (cancel := cancels.get(item.target)) is not None:
            why = Reason("order.on-again")
            result.append(Settlement(delivery=cancel, state=DeliveryState.DROPPED, reason=why))
            # It may still be done: by a try whose answer was lost, or by hand.
            if cancel.attempts or cancel.state is DeliveryState.HOLD:
                result.append(item)
        elif item.action is Action.PUSH_ORDER and push is not None and push.state is DeliveryState.DROPPED:
            result.append(Settlement(delivery=push, state=DeliveryState.PENDING, delay=item.delay, instead=item))
        else:
            result.append(item)
    return result


def _never_sent(delivery: Delivery) -> bool:
    """Whether surely nothing of it is at the target."""
    return delivery.state in _UNTOUCHED and delivery.sent_at is None and delivery.external_id is None
