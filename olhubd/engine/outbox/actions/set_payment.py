"""Recording at a target how much of an order has been paid."""

from __future__ import annotations

from functools import partial

from olhubd.decide.remit import sellers_side
from olhubd.engine.outbox.handler import Done, Obsolete, Result, WaitRule
from olhubd.engine.outbox.job import OrderJob
from olhubd.engine.outbox.on_copy import OnCopy
from olhubd.engine.outbox.target import TargetAccount
from olhubd.model import Action, Reason
from olhubd.plugin import PaymentSink

__all__ = ["SetPayment"]


class SetPayment(OnCopy[PaymentSink]):
    """The sink reads before it writes, so that twice is once."""

    action = Action.SET_PAYMENT
    capability = PaymentSink
    waits_behind = WaitRule.UNTIL_HELD
    lapses = True

    async def write(self, target: TargetAccount, job: OrderJob, sink: PaymentSink, external_id: str) -> Result:
        own = sellers_side(job.stored.order)
        # Some sources report money only as of what was paid later.
        payment = own.payment or next(iter(own.surcharges), None)
        if payment is None:
            return Obsolete(Reason("payment.unknown"))
        await target.calls.write(self.action.value, partial(sink.set_payment, external_id, payment, own.paid))
        return Done()
