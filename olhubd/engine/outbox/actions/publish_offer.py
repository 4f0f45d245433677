"""Letting buyers buy an offer that is a draft."""

from __future__ import annotations

from functools import partial
from typing import Any

from olhubd.engine.outbox.handler import Obsolete, Result, Reverse, WaitRule
from olhubd.engine.outbox.job import Job
from olhubd.engine.outbox.offer_answer import ANSWER, OfferHandler, number_of
from olhubd.engine.outbox.target import TargetAccount
from olhubd.model import Action, Kind, Reason

__all__ = ["PublishOffer"]


class PublishOffer(OfferHandler):
    """Of what the hub has made, and of any other draft. The sink reads before it writes, so that twice is once."""

    action = Action.PUBLISH_OFFER
    kinds = frozenset({Kind.DRAFT, Kind.OFFER})
    waits_behind = WaitRule.UNTIL_HELD
    reverse = Reverse(action=Action.END_OFFER, why="delivery.ended-since")

    async def perform(self, target: TargetAccount, job: Job[Any]) -> Result:
        if (number := number_of(job)) is None:
            return Obsolete(Reason("making.not-made"))
        publish = partial(self.sink(target).publish_offer, number)
        return self.answered(target, job, await target.calls.write("publish_offer", publish, ANSWER))
