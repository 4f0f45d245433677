"""An offer that was just written at its marketplace comes into the mirror of offers, in the same transaction.

So it is linked to what it sells before anybody can buy it, and need not wait for the next reading of all offers.
Where stock control keeps the account, its leveller publishes it: filled with what may be sold, read, activated.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from olhubd.decide.route import Route
from olhubd.decide.stock.policy import StockRule
from olhubd.engine.flow.flow import Asked, FlowContext
from olhubd.engine.flow.offers import OfferFlow
from olhubd.engine.flow.prepared import Candidate
from olhubd.engine.outbox.job import DeliveryOutcome
from olhubd.engine.outbox.recorder import Recorder
from olhubd.model import Cause, Kind, Offer, Run, RunId, Subject
from olhubd.store import Transaction, codec, levels, offer_drafts, offers

__all__ = ["land_offer", "put_on_sale"]

_FEED = "offers"
_LANDS = OfferFlow()


async def put_on_sale(
    tx: Transaction,
    recorder: Recorder,
    target: str,
    outcome: DeliveryOutcome,
    routes: Sequence[Route],
    rules: Sequence[StockRule],
) -> DeliveryOutcome:
    """Store the offer that was read, if any. Gives the outcome, without its publishing where the leveller does
    that."""
    if (offer := outcome.offer) is None:
        return outcome
    delivery = outcome.delivery
    cause = Cause("delivery", str(delivery.id))
    # It was asked for after its delivery was planned; nothing surer is known here.
    recorder.targets |= await land_offer(tx, target, offer, delivery.event_id, recorder.now, cause, routes, rules)
    if delivery.subject.kind is not Kind.DRAFT:
        return outcome
    await offer_drafts.made(tx, delivery.subject.id, offer.external_id)
    stocked = any(target in rule.channels for rule in rules)
    if not stocked or not outcome.planned:
        return outcome
    draft = (await offer_drafts.read(tx, [delivery.subject.id]))[delivery.subject.id]
    stored = (await offers.by_external(tx, target, [offer.external_id])).get(offer.external_id)
    row = (await levels.of_offers(tx, [stored.id])).get(stored.id) if stored is not None else None
    facts: dict[str, object] = {"offer": offer.external_id, "sku": draft.draft.sku}
    if row is None or stored is None:
        # Nobody knows how many there are of what it sells, so it stays a draft, and that is said.
        await recorder.event("offer.not-published", target, delivery.subject, facts, cause)
    elif not row.active:
        await levels.put(tx, [msgspec.structs.replace(row, resume_by=draft.made_by, tries=0, due_at=None)])
        about = Subject(Kind.OFFER, stored.id)
        await recorder.event("stock.resume-asked", target, about, {"offer": offer.external_id}, cause)
    return msgspec.structs.replace(outcome, planned=())


async def land_offer(
    tx: Transaction,
    account: str,
    offer: Offer,
    after: int,
    now: datetime,
    cause: Cause,
    routes: Sequence[Route],
    rules: Sequence[StockRule],
) -> set[str]:
    """Store one offer as it was read; `after` was the newest event when it was asked for. Gives the accounts for
    which something is pending by that."""
    run = Run(id=RunId(0), account=account, feed=_FEED, trigger=cause.kind, started_at=now)
    context = FlowContext(tx, account, run, now, routes, rules=rules, asked=Asked(after=after))
    context.recorder = Recorder(tx, now, cause, decided=True)
    document = codec.encode(offer)
    candidate = Candidate(offer, document, codec.digest(document), _LANDS.objection(offer))
    await _LANDS.land(context, [candidate])
    await context.follow()
    await context.recorder.write(tx)
    return context.recorder.targets
