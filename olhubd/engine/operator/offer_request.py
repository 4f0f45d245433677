"""What a person asks of an offer that is there, as a delivery: to publish, change or end it.

An offer that a person ends stays ended: what would bring it back or publish it is dropped in the same transaction.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence

import msgspec

from olhubd.decide.offers.making import publish_at
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
    **facts: object,
) -> AskOutcome:
    """Have this done to an offer, unless the same waits to be done. `for_good`: it is not brought back."""
    subject = Subject(Kind.OFFER, known.id)
    rows = (await deliveries.of_subjects(tx, [subject])).get(subject, [])
    asked = planned("")
    payload = codec.encode(asked.payload) if asked.payload is not None else b"{}"
    waiting = [row for row in rows if row.state in (DeliveryState.PENDING, DeliveryState.RETRY)]
    if waiting and waiting[-1].action is asked.action and bytes(waiting[-1].payload) == payload:
        return AskOutcome.UNCHANGED
    told: dict[str, object] = {"offer": known.offer.external_id, **facts}
    event = await recorder.event(kind, known.account, subject, told)
    await recorder.owe(subject, planned(str(event)), event)
    if for_good:
        await _resume_no_more(tx, known.id)
        await _unpublish(tx, recorder, known)
    await recorder.write(tx)
    return AskOutcome.ACCEPTED


async def leave_ended(tx: Transaction, recorder: Recorder, known: StoredOffer) -> AskOutcome:
    """What has ended already, as by stock control, is left so from now on."""
    if not await _resume_no_more(tx, known.id):
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


async def _unpublish(tx: Transaction, recorder: Recorder, known: StoredOffer) -> None:
    """Drop what would publish an offer after it was ended: deliveries of its draft wait for no others of it."""
    number, subject = known.offer.external_id, Subject(Kind.OFFER, known.id)
    draft = await offer_drafts.by_offer(tx, known.account, number)
    about = [subject, *([Subject(Kind.DRAFT, draft.id)] if draft is not None else [])]
    await drop_publishing(tx, recorder, known.account, about, known.offer.sku or number, behind=subject)


async def drop_publishing(
    tx: Transaction,
    recorder: Recorder,
    account: str,
    about: Sequence[Subject],
    mark: str,
    *,
    behind: Subject | None = None,
) -> None:
    """Drop what would publish these. What is under way is left where what is asked waits `behind` it; otherwise
    that raises NotPossible."""
    found = await deliveries.of_subjects(tx, about)
    publishes = publish_at(account, "").action
    for row in (row for rows in found.values() for row in rows if row.action is publishes):
        if not row.state.open:
            continue
        if row.state is DeliveryState.SENT:
            if row.subject == behind:
                continue
            raise NotPossible(Reason("making.under-way", sku=mark))
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
