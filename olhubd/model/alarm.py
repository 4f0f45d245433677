"""Alarms and reconciliations: what the hub reports without being asked when something is wrong."""

from __future__ import annotations

import enum
from datetime import date, datetime
from typing import NewType

import msgspec

__all__ = ["Alarm", "AlarmId", "AlarmKind", "Reconciliation"]

AlarmId = NewType("AlarmId", int)


class AlarmKind(enum.StrEnum):
    """What is wrong. The subject of an alarm is the account, the target, the loop or the thing it is wrong with."""

    SILENCE = "silence"
    """An account brings fewer orders than it does at such hours."""
    FEED = "feed"
    """The orders of an account have not been read for too long."""
    RETENTION = "retention"
    """The cursor is so old that the remote journal will soon have forgotten what comes after it."""
    MISSED = "missed"
    """A sweep found orders that the feed had not reported."""
    RECONCILIATION = "reconciliation"
    """Source and hub do not hold the same orders of a day."""
    UNCHECKED = "unchecked"
    """An account has not been reconciled for days: a check that does not run finds nothing."""
    UNDELIVERED = "undelivered"
    """Something has been pending for a target for too long."""
    TARGET_DOWN = "target-down"
    """A target does not answer."""
    HOLD = "hold"
    """Deliveries wait for a person."""
    DOUBLED = "doubled"
    """A target has two orders with one mark of ours."""
    STRANGER = "stranger"
    """A target has an order with our mark whose own order is not known."""
    DISPUTE = "dispute"
    """Another program changes an offer of ours again and again."""
    UNLOWERED = "unlowered"
    """An offer sells more than there is, and cannot be lowered."""
    OVERSOLD = "oversold"
    """More of something was sold than there is, and an order waits for it."""
    UNRESTORED = "unrestored"
    """An offer stays at zero though the stop that put it there was lifted."""
    BRAKE = "brake"
    """Many offers would change at once, and a person is asked."""
    UNKNOWN_OFFER = "unknown-offer"
    """An offer that nobody linked sells what stock control sells."""
    PRICE = "price"
    """The price of an offer waits for a person."""
    QUARANTINE = "quarantine"
    """Records could not be stored."""
    LINKS = "links"
    """What the offers of an account sell is to be looked at by a person."""
    IMPORT_DUE = "import-due"
    """The products of an account were not read yet on this day."""
    SIGN_IN = "sign-in"
    """Somebody must sign in, now or soon."""
    PARKED = "parked"
    """The hub stopped an account by itself."""
    SETTING = "setting"
    """An account lacks a setting that its system requires for some actions."""
    FORBIDDEN = "forbidden"
    """A system forbids a call by a code that nobody knows the meaning of."""
    WORDS = "words"
    """The configuration has a word that the system has not."""
    LOOP = "loop"
    """A task of the daemon is stuck, or fails again and again."""
    DISK = "disk"
    """There is little room left for the database."""
    DATABASE = "database"
    """The database cannot be read or written."""


class Alarm(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Raised once and cleared once. `detail` holds numbers and names of accounts, never anything of a person.

    `told` has by channel what was sent last: "raised" or "cleared".
    """

    id: AlarmId
    kind: AlarmKind
    subject: str
    detail: str
    raised_at: datetime
    cleared_at: datetime | None = None
    told: dict[str, str] = {}
    told_at: datetime | None = None

    @property
    def open(self) -> bool:
        return self.cleared_at is None

    @property
    def state(self) -> str:
        return "raised" if self.cleared_at is None else "cleared"


class Reconciliation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One account's day, as counted by its source and by the hub.

    `source` and `hub` count the orders placed between `since` and `until`. `missing` are those that only the source
    has and `surplus` those that only the hub has; they are known once the orders were listed and not just counted.
    """

    id: int
    account: str
    day: date
    since: datetime
    until: datetime
    source: int
    hub: int
    missing: int
    surplus: int
    names: tuple[str, ...] = ()
    """External ids of what differs, the first ones."""
    looks: int
    looked_at: datetime

    @property
    def different(self) -> bool:
        return bool(self.missing or self.surplus)
