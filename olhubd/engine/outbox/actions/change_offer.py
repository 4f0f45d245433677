"""Changing of an offer what a draft says of it."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec

from olhubd.decide.hold import Hold
from olhubd.engine.outbox.handler import OnHold, Result, WaitRule
from olhubd.engine.outbox.job import Job
from olhubd.engine.outbox.offer_answer import ANSWER, OfferHandler
from olhubd.engine.outbox.target import TargetAccount
from olhubd.model import Action, DeliveryState, OfferDraft, Reason

__all__ = ["ChangeOffer"]


class ChangeOffer(OfferHandler):
    """The same once more changes nothing, so that an unknown outcome is just tried again. Of pieces that is not so:
    buyers take them."""

    action = Action.CHANGE_OFFER
    waits_behind = WaitRule.UNTIL_HELD

    async def perform(self, target: TargetAccount, job: Job[Any]) -> Result:
        delivery = job.delivery
        draft = msgspec.json.decode(delivery.payload, type=OfferDraft)
        if draft.quantity is not None and (delivery.state is DeliveryState.SENT or delivery.unknown_tries):
            # It may be done, and pieces bought since: they would be for sale once more.
            words = delivery.unknown_words or delivery.error or Reason("delivery.settling")
            why = Reason("doubt.tried", times=max(1, delivery.unknown_tries), words=words)
            return OnHold(reason=why, kind=Hold.DOUBT, external_id=job.stored.external_id, field="quantity")
        change = partial(self.sink(target).change_offer, job.stored.external_id, draft)
        return self.answered(target, job, await target.calls.write("change_offer", change, ANSWER))
