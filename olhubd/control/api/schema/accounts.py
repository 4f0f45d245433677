"""Accounts, and what a person does to one."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

import msgspec

from olhubd.control.api.schema.base import AnswerStruct, RequestStruct, Text, TextLine, Wait
from olhubd.control.api.schema.runs import RunRow
from olhubd.model import DeliveryState, Reason
from olhubd.plugin import Flow

__all__ = [
    "Account",
    "AccountState",
    "Accounts",
    "FetchRequest",
    "FetchResult",
    "GoneAccount",
    "PauseRequest",
    "RenameRequest",
    "ResumeRequest",
]


class AccountState(enum.StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    PARKED = "parked"
    OFF = "off"
    """Switched off in the configuration."""


class Account(AnswerStruct, frozen=True, kw_only=True):
    """An account, with its state.

    `signed_in` is None where nobody has to sign in. `runs` are the last ones by feed, `owed` the deliveries to it
    by state, `down` whether it does not answer. `failing_since` and `last_error` say what keeps it from being read,
    or reached at all; None while nothing does. `shut_until` is when it may be called again, where it said that
    there were too many calls.
    """

    name: str
    title: str
    connector: str
    capabilities: tuple[str, ...]
    state: AccountState
    reason: str | None
    reason_code: str | None = None
    reason_values: dict[str, Any] | None = None
    changed_at: datetime | None
    started_at: datetime | None
    login: str | None
    signed_in: bool | None
    sign_in_flows: tuple[Flow, ...]
    """How somebody signs in, the usual way first."""
    sign_in_ends_at: datetime | None
    """When somebody must sign in again at the latest, where the system says so."""
    profile: str
    """Whose rhythms and rules it has."""
    fetches_orders: bool
    interval: float
    """Seconds between two pulls of its orders at most, as set or suggested."""
    interval_now: float | None = None
    """The same as it is now, which is less while orders come; None where the account is not at work."""
    interval_reason: str | None = None
    interval_reason_code: str | None = None
    interval_reason_values: dict[str, Any] | None = None
    next_run: datetime | None
    runs: dict[str, RunRow]
    owed: dict[DeliveryState, int]
    oldest_owed_at: datetime | None
    quarantined: int
    down: bool
    shut_until: datetime | None = None
    failing_since: datetime | None = None
    last_error: str | None = None


class GoneAccount(AnswerStruct, frozen=True, kw_only=True):
    """An account that the configuration names no more. Its orders and their history are kept.

    `ties` says what keeps it from being removed.
    """

    name: str
    title: str
    connector: str
    login: str | None
    ties: tuple[str, ...]


class Accounts(AnswerStruct, frozen=True, kw_only=True):
    """`gone` are those that the configuration names no more."""

    items: tuple[Account, ...]
    gone: tuple[GoneAccount, ...] = ()


class FetchResult(AnswerStruct, frozen=True, kw_only=True):
    """How a run by hand ended; without `run` it is still under way."""

    run: RunRow | None


class PauseRequest(RequestStruct, frozen=True, kw_only=True):
    reason: Text = msgspec.field(default_factory=lambda: Reason("by-person"))


class RenameRequest(RequestStruct, frozen=True, kw_only=True):
    """Without a title, that of the configuration is shown again."""

    title: TextLine | None = None


class ResumeRequest(RequestStruct, frozen=True, kw_only=True):
    """With `moved` a person says that what answers now is the same shop, only elsewhere."""

    moved: bool = False


class FetchRequest(RequestStruct, frozen=True, kw_only=True):
    """For how many seconds to wait for the end of the run.

    With `products` its products and prices are read instead of its orders: what was changed, or with `full` all of
    them. What a full reading does not have is gone; `accept_gone` says so also where that is most of the catalogue.
    """

    wait: Wait = 25.0
    products: bool = False
    full: bool = False
    accept_gone: bool = False
