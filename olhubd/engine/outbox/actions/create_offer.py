"""Making an offer, and finding it by the seller's mark when nobody knows whether it was made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import msgspec

from olhubd.decide.hold import Hold
from olhubd.decide.offers.making import MakePayload, publish_at
from olhubd.decide.plan import PlannedDelivery
from olhubd.engine.outbox.handler import OnHold, Result
from olhubd.engine.outbox.job import Job
from olhubd.engine.outbox.offer_answer import ANSWER, OfferHandler
from olhubd.engine.outbox.target import TargetAccount
from olhubd.model import Action, DeliveryState, Kind, Offer, OfferState, Reason
from olhubd.store.offer_drafts import StoredDraft

__all__ = ["CreateOffer"]


class CreateOffer(OfferHandler):
    """It is looked up before each try, the first one too: an earlier process with a newer database may have made
    it, and so may the seller."""

    action = Action.CREATE_OFFER
    kinds = frozenset({Kind.DRAFT})
    creates = True
    looks_up = True

    def settle(self, target: TargetAccount, job: Job[StoredDraft]) -> timedelta:
        return self.sink(target).offer_settle

    async def look_up(self, target: TargetAccount, job: Job[StoredDraft]) -> Result | None:
        sku = job.stored.draft.sku
        look = partial(self.sink(target).find_offers, sku)
        answer: Sequence[Offer] = await target.calls.read("find_offers", look, Sequence)
        found = [one for one in answer if one.sku == sku]
        alive = [one for one in found if one.state is not OfferState.ENDED]
        if len(alive) > 1:
            numbers = ", ".join(one.external_id for one in alive)
            why = Reason("making.several", sku=sku, offers=numbers)
            return OnHold(reason=why, kind=Hold.DOUBLED, sent=True, field="sku")
        if alive:
            sent = job.delivery.state is DeliveryState.SENT and job.delivery.sent_at is not None
            return self.answered(target, job, alive[0], looked_up=True, **({} if sent else {"earlier": True}))
        if found:
            # A second offer would sell beside it as soon as anybody brings that one back.
            why = Reason("making.ended", sku=sku, offer=found[0].external_id)
            return OnHold(reason=why, kind=Hold.OTHER, sent=True, external_id=found[0].external_id, field="sku")
        return None

    async def perform(self, target: TargetAccount, job: Job[StoredDraft]) -> Result:
        make = partial(self.sink(target).create_offer, job.stored.draft)
        return self.answered(target, job, await target.calls.write("create_offer", make, ANSWER))

    def following(self, target: TargetAccount, job: Job[StoredDraft]) -> Sequence[PlannedDelivery]:
        asked = msgspec.json.decode(job.delivery.payload, type=MakePayload)
        return (publish_at(target.name, job.delivery.key),) if asked.publish else ()
