"""What another version of the hub planned: this one does not know what is to be done, so it does nothing."""

from __future__ import annotations

from typing import Any

from olhubd.decide.hold import Hold
from olhubd.engine.outbox.handler import Handler, OnHold, Result
from olhubd.engine.outbox.job import Job
from olhubd.engine.outbox.target import TargetAccount
from olhubd.model import Action, Reason

__all__ = ["UnknownAction"]


class UnknownAction(Handler[Any]):
    """It acts for no kind of record, so that its deliveries are held where they are claimed."""

    action = Action.UNKNOWN_ACTION
    kinds = frozenset()
    capability = None
    on_copy = False

    async def perform(self, target: TargetAccount, job: Job[Any]) -> Result:
        return OnHold(reason=job.delivery.reason or Reason("delivery.damaged"), kind=Hold.UNABLE)
