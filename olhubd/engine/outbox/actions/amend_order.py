"""What only a person can do to an order at its target: no system takes such a change of an order that it has."""

from __future__ import annotations

from typing import Any

import msgspec

from olhubd.decide import changes, onesided, plan
from olhubd.decide.hold import Hold
from olhubd.decide.plan import Amendment
from olhubd.engine.outbox.handler import Handler, Obsolete, OnHold, Result, Waits
from olhubd.engine.outbox.job import Job
from olhubd.engine.outbox.target import TargetAccount
from olhubd.model import Action
from olhubd.store.copies import Copy

__all__ = ["AMENDMENTS", "AmendOrder"]

AMENDMENTS = {
    "order.lines-changed": "what was bought or its price",
    "order.address-changed": "the delivery address",
    "order.delivery-changed": "the way of delivery, the day to send it by or the way of payment",
    "order.invoice-changed": "the invoice party",
    "order.reopened": "its cancellation, which was taken back,",
}


class AmendOrder(Handler[Any]):
    """A person is asked, unless it came to nothing. Nothing waits for that."""

    action = Action.AMEND_ORDER
    capability = None
    waits_behind = Waits.NEVER

    async def perform(self, target: TargetAccount, job: Job) -> Result:
        copy, order = job.copy, job.stored.order
        if copy is None:
            return Obsolete("the target does not have the order")
        amendment = msgspec.json.decode(job.delivery.payload, type=Amendment)
        number = copy.number or copy.external_id
        if amendment.other is not None:
            other = amendment.other
            why = f"{target.name} has two orders of this purchase, {number} and {other}: cancel one there by hand"
            return OnHold(reason=why, kind=Hold.DOUBLED, external_id=copy.external_id)
        if amendment.status is not None:
            return _one_sided(job, copy, amendment.kind, amendment.status)
        what = AMENDMENTS.get(amendment.kind, "something")
        sums = ""
        if copy.total.rounded() != order.sellers_total.rounded():
            sums = f" (the target has {copy.total}, the buyer pays {order.sellers_total})"
        return OnHold(
            reason=f"{what} changed after the order went on{sums}: change order {number} at {target.name} by hand,"
            " then accept this",
            kind=Hold.CHANGED,
            external_id=copy.external_id,
        )


def _one_sided(job: Job, copy: Copy, kind: str, status: str) -> Result:
    """Ask why one of the purchase and its copy is cancelled, unless they agree by now."""
    off = plan.withdrawn(job.stored.order, job.stored.superseded_by is not None) is not None
    called_off = kind == changes.CopyCancelled.kind
    if copy.status != status or off is called_off:
        return Obsolete(onesided.AGREED)
    number = copy.number or copy.external_id
    if called_off:
        why = (
            f"order {number} at {copy.account} is cancelled there ({status}), and the purchase is not:"
            " make it good there by hand, or cancel the purchase where it was made, then accept this"
        )
    else:
        why = (
            f"order {number} at {copy.account} was cancelled and is alive there again ({status}), and the"
            " purchase is off: cancel it there by hand, then accept this"
        )
    return OnHold(reason=why, kind=Hold.ONE_SIDED, external_id=copy.external_id)
