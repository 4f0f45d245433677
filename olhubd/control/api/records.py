"""What the endpoint answers, as typed records: the contract that the command line reads too.

Times are UTC. Money is an exact decimal text with its currency. A field may be added to a record; one that is
there keeps its name and meaning within /api/v1.
"""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from olhubd.control.api.alert import AlarmRow, Compared, StrangerRow
from olhubd.control.api.options import Held, Histories, Reading
from olhubd.control.api.run_row import RunRow
from olhubd.decide.permitted import Choice
from olhubd.model import (
    Action,
    Cause,
    Delivery,
    DeliveryState,
    Fulfilment,
    Money,
    Order,
    Scope,
    Shipment,
    Stage,
)
from olhubd.plugin import Flow
from olhubd.plugin.quality import RecordState

__all__ = [
    "Account",
    "AccountState",
    "Accounts",
    "AlarmPage",
    "AlarmRow",
    "Budget",
    "Candidate",
    "Compared",
    "Connector",
    "Copy",
    "DeliveryPage",
    "DeliveryRow",
    "Fetched",
    "GoneAccount",
    "Health",
    "Lacking",
    "Logging",
    "Moment",
    "OrderCard",
    "OrderName",
    "OrderPage",
    "OrderRow",
    "Page",
    "Plugin",
    "Plugins",
    "Problem",
    "Quality",
    "QuarantinePage",
    "Readiness",
    "Reading",
    "ReconciliationPage",
    "Reloaded",
    "RunPage",
    "RunRow",
    "Standing",
    "Status",
    "StrangerPage",
    "Timeline",
    "Token",
    "TokenMade",
    "Tokens",
]

T = TypeVar("T")


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    pass


class Problem(_Answer, frozen=True, kw_only=True, omit_defaults=True):
    """An answer that is none (RFC 9457). `detail` is for people, `type` for programs.

    `parameter` names what was wrong in the request, `candidates` what an ambiguous name may mean, `problems` what
    is wrong with a configuration.
    """

    type: str
    title: str
    status: int
    detail: str | None = None
    parameter: str | None = None
    candidates: tuple[Candidate, ...] = ()
    problems: tuple[str, ...] = ()


class Candidate(_Answer, frozen=True, kw_only=True):
    """One of several orders that a name fits. `reference` is always exact."""

    id: int
    reference: str
    number: str | None = None
    placed_at: datetime


