"""What is under a copy's number by now.

A target that was set back to a backup of its own gives its numbers again: by the number alone, somebody else's
order would be cancelled in the place of ours.
"""

from __future__ import annotations

from functools import partial
from types import NoneType

from olhubd.decide.hold import Hold
from olhubd.engine.outbox.handler import Obsolete, OnHold
from olhubd.engine.outbox.job import OrderJob
from olhubd.engine.outbox.target import TargetAccount
from olhubd.model import Reason, reference
from olhubd.plugin import Conflict, Found, NotFound, OrderSink, Rejected
from olhubd.store.orders import StoredOrder
from olhubd.store.target_orders import TargetOrder

__all__ = ["another", "known_as"]


async def known_as(target: TargetAccount, job: OrderJob) -> str | OnHold | Obsolete:
    """The target's name for the order, where something is to be written to it; or why nothing is."""
    if job.stored.account == target.name:
        return job.stored.order.external_id
    if job.copy is None:
        return Obsolete(Reason("copy.none"))
    if (other := await another(target, job.stored, job.copy)) is not None:
        return OnHold(reason=Reason("delivery.not-written", why=other), kind=Hold.TAKEN)
    return job.copy.external_id


async def another(target: TargetAccount, stored: StoredOrder, copy: TargetOrder) -> str | None:
    """Why what the target has under this number is not the order; None when it is, or when that is not known.

    Where hosts drop our mark, the total decides.
    """
    sink = target.capability(OrderSink)
    if sink is None or not sink.numbered:
        return None
    number = copy.number or copy.external_id
    look = partial(sink.find_by_number, number)
    try:
        found: Found | None = await target.calls.read("find_by_number", look, (Found, NoneType))
    except (Conflict, NotFound, Rejected):
        return None  # its numbers mean nothing
    if found is None or found.external_id != copy.external_id:
        return None
    same = found.total.rounded() in (stored.order.sellers_total.rounded(), copy.total.rounded())
    if found.reference == reference(stored.account, stored.order.external_id) or (found.reference is None and same):
        return None
    if found.reference:
        return Reason("copy.another-marked", order=number, account=copy.account, reference=found.reference)
    return Reason("copy.another-total", order=number, account=copy.account, total=found.total)
