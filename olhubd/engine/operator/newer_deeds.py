"""What of a delivery that waited for a person is still to be done when it is tried again: newer deeds count.

An offer that was published after its end was asked for is not ended by the older request, and one that was ended
is not published by it. What stock control or a price list keeps by now is not written over by an older number.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from olhubd.decide.pricing.rule import PriceRule
from olhubd.decide.stock.policy import StockRule
from olhubd.engine.errors import NotPossible
from olhubd.engine.outbox.actions import HANDLERS
from olhubd.model import Action, Delivery, DeliveryState, Kind, OfferDraft, Reason, Subject
from olhubd.store import Reader, deliveries, events, offer_drafts, offers

__all__ = ["still_due"]

_GIVEN_UP = frozenset({DeliveryState.DISCARDED, DeliveryState.DROPPED, DeliveryState.DEAD})


async def still_due(
    reader: Reader, delivery: Delivery, stock: Sequence[StockRule], prices: Sequence[PriceRule]
) -> Delivery:
    """What of a delivery was not asked for otherwise since. Raises NotPossible where all of it was."""
    rows = [row for some in (await _about(reader, delivery)).values() for row in some if row.id > delivery.id]
    handler = HANDLERS[delivery.action]
    later = [
        one
        for one in rows
        if one.target == delivery.target
        # What was given up may still come into being, and only its own delivery knows until when.
        and (handler.creates or one.state is not DeliveryState.DISCARDED)
    ]
    if (kept := handler.overtaken(delivery, later)) is None:
        raise NotPossible(Reason("delivery.overtaken", delivery=delivery.id))
    if delivery.action is Action.CHANGE_OFFER:
        return await _not_kept(reader, kept, stock, prices)
    if delivery.action is Action.END_OFFER and await _published(reader, delivery, rows):
        raise NotPossible(Reason("delivery.published-since", delivery=delivery.id))
    if delivery.action is Action.PUBLISH_OFFER and _last(rows) is Action.END_OFFER:
        raise NotPossible(Reason("delivery.ended-since", delivery=delivery.id))
    return kept


async def _about(reader: Reader, delivery: Delivery) -> dict[Subject, list[Delivery]]:
    """The deliveries of the same; of an offer that was made here, those of its draft too."""
    about = [delivery.subject]
    if delivery.subject.kind is Kind.OFFER:
        known = (await offers.read(reader, [delivery.subject.id])).get(delivery.subject.id)
        draft = (
            await offer_drafts.by_offer(reader, known.account, known.offer.external_id)
            if known is not None
            else None
        )
        if draft is not None:
            about.append(Subject(Kind.DRAFT, draft.id))
    return await deliveries.of_subjects(reader, about)


def _last(rows: Sequence[Delivery]) -> Action | None:
    """What was asked for last of them: that buyers buy it, or that it is off sale."""
    said = [one for one in rows if one.action in (Action.END_OFFER, Action.PUBLISH_OFFER)]
    valid = [one for one in said if one.state not in _GIVEN_UP]
    return max(valid, key=lambda one: one.id).action if valid else None


async def _published(reader: Reader, delivery: Delivery, rows: Sequence[Delivery]) -> bool:
    """Whether an offer was let be bought after its end was asked for: by a delivery, or by stock control."""
    if _last(rows) is Action.PUBLISH_OFFER:
        return True
    told = (await events.of_subjects(reader, [delivery.subject])).get(delivery.subject, [])
    asked = [event for event in told if event.id > delivery.event_id and event.kind == "stock.resume-asked"]
    ended = [event for event in told if event.kind == "offer.end-asked"]
    return bool(asked) and asked[-1].id > max((event.id for event in ended), default=0)


async def _not_kept(
    reader: Reader, delivery: Delivery, stock: Sequence[StockRule], prices: Sequence[PriceRule]
) -> Delivery:
    """A change without what stock control or a price list keeps by now."""
    draft = msgspec.json.decode(delivery.payload, type=OfferDraft)
    known = (await offers.read(reader, [delivery.subject.id])).get(delivery.subject.id)
    kept = draft
    if any(delivery.target in rule.channels for rule in stock):
        kept = msgspec.structs.replace(kept, quantity=None)
    if known is not None and known.price_sync and any(delivery.target in rule.channels for rule in prices):
        kept = msgspec.structs.replace(kept, price=None)
    if kept == draft:
        return delivery
    if kept == OfferDraft(sku=draft.sku):
        raise NotPossible(Reason("delivery.kept-since", delivery=delivery.id))
    return msgspec.structs.replace(delivery, payload=msgspec.Raw(msgspec.json.encode(kept)))
