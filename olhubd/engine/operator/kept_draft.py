"""A draft of a new offer as it is kept, with the delivery that makes the offer.

The same draft given twice is kept once: it is known by the seller's mark. What was refused before goes on.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from olhubd.decide.offers.making import create_at
from olhubd.decide.plan import PlannedDelivery
from olhubd.engine.errors import NotPossible
from olhubd.engine.operator.offer_request import AskOutcome, drop_publishing
from olhubd.engine.outbox.recorder import Recorder
from olhubd.model import Delivery, DeliveryState, Kind, OfferDraft, Reason, Subject
from olhubd.store import Reader, Transaction, deliveries, offer_drafts, offers
from olhubd.store.offer_drafts import StoredDraft

__all__ = ["keep_draft", "numbers_bearing"]


async def keep_draft(
    tx: Transaction,
    recorder: Recorder,
    account: str,
    draft: OfferDraft,
    who: str,
    *,
    publish: bool,
    gone: Collection[str] = (),
) -> tuple[AskOutcome, StoredDraft]:
    """Keep what an offer is to be, and have it made. Raises NotPossible where it is there, or being made.

    `gone` are the numbers of offers that are surely not there any more.
    """
    known = await offer_drafts.by_sku(tx, account, draft.sku)
    rows: list[Delivery] = []
    if known is not None:
        about = Subject(Kind.DRAFT, known.id)
        rows = (await deliveries.of_subjects(tx, [about])).get(about, [])
    if known is not None and known.offer in gone:
        known = msgspec.structs.replace(known, offer=None)
        # What was to publish the one before is not to publish this one.
        await drop_publishing(tx, recorder, account, [Subject(Kind.DRAFT, known.id)], draft.sku)
    version = known.version + 1 if known is not None else 1
    planned = create_at(account, version, publish=publish)
    making = next((row for row in reversed(rows) if row.action is planned.action), None)
    same = known is not None and (known.draft, known.publish) == (draft, publish)
    under_way = making is not None and making.state.open and making.state is not DeliveryState.HOLD
    if known is not None and same and (under_way or known.offer is not None):
        return AskOutcome.UNCHANGED, known
    if under_way:
        raise NotPossible(Reason("making.under-way", sku=draft.sku))
    there = next((one for one in await numbers_bearing(tx, account, draft.sku) if one not in gone), None)
    if known is not None and known.offer is not None:
        there = there or known.offer
    if there is not None:
        raise NotPossible(Reason("making.there", sku=draft.sku, offer=there))
    stored = StoredDraft(
        id=known.id if known is not None else await tx.next_id("offer_drafts"),
        account=account,
        draft=draft,
        version=version,
        publish=publish,
        made_by=who,
        changed_at=recorder.now,
    )
    await offer_drafts.put(tx, stored)
    subject = Subject(Kind.DRAFT, stored.id)
    event = await recorder.event("offer.make-asked", account, subject, {"sku": draft.sku})
    if making is not None and making.state is DeliveryState.HOLD:
        # What was refused goes on as it was, so that it is looked up before it is sent. What is surely not
        # there need not settle.
        again = msgspec.structs.replace(
            making,
            state=DeliveryState.SENT if making.attempts or making.sent_at is not None else DeliveryState.RETRY,
            due_at=recorder.now,
            reason=None,
            finished_at=None,
            lease_until=None,
            payload=msgspec.Raw(msgspec.json.encode(planned.payload)),
        )
        await deliveries.save(tx, [again])
    else:
        await recorder.owe(subject, planned, event)
    await recorder.write(tx)
    if making is not None and making.state is DeliveryState.DISCARDED and making.sent_at is not None:
        await _go_on_in_doubt(tx, subject, planned, making)
    return AskOutcome.ACCEPTED, stored


async def _go_on_in_doubt(tx: Transaction, subject: Subject, planned: PlannedDelivery, given_up: Delivery) -> None:
    """Let a delivery begin in the doubt in which the one before it was given up: that may still come into being,
    and so long nothing is sent."""
    rows = (await deliveries.of_subjects(tx, [subject]))[subject]
    begun = [
        msgspec.structs.replace(one, state=DeliveryState.SENT, sent_at=given_up.sent_at)
        for one in rows
        if one.action is planned.action and one.key == planned.key
    ]
    await deliveries.save(tx, begun)


async def numbers_bearing(tx: Reader, account: str, sku: str) -> list[str]:
    """The numbers of the account's offers that bear this mark, as they were read."""
    bearing = [one for one in await offers.bearing(tx, [sku], []) if one.account == account]
    bearing += [one for one in await offers.bearing(tx, [sku], [], linked=True) if one.account == account]
    return [one.offer.external_id for one in bearing if one.offer.sku == sku]
