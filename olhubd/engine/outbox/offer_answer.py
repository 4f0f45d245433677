"""What a sink's answer about an offer means, for each action that writes to one.

What was made or changed is done when the offer shows what was asked for. One that shows it otherwise is looked at
again for a while, where there is a ticket to ask by, and waits for a person then.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from types import NoneType
from typing import Any

from olhubd.decide.hold import Hold
from olhubd.decide.offers.differing import differing
from olhubd.decide.plan import PlannedDelivery
from olhubd.engine.outbox.handler import Done, Handler, OnHold, Result, Submitted
from olhubd.engine.outbox.job import Job
from olhubd.engine.outbox.target import TargetAccount
from olhubd.model import Kind, Offer, OfferDraft, Reason, chained
from olhubd.plugin import OfferSink, OfferTicket
from olhubd.store.offer_drafts import StoredDraft

__all__ = ["ANSWER", "OfferHandler", "number_of", "otherwise"]

ANSWER = (Offer, OfferTicket)
"""What a sink may answer to a write."""
_SHOWN_LATE = timedelta(minutes=1)
"""For how long an offer may be shown as it was before."""
_LOOKS = 5.0
"""Seconds until it is looked at again."""


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
        return (
            self.concluded(target, job, self.answered(target, job, answer), ticket) if answer is not None else None
        )

    def unlike(self, job: Job[Any], offer: Offer) -> OnHold | None:
        """Held where the offer, as it was read after it was written, is not what was asked for."""
        return None

    def concluded(self, target: TargetAccount, job: Job[Any], found: Result, ticket: str | None = None) -> Result:
        """What became of a write by its answer, or by the report under `ticket`."""
        if not isinstance(found, Done) or found.offer is None or (held := self.unlike(job, found.offer)) is None:
            return found
        sent = job.delivery.sent_at
        if ticket is not None and sent is not None and target.clock.now() - sent < _SHOWN_LATE:
            return Submitted(ticket, _LOOKS)
        return held

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


def otherwise(asked: OfferDraft, offer: Offer) -> OnHold | None:
    """Held where the offer shows what was asked for otherwise, with the fields that differ."""
    if not (flaws := differing(asked, offer)):
        return None
    words = chained(Reason("with-field", reason=one.why, field=one.field) for one in flaws)
    why = Reason("making.differs", offer=offer.external_id, why=words)
    return OnHold(reason=why, kind=Hold.OTHER, sent=True, external_id=offer.external_id, field=flaws[0].field)
