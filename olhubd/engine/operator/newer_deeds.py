"""What of a delivery that waited for a person is still to be done when it is tried again: newer deeds count.

An offer that was published after its end was asked for is not ended by the older request, and one that was ended
is not published by it. What stock control or a price list keeps by now is not written over by an older number.
"""

from __future__ import annotations

from collections.abc import Sequence

from olhubd.decide.pricing.rule import PriceRule
from olhubd.decide.stock.policy import StockRule
from olhubd.engine.errors import NotPossible
from olhubd.engine.outbox.actions import HANDLERS
from olhubd.engine.outbox.handler import Reverse
from olhubd.model import Delivery, DeliveryState, Kind, Reason, Subject
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
    if handler.reverse is not None and await _undone(reader, delivery, handler.reverse, rows):
        raise NotPossible(Reason(handler.reverse.why, delivery=delivery.id))
    stocked = any(delivery.target in rule.channels for rule in stock)
    priced = any(delivery.target in rule.channels for rule in prices) and await _follows(reader, delivery.subject)
    if (ours := handler.still_ours(kept, stocked=stocked, priced=priced)) is None:
        raise NotPossible(Reason("delivery.kept-since", delivery=delivery.id))
    return ours


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


async def _undone(reader: Reader, delivery: Delivery, reverse: Reverse, rows: Sequence[Delivery]) -> bool:
    """Whether what undoes it was asked for after it and is the last word: by a delivery, or by an event."""
    said = [one for one in rows if one.action in (delivery.action, reverse.action) and one.state not in _GIVEN_UP]
    if said and max(said, key=lambda one: one.id).action is reverse.action:
        return True
    if not reverse.events:
        return False
    found = (await events.of_subjects(reader, [delivery.subject])).get(delivery.subject, [])
    since = [event for event in found if event.id > delivery.event_id]
    words = [event.kind for event in since if event.kind == reverse.asked or event.kind in reverse.events]
    return bool(words) and words[-1] in reverse.events


async def _follows(reader: Reader, subject: Subject) -> bool:
    """Whether the price of an offer follows its product."""
    known = (await offers.read(reader, [subject.id])) if subject.kind is Kind.OFFER else {}
    return subject.id in known and known[subject.id].price_sync