class Page(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """`next` goes into `before` of the next request; None on the last page."""

    items: tuple[T, ...]
    next: int | None = None


class Health(_Answer, frozen=True, kw_only=True):
    alive: bool = True


class Readiness(_Answer, frozen=True, kw_only=True):
    """`overdue` has the loops that are stuck, with for how many seconds."""

    ready: bool
    database: bool
    overdue: dict[str, float]


class AccountState(enum.StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    PARKED = "parked"
    OFF = "off"
    """Switched off in the configuration."""


class Account(_Answer, frozen=True, kw_only=True):
    """An account as it stands.

    `signed_in` is None where nobody has to sign in. `runs` are the last ones by feed, `owed` the
    deliveries to it by state, `down` whether it does not answer. `failing_since` and `last_error` tell what keeps
    it from being read, or reached at all; None while nothing does. `shut_until` is when it may be called again,
    where it said that there were too many calls.
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
    """When somebody must sign in again at the latest, where the system tells."""
    fetches_orders: bool
    interval: float
    next_run: datetime | None
    runs: dict[str, RunRow]
    owed: dict[DeliveryState, int]
    oldest_owed_at: datetime | None
    quarantined: int
    down: bool
    shut_until: datetime | None = None
    failing_since: datetime | None = None
    last_error: str | None = None


class GoneAccount(_Answer, frozen=True, kw_only=True):
    """An account that the configuration names no more. Its orders and their history are kept.

    `ties` says what keeps it from being removed.
    """

    name: str
    title: str
    connector: str
    login: str | None
    ties: tuple[str, ...]


class Accounts(_Answer, frozen=True, kw_only=True):
    """`gone` are those that the configuration names no more."""

    items: tuple[Account, ...]
    gone: tuple[GoneAccount, ...] = ()


class Budget(_Answer, frozen=True, kw_only=True):
    """`left` calls could go at once; `waiting` do."""

    key: str
    state: str
    left: int
    active: int
    waiting: int
    closed_until: datetime | None


class Status(_Answer, frozen=True, kw_only=True):
    """The daemon at a glance. `owed` counts deliveries by state, `warnings` are the configuration's."""

    version: str
    started_at: datetime
    now: datetime
    ready: bool
    overdue: dict[str, float]
    failing: tuple[str, ...]
    loops: int
    accounts: dict[AccountState, int]
    owed: dict[DeliveryState, int]
    oldest_owed_at: datetime | None
    quarantined: int
    budgets: tuple[Budget, ...]
    resident_bytes: int | None
    alarms: tuple[AlarmRow, ...]
    """What is wrong, the oldest first."""
    warnings: tuple[str, ...]


class Fetched(_Answer, frozen=True, kw_only=True):
    """How a run by hand ended; without `run` it is still under way."""

    run: RunRow | None


class Standing(_Answer, frozen=True, kw_only=True):
    """An order at one target: how its forwarding stands and what is there."""

    account: str
    state: DeliveryState | None
    external_id: str | None
    number: str | None
    status: str | None


class OrderName(_Answer, frozen=True, kw_only=True):
    """What people call an order by."""

    id: int
    reference: str
    account: str
    external_id: str
    number: str | None


class OrderRow(_Answer, frozen=True, kw_only=True):
    id: int
    reference: str
    account: str
    external_id: str
    number: str | None
    marketplace: str
    """The connector its account is at."""
    stage: Stage
    fulfilment: Fulfilment
    paid: bool
    placed_at: datetime
    total: Money
    buyer: str | None
    superseded_by: int | None
    unlinked: int
    """How many of its lines are bound to no product: at a target, or before that by what the source tells."""
    targets: tuple[Standing, ...]


class Copy(_Answer, frozen=True, kw_only=True):
    """The order as it stands at a target. `unlinked` are lines bound to no product there."""

    account: str
    external_id: str
    number: str | None
    total: Money
    status: str | None
    url: str | None
    unlinked: tuple[str, ...]
    shipments: tuple[Shipment, ...]
    created_at: datetime
    seen_at: datetime | None


class OrderCard(_Answer, frozen=True, kw_only=True):
    """`actions` are what a person may do now, and why not the rest; `statuses` where each word that they may say
    would go, by account; `owed` those deliveries with which something may be done. `note` is the hub's own.
    """

    id: int
    reference: str
    account: str
    created_at: datetime
    changed_at: datetime
    superseded_by: int | None
    order: Order
    copies: tuple[Copy, ...]
    deliveries: tuple[Delivery, ...]
    note: str | None
    actions: tuple[Choice, ...]
    statuses: dict[Fulfilment, dict[str, str]]
    owed: tuple[DeliveryRow, ...]
    history: Histories


class Moment(_Answer, frozen=True, kw_only=True):
    """One event: `text` says what happened and `why` who or what caused it; `owes` are deliveries it led to."""

    id: int
    at: datetime
    kind: str
    account: str
    text: str
    why: str
    cause: Cause
    owes: tuple[int, ...]
    data: msgspec.Raw


class Timeline(_Answer, frozen=True, kw_only=True):
    """An order's history with its causes, oldest first. `now` says in words what is still open."""

    order: OrderName
    events: tuple[Moment, ...]
    deliveries: tuple[Delivery, ...]
    now: tuple[str, ...]


class DeliveryRow(_Answer, frozen=True, kw_only=True):
    id: int
    order: OrderName
    target: str
    action: Action
    key: str
    state: DeliveryState
    event_id: int
    created_at: datetime
    due_at: datetime
    attempts: int
    sent_at: datetime | None
    finished_at: datetime | None
    external_id: str | None
    reason: str | None
    error: str | None
    reason_code: str | None = None
    """What `reason` says, for programs: see docs/api.md."""
    reason_values: dict[str, Any] | None = None
    error_code: str | None = None
    error_values: dict[str, Any] | None = None
    actions: tuple[Choice, ...]
    """What a person may do with it now, and why not the rest."""
    held: Held | None
    """Why it waits for a person, in full."""


OrderPage = Page[OrderRow]
RunPage = Page[RunRow]
DeliveryPage = Page[DeliveryRow]
QuarantinePage = Page[Reading]
StrangerPage = Page[StrangerRow]


class Lacking(_Answer, frozen=True, kw_only=True):
    """A criterion of the next tier that is not met, and what it lacks."""

    tier: str
    criterion: str
    lacking: str


class Quality(_Answer, frozen=True, kw_only=True):
    """How far a connector was proved. No `tier` unless the record in its package is of these very sources."""

    state: RecordState
    tier: str | None
    missing: tuple[Lacking, ...]


AlarmPage = Page[AlarmRow]
ReconciliationPage = Page[Compared]


class Connector(_Answer, frozen=True, kw_only=True):
    name: str
    title: str
    capabilities: tuple[str, ...]
    quality: Quality


class Plugin(_Answer, frozen=True, kw_only=True):
    """An installed plugin. `failed` says why it could not be loaded; one that nobody asked for is not loaded."""

    name: str
    version: str | None
    loaded: bool
    failed: str | None
    connectors: tuple[Connector, ...]


class Plugins(_Answer, frozen=True, kw_only=True):
    items: tuple[Plugin, ...]


class Logging(_Answer, frozen=True, kw_only=True):
    level: str


class Reloaded(_Answer, frozen=True, kw_only=True):
    begun: tuple[str, ...]
    changed: tuple[str, ...]
    ended: tuple[str, ...]
    warnings: tuple[str, ...]


class Token(_Answer, frozen=True, kw_only=True):
    """A token that somebody made, without its text. `used_at` is exact to ten minutes."""

    name: str
    scope: Scope
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    expired: bool
    used_at: datetime | None


class Tokens(_Answer, frozen=True, kw_only=True):
    items: tuple[Token, ...]


class TokenMade(_Answer, frozen=True, kw_only=True):
    """A new token. `text` is what a program must show; nobody can ask for it again."""

    token: Token
    text: str
