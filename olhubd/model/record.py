"""The hub's own records: events, deliveries, runs and what could not be read.

Identifiers are integers given by the store in the order of commits. Every `at` is UTC.
"""

from __future__ import annotations

import enum
from datetime import datetime
from typing import NewType, Self

import msgspec

from olhubd.model.subject import Kind, OrderId, Subject

__all__ = [
    "Action",
    "Cause",
    "Counts",
    "Delivery",
    "DeliveryId",
    "DeliveryState",
    "Event",
    "EventId",
    "Quarantined",
    "Run",
    "RunId",
    "RunState",
]

EventId = NewType("EventId", int)
DeliveryId = NewType("DeliveryId", int)
RunId = NewType("RunId", int)


class Cause(msgspec.Struct, frozen=True, gc=False):
    """Why something happened: `kind` is run, event, delivery, operator, rule or start; `id` says which."""

    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One row of the append-only log: what happened to what, when, and why.

    `kind` is dotted (`order.placed`, `delivery.held`, `account.parked`); `data` is the change as JSON. Without a
    `subject` it happened to the account itself, or (where `account` is empty) to the daemon.
    """

    id: EventId
    at: datetime
    kind: str
    account: str
    cause: Cause
    subject: Subject | None = None
    data: msgspec.Raw = msgspec.Raw(b"{}")

    @property
    def order_id(self) -> OrderId | None:
        """The order it is about; None where it is about something else."""
        about = self.subject
        return about.order_id if about is not None and about.kind is Kind.ORDER else None


class Action(enum.StrEnum):
    """What a delivery does at its target; each is one capability of the target's connector."""

    PUSH_ORDER = "push-order"
    SET_STATUS = "set-status"
    SET_PAYMENT = "set-payment"
    ADD_SHIPMENT = "add-shipment"
    CANCEL_ORDER = "cancel-order"
    AMEND_ORDER = "amend-order"
    """What was pushed has changed at its source in a way that no target takes: a person does it there."""
    CREATE_OFFER = "create-offer"
    PUBLISH_OFFER = "publish-offer"
    CHANGE_OFFER = "change-offer"
    END_OFFER = "end-offer"
    SEND_MAIL = "send-mail"
    """To the buyer; the target is the account of a mail server."""
    UNKNOWN_ACTION = "unknown-action"
    """What another version of the hub planned and this one does not know: a person decides."""

    @classmethod
    def _missing_(cls, value: object) -> Action:
        """A row with a word of another version can be read: what is done about it is one rule like any other."""
        return cls.UNKNOWN_ACTION


class DeliveryState(enum.StrEnum):
    PENDING = "pending"
    """Pending, never tried."""
    SENT = "sent"
    """Tried; until an answer is stored the outcome is unknown and is looked up before anything is sent again."""
    RETRY = "retry"
    """Tried and surely not done; tried again when due."""
    CONFIRMED = "confirmed"
    """The other side has it."""
    HOLD = "hold"
    """Waits for a person."""
    DEAD = "dead"
    """Given up by the target's definite refusal."""
    DISCARDED = "discarded"
    """Given up by a person."""
    DROPPED = "dropped"
    """No longer pending: a later one replaced it, or its order was cancelled before it went."""

    @property
    def open(self) -> bool:
        return self in _OPEN


_OPEN = frozenset({DeliveryState.PENDING, DeliveryState.SENT, DeliveryState.RETRY, DeliveryState.HOLD})


def _no_payload() -> msgspec.Raw:
    """Made for each instance, since a JSON Schema can hold no raw text as a default."""
    return msgspec.Raw(b"{}")


class Delivery(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One row of the outbox: what is to be sent to which account about which subject.

    `key` distinguishes two deliveries of the same action (a waybill, a status); (subject, target, action, key) is
    unique. `due_at` is when it may be tried; `lease_until` when a try that never reported is given up.
    """

    id: DeliveryId
    subject: Subject
    target: str
    action: Action
    key: str
    state: DeliveryState
    event_id: EventId
    created_at: datetime
    due_at: datetime
    attempts: int = 0
    sent_at: datetime | None = None
    lease_until: datetime | None = None
    finished_at: datetime | None = None
    external_id: str | None = None
    reason: str | None = None
    error: str | None = None
    payload: msgspec.Raw = msgspec.field(default_factory=_no_payload)
    ticket: str | None = None
    """The target's name for what it has accepted and not done yet; its report is asked for under it."""
    unknown_tries: int = 0
    """How many tries of it have ended with an unknown outcome since it was planned, or since a person saw to it."""
    unknown_words: str | None = None
    """What was said at the last of them."""

    @property
    def order_id(self) -> OrderId:
        """The order it is about. Raises ValueError where it is about something else."""
        return self.subject.order_id


class RunState(enum.StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    LOST = "lost"
    """The daemon ended before the run did."""


class Counts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What was done with the records that a feed gave. Those of parts add up to those of the whole."""

    seen: int = 0
    added: int = 0
    changed: int = 0
    quarantined: int = 0
    missed: int = 0
    """Found by a sweep though the feed itself never reported them."""

    def plus(self, other: Counts) -> Self:
        """The same, with these counted too."""
        sums = {name: getattr(self, name) + getattr(other, name) for name in Counts.__struct_fields__}
        return msgspec.structs.replace(self, **sums)


class Run(Counts, frozen=True, kw_only=True, gc=False):
    """One execution of a feed. Successive executions that found nothing share a row and count in `polls`."""

    id: RunId
    account: str
    feed: str
    trigger: str
    started_at: datetime
    ended_at: datetime | None = None
    state: RunState = RunState.RUNNING
    polls: int = 1
    error: str | None = None


class Quarantined(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A record that could not be stored: kept whole, visible, retryable, and in nobody's way.

    `kind` is a `Kind`, or the name of the type that a connector gave where that is none.
    """

    id: int
    account: str
    feed: str
    kind: str
    external_id: str
    reason: str
    raw: bytes
    first_at: datetime
    last_at: datetime
    tries: int = 1
