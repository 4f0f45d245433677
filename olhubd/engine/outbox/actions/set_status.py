"""Moving an order to a status of the target's own."""

from __future__ import annotations

from functools import partial

import msgspec

from olhubd.decide.plan import StatusWord
from olhubd.engine.outbox.handler import Done, Handler, Obsolete, Result, Waits
from olhubd.engine.outbox.job import Job
from olhubd.engine.outbox.renumbered import known_as
from olhubd.engine.outbox.target import TargetAccount
from olhubd.model import Action, Reason
from olhubd.plugin import StatusSink

__all__ = ["SetStatus"]


class SetStatus(Handler[StatusSink]):
    """The sink reads before it writes, so that twice is once."""

    action = Action.SET_STATUS
    capability = StatusSink
    waits_behind = Waits.UNTIL_HELD
    lapses = True

    async def perform(self, target: TargetAccount, job: Job) -> Result:
        external_id = await known_as(target, job)
        if not isinstance(external_id, str):
            return external_id
        word = msgspec.json.decode(job.delivery.payload, type=StatusWord)
        if word.while_paid and not job.stored.order.fully_paid:
            return Obsolete(Reason("order.not-paid"))
        act = partial(self.sink(target).set_status, external_id, word.status)
        await target.calls.write(self.action.value, act)
        return Done()
