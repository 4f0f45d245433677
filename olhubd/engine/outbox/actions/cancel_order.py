"""Cancelling an order that the target has."""

from __future__ import annotations

from functools import partial

from olhubd.decide import plan
from olhubd.decide.hold import Hold
from olhubd.engine.outbox.handler import Done, Handler, Obsolete, OnHold, Result
from olhubd.engine.outbox.job import OrderJob
from olhubd.engine.outbox.renumbered import another
from olhubd.engine.outbox.target import TargetAccount
from olhubd.model import Action, Reason
from olhubd.plugin import CancelSink, StatusSink

__all__ = ["CancelOrder"]


class CancelOrder(Handler[CancelSink]):
    """By the route's own status for it, where there is one; else by the capability."""

    action = Action.CANCEL_ORDER
    capability = CancelSink
    unable = "unable.cancel"
    overtakes = True

    async def perform(self, target: TargetAccount, job: OrderJob) -> Result:
        copy, stored = job.copy, job.stored
        if copy is None:
            return Obsolete(Reason("copy.never"))
        superseded = stored.superseded_by is not None
        if plan.withdrawn(stored.order, superseded) is None:
            return Obsolete(Reason("order.on-again"))
        if (other := await another(target, stored, copy)) is not None:
            return OnHold(reason=Reason("delivery.not-cancelled", why=other), kind=Hold.TAKEN)
        route = target.route(stored.account)
        word = route.statuses.get("cancelled") if route is not None else None
        if word is not None and (statuses := target.capability(StatusSink)) is not None:
            await target.calls.write("set_status", partial(statuses.set_status, copy.external_id, word))
            return Done()
        why = "the buyer put purchases together" if superseded else "cancelled at the marketplace"
        act = partial(self.sink(target).cancel_order, copy.external_id, why)
        await target.calls.write("cancel_order", act)
        return Done()
