"""What a person asks of an offer that is there, as a delivery: to publish, change or end it.

An offer that a person ends stays ended: what would bring it back or publish it is dropped in the same transaction.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from datetime import timedelta

import msgspec

from olhubd.decide.offers.making import create_at, publish_at
from olhubd.decide.plan import PlannedDelivery
from olhubd.engine.errors import NotPossible
from olhubd.engine.levels.wanted import freed
from olhubd.engine.outbox.recorder import Recorder
from olhubd.model import DeliveryState, Kind, Reason, Subject
from olhubd.store import Transaction, codec, deliveries, levels, offer_drafts, sales_stops
from olhubd.store.offers import StoredOffer

__all__ = ["AskOutcome", "drop_publishing", "leave_ended", "request"]


class AskOutcome(enum.StrEnum):
    """What became of what was asked."""

    ACCEPTED = "accepted"
    UNCHANGED = "unchanged"
    """The same was asked before: it is under way, or done."""
    REFUSED = "refused"
    CHECKED = "checked"
    """It was only to be looked at, and nothing is wrong with it."""


async def request(
    tx: Transaction,
    recorder: Recorder,
    known: StoredOffer,
    kind: str,
    planned: Callable[[str], PlannedDelivery],
    *,
    for_good: bool = False,
    settle: timedelta = timedelta(),
    **facts: object,
) -> AskOutcome:
    """Have this done to an offer, unless the same waits to be done. `for_good`: it is not brought back, and where a
    publishing is in doubt it is done once more when that has settled, after `settle`. Raises NotPossible while the
    offer is being made: what follows from that would come after this."""
    making = await offer_drafts.by_sku(tx, known.account, known.offer.sku) if known.offer.sku else None
    if making is not None and await _under_way(tx, known.account, making.id):
        raise NotPossible(Reason("making.under-way", sku=making.draft.sku))
    subject = Subject(Kind.OFFER, known.id)
    rows = (await deliveries.of_subjects(tx, [subject])).get(subject, [])
    asked = planned("")
    payload = codec.encode(asked.payload) if asked.payload is not None else b"{}"
    waiting = [row for row in rows if row.state in (DeliveryState.PENDING, DeliveryState.RETRY)]
    if waiting and waiting[-1].action is asked.action and bytes(waiting[-1].payload) == payload:
        return AskOutcome.UNCHANGED
    told: dict[str, object] = {"offer": known.offer.external_id, **facts}
    event = await recorder.event(kind, known.account, subject, told)
    owed = planned(str(event))
    if not for_good:
        # What a person gave up in doubt may still act, and would undo this.
        unsure = [row.due_at for row in rows if row.state is DeliveryState.DISCARDED and row.unknown_tries]
        waits = max([(due - recorder.now).total_seconds() for due in unsure], default=0.0)
        owed = msgspec.structs.replace(owed, delay=max(owed.delay, waits))
    await recorder.owe(subject, owed, event)
    if for_good:
        await _resume_no_more(tx, known.id)
        if await _unpublish(tx, recorder, known):
            once_more = planned(f"{event}-settled")
            again = msgspec.structs.replace(once_more, delay=settle.total_seconds())
            await recorder.owe(subject, again, event)
    await recorder.write(tx)
    return AskOutcome.ACCEPTED


async def leave_ended(tx: Transaction, recorder: Recorder, known: StoredOffer) -> AskOutcome:
    """What has ended already, as by stock control, is left so from now on."""
    comes_back = await _resume_no_more(tx, known.id)
    # What would publish it waits for a person perhaps, who would bring it back by trying that again.
    await _unpublish(tx, recorder, known)
    if not comes_back and not recorder.events:
        return AskOutcome.UNCHANGED
    told: dict[str, object] = {"offer": known.offer.external_id}
    await recorder.event("offer.end-asked", known.account, Subject(Kind.OFFER, known.id), told)
    await recorder.write(tx)
    return AskOutcome.ACCEPTED


async def _resume_no_more(tx: Transaction, offer: int) -> bool:
    """Bring an offer back no more by itself: a person ends it. Gives whether it would have come back."""
    row = (await levels.of_offers(tx, [offer])).get(offer)
    if row is None:
        return False
    stopped = bool(await sales_stops.to_resume(tx, row.account, [offer]))
    await sales_stops.forget(tx, [offer])
    if row.resumes or row.resume_by is not None:
        await levels.put(tx, [msgspec.structs.replace(row, resumes=False, resume_by=None)])
        if row.allocated:
            await freed(tx, [offer])
        return True
    return stopped


async def _under_way(tx: Transaction, account: str, draft: int) -> bool:
    """Whether a draft is being made into an offer, and waits for no person."""
    about = Subject(Kind.DRAFT, draft)
    creates = create_at(account, 0, publish=False).action
    rows = (await deliveries.of_subjects(tx, [about])).get(about, [])
    return any(one.action is creates and one.state.open and one.state is not DeliveryState.HOLD for one in rows)


async def _unpublish(tx: Transaction, recorder: Recorder, known: StoredOffer) -> bool:
    """Drop what would publish an offer after it was ended: deliveries of its draft wait for no others of it. Gives
    whether one of them may still act."""
    number, subject = known.offer.external_id, Subject(Kind.OFFER, known.id)
    draft = await offer_drafts.by_offer(tx, known.account, number)
    about = [subject, *([Subject(Kind.DRAFT, draft.id)] if draft is not None else [])]
    return await drop_publishing(tx, recorder, known.account, about, known.offer.sku or number, behind=subject)


async def drop_publishing(
    tx: Transaction,
    recorder: Recorder,
    account: str,
    about: Sequence[Subject],
    mark: str,
    *,
    behind: Subject | None = None,
) -> bool:
    """Drop what would publish these, and give whether one of them was tried and may still act. What is under
    way is left where what is asked waits `behind` it; otherwise that raises NotPossible."""
    doubtful = False
    found = await deliveries.of_subjects(tx, about)
    publishes = publish_at(account, "").action
    for row in (row for rows in found.values() for row in rows if row.action is publishes):
        if not row.state.open:
            continue
        if row.state is DeliveryState.SENT:
            if row.subject == behind:
                continue
            raise NotPossible(Reason("making.under-way", sku=mark))
        doubtful = doubtful or row.attempts > 0
        why = Reason("delivery.replaced")
        dropped = msgspec.structs.replace(
            row, state=DeliveryState.DROPPED, reason=why, finished_at=recorder.now, lease_until=None
        )
        await deliveries.save(tx, [dropped])
        facts: dict[str, object] = {
            "delivery": row.id,
            "action": row.action.value,
            "target": row.target,
            "reason": why,
        }
        await recorder.event("delivery.dropped", account, row.subject, facts)
    return doubtful
