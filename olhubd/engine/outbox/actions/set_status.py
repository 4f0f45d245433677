"""Moving an order to a status of the target's own."""

from __future__ import annotations

from functools import partial

import msgspec

from olhubd.decide.plan import StatusPayload
from olhubd.engine.outbox.handler import Done, Obsolete, Result, WaitRule
from olhubd.engine.outbox.job import OrderJob
from olhubd.engine.outbox.on_copy import OnCopy
from olhubd.engine.outbox.target import TargetAccount
from olhubd.model import Action, Reason
from olhubd.plugin import StatusSink

__all__ = ["SetStatus"]


class SetStatus(OnCopy[StatusSink]):
    """The sink reads before it writes, so that twice is once."""

    action = Action.SET_STATUS
    capability = StatusSink
    waits_behind = WaitRule.UNTIL_HELD
    lapses = True

    async def write(self, target: TargetAccount, job: OrderJob, sink: StatusSink, external_id: str) -> Result:
        word = msgspec.json.decode(job.delivery.payload, type=StatusPayload)
        if word.while_paid and not job.stored.order.fully_paid:
            return Obsolete(Reason("order.not-paid"))
        await target.calls.write(self.action.value, partial(sink.set_status, external_id, word.status))
        return Done()
