"""Changing of an offer what a draft says of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import msgspec

from olhubd.decide.hold import Hold
from olhubd.decide.offers.differing import differing, without
from olhubd.engine.outbox.handler import Done, OnHold, Result, Submitted, WaitRule
from olhubd.engine.outbox.job import Job
from olhubd.engine.outbox.offer_answer import ANSWER, OfferHandler
from olhubd.engine.outbox.target import TargetAccount
from olhubd.model import Action, Delivery, DeliveryState, OfferDraft, Reason, chained

__all__ = ["ChangeOffer"]

_SHOWN_LATE = timedelta(minutes=1)
"""For how long an offer may be shown as it was before."""
_LOOKS = 5.0
"""Seconds until it is looked at again."""


class ChangeOffer(OfferHandler):
    """The same once more changes nothing, so that an unknown outcome is just tried again. Of pieces that is not so:
    buyers take them. It is done when the offer shows what was asked for."""

    action = Action.CHANGE_OFFER
    waits_behind = WaitRule.UNTIL_HELD

    async def perform(self, target: TargetAccount, job: Job[Any]) -> Result:
        delivery = job.delivery
        draft = _asked(delivery)
        if draft.quantity is not None and (delivery.state is DeliveryState.SENT or delivery.unknown_tries):
            # It may be done, and pieces bought since: they would be for sale once more.
            words = delivery.unknown_words or delivery.error or Reason("delivery.settling")
            why = Reason("doubt.tried", times=max(1, delivery.unknown_tries), words=words)
            return OnHold(reason=why, kind=Hold.DOUBT, external_id=job.stored.external_id, field="quantity")
        change = partial(self.sink(target).change_offer, job.stored.external_id, draft)
        answer = self.answered(target, job, await target.calls.write("change_offer", change, ANSWER))
        return _otherwise(job, answer) or answer

    async def report(self, target: TargetAccount, job: Job[Any], ticket: str) -> Result | None:
        found = await super().report(target, job, ticket)
        if found is None or (other := _otherwise(job, found)) is None:
            return found
        sent = job.delivery.sent_at
        if sent is not None and target.clock.now() - sent < _SHOWN_LATE:
            return Submitted(ticket, _LOOKS)
        return other

    def overtaken(self, delivery: Delivery, later: Sequence[Delivery]) -> Delivery | None:
        kept: OfferDraft | None = _asked(delivery)
        for one in later:
            if one.action is self.action and kept is not None:
                kept = without(kept, _asked(one))
        if kept is None:
            return None
        return msgspec.structs.replace(delivery, payload=msgspec.Raw(msgspec.json.encode(kept)))


def _asked(delivery: Delivery) -> OfferDraft:
    return msgspec.json.decode(delivery.payload, type=OfferDraft)


def _otherwise(job: Job[Any], found: Result) -> OnHold | None:
    """Held where the offer, as it was read, is not what was asked for."""
    if not isinstance(found, Done) or found.offer is None:
        return None
    if not (flaws := differing(_asked(job.delivery), found.offer)):
        return None
    words = chained(Reason("with-field", reason=one.why, field=one.field) for one in flaws)
    why = Reason("making.differs", offer=found.offer.external_id, why=words)
    return OnHold(reason=why, kind=Hold.OTHER, sent=True, external_id=found.offer.external_id, field=flaws[0].field)
