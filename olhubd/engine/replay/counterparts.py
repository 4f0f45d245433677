"""Which row of the scratch database stands for a delivery of an input, and orders as people changed them.

A delivery has the time at which it was planned, which is the input's. So it is known by that beside its order,
target, action and key, also where the same was planned a second time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from olhubd.decide.override import Override
from olhubd.engine.replay.diff import stem
from olhubd.engine.replay.recording import ManualChange, OrderImage
from olhubd.model import Delivery, DeliveryId, DeliveryState, Event, EventId, OrderId, Subject
from olhubd.store import Transaction, codec, deliveries, events, orders, overrides, target_orders

__all__ = ["as_here", "change", "counterpart"]


def counterpart(delivery: Delivery, rows: Sequence[Delivery]) -> Delivery | None:
    """The row here of a delivery there: the same one, or after other decisions the one in its place."""
    same = [row for row in rows if _alike(row, delivery)]
    exact = [row for row in same if row.created_at == delivery.created_at]
    for some in (exact, same):
        if len(some) == 1:
            return some[0]
        if (row := next((row for row in some if row.state.open), None)) is not None:
            return row
    return None


def _alike(one: Delivery, other: Delivery) -> bool:
    """Whether the same is planned for the same account."""
    return (one.target, one.action, stem(one.key)) == (other.target, other.action, stem(other.key))


def as_here(delivery: Delivery, mine: Delivery) -> Delivery:
    """The row here as it became there."""
    return msgspec.structs.replace(
        delivery,
        id=mine.id,
        subject=mine.subject,
        key=mine.key,
        event_id=mine.event_id,
        created_at=mine.created_at,
        payload=mine.payload,
    )


async def change(tx: Transaction, made: ManualChange, here: Mapping[Subject, Subject]) -> None:
    """Append the events of a change by hand, and set its orders, and deliveries about other records, to their state
    after it.

    `here` maps the subjects of the input to those of this database.
    """
    images = {here[Subject.order(one.id)]: one for one in made.orders if Subject.order(one.id) in here}
    rows = await orders.read(tx, [subject.id for subject in images]) if images else {}
    became: dict[Subject, Sequence[Delivery]] = {subject: one.deliveries for subject, one in images.items()}
    became.update((here[one.subject], one.deliveries) for one in made.others if one.subject in here)
    known = await deliveries.of_subjects(tx, sorted(became)) if became else {}
    mine: dict[int, Delivery] = {}
    for subject, there in became.items():
        mine.update(_matched(there, known.get(subject, ()), {event.id for event in made.events}))
    numbers: dict[EventId, EventId] = {}
    for event in made.events:
        if event.subject is None or event.subject in here:
            numbers[event.id] = EventId(await tx.next_id("events"))
            about = here[event.subject] if event.subject is not None else None
            here_data = _data(event, mine)
            await events.append(
                tx, [msgspec.structs.replace(event, id=numbers[event.id], subject=about, data=here_data)]
            )
    for subject, there in became.items():
        if subject in images:
            await _image(tx, images[subject], rows[subject.order_id], here)
        for delivery in there:
            if (row := mine.get(delivery.id)) is not None:
                now = as_here(delivery, row)
                if row.state is DeliveryState.DISCARDED and now.state is DeliveryState.DEAD:
                    # Earlier versions recorded both as dead; the one never becomes the other.
                    now = msgspec.structs.replace(now, state=DeliveryState.DISCARDED)
                await deliveries.save(tx, [now])
            elif event_id := numbers.get(delivery.event_id):
                key = delivery.key.replace(f"#{delivery.event_id}", f"#{event_id}")
                added = DeliveryId(await tx.next_id("deliveries"))
                new = msgspec.structs.replace(delivery, id=added, subject=subject, event_id=event_id, key=key)
                await deliveries.add(tx, [new])


def _matched(there: Sequence[Delivery], rows: Sequence[Delivery], new: set[EventId]) -> dict[int, Delivery]:
    """The rows here of the deliveries of a record there, by the numbers there. No row is taken for two of them.

    Those that the `new` events caused are not here yet.
    """
    found: dict[int, Delivery] = {}
    free = sorted(rows, key=lambda row: row.id)
    for exactly in (True, False):
        for delivery in sorted(there, key=lambda one: one.id):
            if delivery.id in found or delivery.event_id in new:
                continue
            some = [row for row in free if not exactly or row.created_at == delivery.created_at]
            alike = next((row for row in some if _alike(row, delivery)), None)
            row = alike if exactly else counterpart(delivery, some)
            if row is not None:
                found[delivery.id] = row
                free.remove(row)
    return found


def _data(event: Event, mine: Mapping[int, Delivery]) -> msgspec.Raw:
    """The facts of an event, with the delivery here that they name."""
    facts = msgspec.json.decode(event.data)
    if (row := mine.get(facts.get("delivery"))) is None:
        return event.data
    return msgspec.Raw(msgspec.json.encode({**facts, "delivery": row.id}))


async def _image(
    tx: Transaction, image: OrderImage, row: orders.StoredOrder, here: Mapping[Subject, Subject]
) -> None:
    document, digest = bytes(image.document), bytes.fromhex(image.digest)
    winner = None
    if image.superseded_by is not None and (subject := here.get(Subject.order(image.superseded_by))) is not None:
        winner = OrderId(subject.id)
    if (document, digest, winner, image.own_status) != (
        row.document,
        row.digest,
        row.superseded_by,
        row.own_status,
    ):
        stored = msgspec.structs.replace(
            row,
            order=codec.order(document),
            document=document,
            digest=digest,
            superseded_by=winner,
            own_status=image.own_status,
            changed_at=image.changed_at,
        )
        await orders.rewrite(tx, stored)
    copies = [msgspec.structs.replace(copy, order_id=row.id) for copy in image.copies]
    await target_orders.put(tx, copies)
    await overrides.put(tx, Subject.order(row.id), image.remark or Override(), image.changed_at)
