"""Making an offer, and finding it by the seller's mark when nobody knows whether it was made."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import msgspec

from olhubd.decide.hold import Hold
from olhubd.decide.offers.making import MakePayload, publish_at
from olhubd.decide.plan import PlannedDelivery
from olhubd.engine.outbox.handler import OnHold, Result
from olhubd.engine.outbox.job import Job
from olhubd.engine.outbox.offer_answer import ANSWER, OfferHandler, otherwise
from olhubd.engine.outbox.target import TargetAccount
from olhubd.model import Action, Delivery, DeliveryState, Kind, Offer, OfferState, Reason
from olhubd.store.offer_drafts import StoredDraft

__all__ = ["CreateOffer"]


class CreateOffer(OfferHandler):
    """It is looked up before each try, the first one too: an earlier process with a newer database may have made
    it, and so may the seller."""

    action = Action.CREATE_OFFER
    kinds = frozenset({Kind.DRAFT})
    creates = True
    looks_up = True

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
            if (unlike := _unlike(job, alive[0], sent=sent)) is not None:
                return unlike
            return self.answered(target, job, alive[0], looked_up=True, **({} if sent else {"earlier": True}))
        if found:
            # A second offer would sell beside it as soon as anybody brings that one back.
            why = Reason("making.ended", sku=sku, offer=found[0].external_id)
            return OnHold(reason=why, kind=Hold.OTHER, sent=True, external_id=found[0].external_id, field="sku")
        return None

    def unlike(self, job: Job[StoredDraft], offer: Offer) -> OnHold | None:
        return _unlike(job, offer, sent=True)

    async def perform(self, target: TargetAccount, job: Job[StoredDraft]) -> Result:
        make = partial(self.sink(target).create_offer, job.stored.draft)
        answer = await target.calls.write("create_offer", make, ANSWER)
        return self.concluded(target, job, self.answered(target, job, answer))

    def overtaken(self, delivery: Delivery, later: Sequence[Delivery]) -> Delivery | None:
        # That one makes it, or may have: neither waits for the other, and both would find nothing there.
        return None if any(one.action is self.action for one in later) else delivery

    def following(self, target: TargetAccount, job: Job[StoredDraft]) -> Sequence[PlannedDelivery]:
        asked = msgspec.json.decode(job.delivery.payload, type=MakePayload)
        return (publish_at(target.name, job.delivery.key),) if asked.publish else ()


def _unlike(job: Job[StoredDraft], offer: Offer, *, sent: bool) -> OnHold | None:
    """Held where the offer with this mark is not what is asked for: the seller's own, or made of an earlier version
    of the draft. It would be published with a price and pieces that nobody asked for. `sent`: it was sent from
    here."""
    draft, delivery = job.stored.draft, job.delivery
    if sent and delivery.external_id is None and delivery.key == str(job.stored.version):
        # Its title may be put otherwise there.
        return otherwise(msgspec.structs.replace(draft, name=None), offer)
    costs = draft.price is None or draft.price.rounded() == offer.price
    # What can be bought may have been bought since it was made.
    if costs and (offer.state is OfferState.ACTIVE or draft.quantity in (None, offer.quantity)):
        return None
    why = Reason("making.there", sku=draft.sku, offer=offer.external_id)
    return OnHold(reason=why, kind=Hold.OTHER, sent=True, external_id=offer.external_id, field="sku")
