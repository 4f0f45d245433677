"""Changing of an offer what a draft says of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec

from olhubd.decide.hold import Hold
from olhubd.decide.offers.differing import without
from olhubd.engine.outbox.handler import OnHold, Result, WaitRule
from olhubd.engine.outbox.job import Job
from olhubd.engine.outbox.offer_answer import ANSWER, OfferHandler, otherwise
from olhubd.engine.outbox.target import TargetAccount
from olhubd.model import Action, Delivery, DeliveryState, Offer, OfferDraft, Reason

__all__ = ["ChangeOffer"]


class ChangeOffer(OfferHandler):
    """The same once more changes nothing, so that an unknown outcome is just tried again. Of pieces that is not so:
    buyers take them."""

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
        answer = await target.calls.write("change_offer", change, ANSWER)
        return self.concluded(target, job, self.answered(target, job, answer))

    def unlike(self, job: Job[Any], offer: Offer) -> OnHold | None:
        return otherwise(_asked(job.delivery), offer)

    def overtaken(self, delivery: Delivery, later: Sequence[Delivery]) -> Delivery | None:
        kept: OfferDraft | None = _asked(delivery)
        for one in later:
            if one.action is self.action and kept is not None:
                kept = without(kept, _asked(one))
        if kept is None:
            return None
        return msgspec.structs.replace(delivery, payload=msgspec.Raw(msgspec.json.encode(kept)))

    def still_ours(self, delivery: Delivery, *, stocked: bool, priced: bool) -> Delivery | None:
        draft = kept = _asked(delivery)
        if stocked:
            kept = msgspec.structs.replace(kept, quantity=None)
        if priced:
            kept = msgspec.structs.replace(kept, price=None)
        if kept == draft:
            return delivery
        if kept == OfferDraft(sku=draft.sku):
            return None
        return msgspec.structs.replace(delivery, payload=msgspec.Raw(msgspec.json.encode(kept)))


def _asked(delivery: Delivery) -> OfferDraft:
    return msgspec.json.decode(delivery.payload, type=OfferDraft)
