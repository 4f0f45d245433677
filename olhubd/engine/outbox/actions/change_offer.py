"""Changing of an offer what a draft says of it."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec

from olhubd.engine.outbox.handler import Result, WaitRule
from olhubd.engine.outbox.job import Job
from olhubd.engine.outbox.offer_answer import ANSWER, OfferHandler
from olhubd.engine.outbox.target import TargetAccount
from olhubd.model import Action, OfferDraft

__all__ = ["ChangeOffer"]


class ChangeOffer(OfferHandler):
    """The same once more changes nothing, so that an unknown outcome is just tried again."""

    action = Action.CHANGE_OFFER
    waits_behind = WaitRule.UNTIL_HELD

    async def perform(self, target: TargetAccount, job: Job[Any]) -> Result:
        draft = msgspec.json.decode(job.delivery.payload, type=OfferDraft)
        change = partial(self.sink(target).change_offer, job.stored.external_id, draft)
        return self.answered(target, job, await target.calls.write("change_offer", change, ANSWER))
