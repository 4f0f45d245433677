"""What an input is: everything from outside that a decision depends on, as it is kept to be decided again.

    InputPage       records that a feed, a sweep or a look-up gave, and that made a difference
    DispatchRecord  the outcomes of deliveries, by the targets' answers, and which were claimed
    ManualChange    what a person did, or the hub found by itself: events with the orders as they then were
    Start           a process began and ended the leases of the one before it
    Configured      the routes in force from then on

Each is stored in the transaction that it concerns. Tokens and settings of accounts are never among them.
`olhubd.engine.replay.replay` reads them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from olhubd.decide.doubt import Doubt
from olhubd.decide.override import Override
from olhubd.decide.own_status import NO_STATUSES, OwnStatuses
from olhubd.decide.route import Route
from olhubd.engine.replay.earlier import renewed
from olhubd.model import Action, Delivery, Event, EventId, Kind, OrderId, Subject
from olhubd.plugin import Gone, Later, Unreadable
from olhubd.store import Transaction, codec, deliveries, orders, overrides, recorded_inputs, target_orders
from olhubd.store.recorded_inputs import RecordedInput
from olhubd.store.target_orders import TargetOrder

__all__ = [
    "CONFIGURED",
    "NOTHING",
    "Configured",
    "DispatchRecord",
    "Document",
    "Ended",
    "InputPage",
    "ManualChange",
    "OrderImage",
    "Owed",
    "Start",
    "SubjectImage",
    "decode",
    "encode",
    "first",
    "keep",
    "tell",
]

CONFIGURED = "configured"
NOTHING = msgspec.Raw(b"null")


class InputPage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="page"):
    """Records of one transaction of a landing. Those made before `start` are not imported."""

    account: str
    feed: str
    run: int
    start: datetime | None
    cursor: str | None
    """The feed's position at that time."""
    records: Mapping[Kind, Sequence[msgspec.Raw]] = {}
    """Canonical documents by kind; how one is read the flow of its kind knows."""
    unreadable: Sequence[Unreadable] = ()
    gone: Sequence[Gone] = ()
    later: Sequence[Later] = ()
    doubt: Doubt | None = None
    """What an earlier process may have sent; None where nothing was asked about that yet."""


class Owed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A delivery that follows from an answer; see `olhubd.decide.plan.PlannedDelivery`."""

    target: str
    action: Action
    cause: int
    key: str
    delay: float
    replaces: bool
    same_key: bool = False
    payload: msgspec.Raw = NOTHING


class Ended(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The outcome of a delivery; see `olhubd.engine.outbox.attempt.Outcome`."""

    delivery: Delivery
    account: str
    event: str | None = None
    facts: msgspec.Raw = msgspec.Raw(b"{}")
    copy: TargetOrder | None = None
    planned: Sequence[Owed] = msgspec.field(default=(), name="debts")


class DispatchRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="turn"):
    """One transaction of a dispatcher: what ended, what was given back unbegun, what was claimed until when."""

    target: str
    ended: Sequence[Ended] = ()
    back: Sequence[Delivery] = ()
    claimed: Sequence[Delivery] = ()


class OrderImage(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it was after a transaction."""

    id: OrderId
    document: msgspec.Raw
    digest: str
    superseded_by: OrderId | None
    changed_at: datetime
    deliveries: Sequence[Delivery]
    copies: Sequence[TargetOrder]
    remark: Override | None = None
    own_status: str | None = None


class SubjectImage(msgspec.Struct, frozen=True, kw_only=True):
    """The deliveries about something else than an order, as they were after a transaction."""

    subject: Subject
    deliveries: Sequence[Delivery]


class ManualChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="told"):
    """What nobody can decide again: events that a person or the hub itself caused."""

    events: Sequence[Event]
    orders: Sequence[OrderImage] = ()
    others: Sequence[SubjectImage] = ()


class Start(msgspec.Struct, frozen=True, kw_only=True, tag="start"):
    """All leases end; nothing may be due after `latest`."""

    latest: datetime


class Configured(msgspec.Struct, frozen=True, kw_only=True, tag=CONFIGURED):
    """What the configuration says of decisions; accounts by connector. No address, no name of a user, no secret."""

    routes: Sequence[Route]
    accounts: dict[str, str]
    statuses: OwnStatuses = NO_STATUSES


Document = InputPage | DispatchRecord | ManualChange | Start | Configured

encode = msgspec.json.Encoder(order="deterministic", enc_hook=codec.reason).encode
_decode = msgspec.json.Decoder(Document).decode


def decode(one: RecordedInput) -> Document:
    """What an input says."""
    document: Document = _decode(renewed(recorded_inputs.unpack(one.document)))
    return document


async def keep(tx: Transaction, at: datetime, document: Document, events: Sequence[Event] = ()) -> None:
    """Store an input, if inputs are kept, with the events that its transaction wrote."""
    if tx.recording:
        packed = recorded_inputs.pack(encode(document))
        kind = str(type(document).__struct_config__.tag)
        await recorded_inputs.put(tx, RecordedInput(at=at, kind=kind, event=first(events), document=packed))


def first(events: Sequence[Event]) -> EventId | None:
    """The number of the first of these events."""
    return min((event.id for event in events), default=None)


async def tell(tx: Transaction, at: datetime, events: Sequence[Event]) -> None:
    """Keep events that nobody can decide again, with the orders they are about. The last act of a transaction."""
    ids = sorted({event.order_id for event in events if event.order_id is not None})
    rows = await orders.read(tx, ids) if ids else {}
    owed = await deliveries.of_orders(tx, ids) if ids else {}
    known = await target_orders.of_orders(tx, ids) if ids else {}
    said = await overrides.of_orders(tx, ids) if ids else {}
    images = [
        OrderImage(
            id=row.id,
            document=msgspec.Raw(row.document),
            digest=row.digest.hex(),
            superseded_by=row.superseded_by,
            changed_at=row.changed_at,
            deliveries=owed.get(row.id, ()),
            copies=known.get(row.id, ()),
            remark=said.get(row.id),
            own_status=row.own_status,
        )
        for row in rows.values()
    ]
    about = {
        event.subject for event in events if event.subject is not None and event.subject.kind is not Kind.ORDER
    }
    found = await deliveries.of_subjects(tx, about) if about else {}
    others = [SubjectImage(subject=one, deliveries=found[one]) for one in sorted(found)]
    await keep(tx, at, ManualChange(events=events, orders=images, others=others), events)
