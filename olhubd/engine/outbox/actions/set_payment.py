"""Recording at a target how much of an order has been paid."""

from __future__ import annotations

from functools import partial

from olhubd.decide.remit import sellers_side
from olhubd.engine.outbox.handler import Done, Handler, Obsolete, Result, Waits
from olhubd.engine.outbox.job import Job
from olhubd.engine.outbox.renumbered import known_as
from olhubd.engine.outbox.target import TargetAccount
from olhubd.model import Action, Reason
from olhubd.plugin import PaymentSink

__all__ = ["SetPayment"]


class SetPayment(Handler[PaymentSink]):
    """The sink reads before it writes, so that twice is once."""

    action = Action.SET_PAYMENT
    capability = PaymentSink
    waits_behind = Waits.UNTIL_HELD
    lapses = True

    async def perform(self, target: TargetAccount, job: Job) -> Result:
        external_id = await known_as(target, job)
        if not isinstance(external_id, str):
            return external_id
        sink = self.sink(target)
        order = job.stored.order
        if order.payment is None:
            return Obsolete(Reason("payment.unknown"))
        own = sellers_side(order)
        act = partial(sink.set_payment, external_id, own.payment or order.payment, own.paid)
        await target.calls.write(self.action.value, act)
        return Done()
