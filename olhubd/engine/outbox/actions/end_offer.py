"""Taking an offer off sale."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

from olhubd.engine.outbox.handler import Result, Reverse, WaitRule
from olhubd.engine.outbox.job import Job
from olhubd.engine.outbox.offer_answer import ANSWER, OfferHandler
from olhubd.engine.outbox.target import TargetAccount
from olhubd.model import Action

__all__ = ["EndOffer"]


class EndOffer(OfferHandler):
    """The sink reads before it writes, so that twice is once. It does not wait behind a change that was refused, or
    that waits for its next try: that puts nothing on sale."""

    action = Action.END_OFFER
    waits_behind = WaitRule.UNTIL_HELD
    passes = frozenset({Action.CHANGE_OFFER})
    reverse = Reverse(
        action=Action.PUBLISH_OFFER,
        why="delivery.published-since",
        asked="offer.end-asked",
        events=frozenset({"stock.resume-asked"}),
    )

    def settle(self, target: TargetAccount, job: Job[Any]) -> timedelta:
        return timedelta()  # what is to be off sale waits for nothing, and twice is once

    async def perform(self, target: TargetAccount, job: Job[Any]) -> Result:
        end = partial(self.sink(target).end_offer, job.stored.external_id)
        return self.answered(target, job, await target.calls.write("end_offer", end, ANSWER))
