"""What a sink's answer about an offer means, for each action that writes to one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from types import NoneType
from typing import Any

from olhubd.decide.plan import PlannedDelivery
from olhubd.engine.outbox.handler import Done, Handler, Result, Submitted
from olhubd.engine.outbox.job import Job
from olhubd.engine.outbox.target import TargetAccount
from olhubd.model import Kind, Offer
from olhubd.plugin import OfferSink, OfferTicket
from olhubd.store.offer_drafts import StoredDraft

__all__ = ["ANSWER", "OfferHandler", "number_of"]

ANSWER = (Offer, OfferTicket)
"""What a sink may answer to a write."""


class OfferHandler(Handler[OfferSink]):
    """An action about an offer of the target: what is accepted and done later is asked for under its ticket."""

    kinds = frozenset({Kind.OFFER})
    capability = OfferSink
    unable = "unable.offers"
    on_copy = False

    def settle(self, target: TargetAccount, job: Job[Any]) -> timedelta:
        return self.sink(target).offer_settle

    async def report(self, target: TargetAccount, job: Job[Any], ticket: str) -> Result | None:
        ask = partial(self.sink(target).report_offer, ticket)
        answer = await target.calls.read("report_offer", ask, (*ANSWER, NoneType))
        return self.answered(target, job, answer) if answer is not None else None

    def answered(
        self, target: TargetAccount, job: Job[Any], answer: Offer | OfferTicket, **facts: object
    ) -> Done | Submitted:
        """Done with the offer as it was read, or submitted."""
        if isinstance(answer, OfferTicket):
            return Submitted(answer.ticket, answer.after)
        told = {"offer": answer.external_id, "state": answer.external_state or answer.state.value, **facts}
        return Done(external_id=answer.external_id, facts=told, offer=answer, planned=self.following(target, job))

    def following(self, target: TargetAccount, job: Job[Any]) -> Sequence[PlannedDelivery]:
        """What is to be done when it is done."""
        return ()


def number_of(job: Job[Any]) -> str | None:
    """The offer's number at its marketplace; None where a draft was not made yet."""
    stored = job.stored
    return stored.offer if isinstance(stored, StoredDraft) else stored.external_id
