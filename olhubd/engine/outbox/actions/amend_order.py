"""What only a person can do to an order at its target: no system takes such a change of an order that it has."""

from __future__ import annotations

from typing import Any

import msgspec

from olhubd.decide import changes, onesided, plan
from olhubd.decide.hold import Hold
from olhubd.decide.plan import AmendmentPayload
from olhubd.engine.outbox.handler import Handler, Obsolete, OnHold, Result, WaitRule
from olhubd.engine.outbox.job import OrderJob
from olhubd.engine.outbox.target import TargetAccount
from olhubd.model import Action, Reason
from olhubd.store.target_orders import TargetOrder

__all__ = ["AMENDMENTS", "AmendOrder"]

AMENDMENTS = {
    "order.lines-changed": "changed.lines",
    "order.address-changed": "changed.address",
    "order.delivery-changed": "changed.delivery",
    "order.invoice-changed": "changed.invoice",
    "order.reopened": "changed.reopened",
}
"""The codes of the reasons, by the change that a person is to carry over."""


class AmendOrder(Handler[Any]):
    """A person is asked, unless it came to nothing. Nothing waits for that."""

    action = Action.AMEND_ORDER
    capability = None
    waits_behind = WaitRule.NEVER

    async def perform(self, target: TargetAccount, job: OrderJob) -> Result:
        copy, order = job.copy, job.stored.order
        if copy is None:
            return Obsolete(Reason("copy.none"))
        amendment = msgspec.json.decode(job.delivery.payload, type=AmendmentPayload)
        number = copy.number or copy.external_id
        if amendment.other is not None:
            other = amendment.other
            why = Reason("copy.doubled", target=target.name, first=number, other=other)
            return OnHold(reason=why, kind=Hold.DOUBLED, external_id=copy.external_id)
        if amendment.status is not None:
            return _one_sided(job, copy, amendment.kind, amendment.status)
        sums = ""
        if copy.total.rounded() != order.sellers_total.rounded():
            sums = Reason("changed.sums", there=copy.total, expected=order.sellers_total)
        return OnHold(
            reason=Reason(
                AMENDMENTS.get(amendment.kind, "changed.something"), sums=sums, order=number, target=target.name
            ),
            kind=Hold.CHANGED,
            external_id=copy.external_id,
        )


def _one_sided(job: OrderJob, copy: TargetOrder, kind: str, status: str) -> Result:
    """Ask why one of the purchase and its copy is cancelled, unless they agree by now."""
    off = plan.withdrawn(job.stored.order, job.stored.superseded_by is not None) is not None
    called_off = kind == changes.CopyCancelled.kind
    if copy.status != status or off is called_off:
        return Obsolete(onesided.AGREED)
    number = copy.number or copy.external_id
    if called_off:
        why = Reason("copy.cancelled", order=number, account=copy.account, status=status)
    else:
        why = Reason("copy.reopened", order=number, account=copy.account, status=status)
    return OnHold(reason=why, kind=Hold.ONE_SIDED, external_id=copy.external_id)
