"""What the endpoint takes, as typed parameters and bodies. An unknown name in any of them is an error."""

from __future__ import annotations

import enum
from datetime import date
from typing import Annotated, Any

import msgspec

from olhubd.control.text.event_text import Severity
from olhubd.model import AlarmKind, DeliveryState, Fulfilment, Reason, Scope, Stage, plain
from olhubd.store.seen_values import SeenKind

__all__ = [
    "Adopting",
    "AlarmsQuery",
    "DeliveriesQuery",
    "DoctorQuery",
    "EventsQuery",
    "ExportFormat",
    "ExportQuery",
    "ExportRows",
    "Fetching",
    "Forwarding",
    "GivingUp",
    "JournalQuery",
    "LogLevel",
    "MappingsQuery",
    "NewAddress",
    "NewToken",
    "Note",
    "Nothing",
    "OrdersFilter",
    "OrdersQuery",
    "Parcel",
    "Pausing",
    "QuarantineQuery",
    "ReconciliationsQuery",
    "Reconciling",
    "Renaming",
    "Resuming",
    "RunsQuery",
    "StatusWord",
    "UnlinkedQuery",
    "Waiting",
]

Limit = Annotated[int, msgspec.Meta(ge=1, le=500)]


def _shape(code: str) -> dict[str, Any]:
    """A pattern in words: for the description of the endpoint, and as the code of the reason for a refusal."""
    return {"description": plain(Reason(code)), "extra": {"reason": code}}


Before = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Wait = Annotated[float, msgspec.Meta(ge=0, le=60)]
"""Seconds."""
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Line = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00-\x1f]*\S[^\x00-\x1f]*$",
        **_shape("shape.words"),
    ),
]
Word = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=100,
        pattern=r"^\s*[^\s\x00-\x1f][^\x00-\x1f]*$",
        **_shape("shape.name"),
    ),
]


Place = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[0-9]{1,18}\.[0-9]{1,18}$",
        **_shape("shape.place"),
    ),
]
Day = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
Amount = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,12}(\.[0-9]{1,4})?$", **_shape("shape.amount"))]


class ExportFormat(enum.StrEnum):
    CSV = "csv"
    JSON = "json"


class ExportRows(enum.StrEnum):
    """What a row of a CSV file is."""

    ORDERS = "orders"
    LINES = "lines"


class _Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Nothing(_Asked, frozen=True, kw_only=True):
    """No parameters, no body."""


class OrdersFilter(_Asked, frozen=True, kw_only=True):
    """All that is given must fit.

    `q` is an id or a number, here or at a target, whole; `text` begins the buyer's name or login, or is the SKU or
    EAN of a line. Dates are days ("2026-01-31", in the time zone of the configuration, both included) or moments
    ("2026-01-31T12:00:00Z"). Amounts are in whatever currency the order is. `unlinked` orders have lines without a
    product.
    """

    account: str | None = None
    connector: str | None = None
    stage: Stage | None = None
    fulfilment: Fulfilment | None = None
    placed_from: Day | None = None
    placed_to: Day | None = None
    amount_from: Amount | None = None
    amount_to: Amount | None = None
    q: Words | None = None
    text: Words | None = None
    unlinked: bool = False


class OrdersQuery(OrdersFilter, frozen=True, kw_only=True):
    """Pages go on by `before`, the `next` of the last one. With a date the order is that of placing."""

    before: Before | None = None
    limit: Limit = 50


class ExportQuery(OrdersFilter, frozen=True, kw_only=True):
    """`id`, which may be given more than once, are the only orders wanted.

    `rows` is what a row of the CSV is; with `bom` it begins with a mark by which spreadsheets know UTF-8.
    """

    format: ExportFormat = ExportFormat.CSV
    rows: ExportRows = ExportRows.ORDERS
    bom: bool = False
    id: tuple[Before, ...] = ()


class JournalQuery(_Asked, frozen=True, kw_only=True):
    """`severity` is the least; `text` is looked for in what the entries say, `q` names an order.

    With `all` also deactivations older than thirty days. `before` is the `next` of the last page, `after` its
    `newest`, for what came since; then `wait` is for how many seconds to wait for something to come.
    """

    account: str | None = None
    severity: Severity = Severity.INFO
    text: Words | None = None
    q: Words | None = None
    all: bool = False
    before: Place | None = None
    after: Place | None = None
    wait: Wait = 0.0
    limit: Limit = 50


class DoctorQuery(_Asked, frozen=True, kw_only=True):
    """`check` is the id of what to look at; it may be given more than once. Without it everything is."""

    check: tuple[Words, ...] = ()


class EventsQuery(_Asked, frozen=True, kw_only=True):
    """Those that follow the event `after`, then for at most `wait` seconds until there is one; of an order `q`."""

    account: str | None = None
    q: Words | None = None
    after: Before | None = None
    wait: Wait = 0.0
    limit: Limit = 50


class MappingsQuery(_Asked, frozen=True, kw_only=True):
    """`account` is the source or the target. With `unmapped` only the words that nobody said anything of."""

    account: str | None = None
    kind: SeenKind | None = None
    unmapped: bool = False


class UnlinkedQuery(_Asked, frozen=True, kw_only=True):
    """Of one source alone, or of all."""

    account: str | None = None


class RunsQuery(_Asked, frozen=True, kw_only=True):
    """With `wrong` only the runs that failed or were lost."""

    account: str | None = None
    wrong: bool = False
    before: Before | None = None
    limit: Limit = 50


class DeliveriesQuery(_Asked, frozen=True, kw_only=True):
    """`state` may be given more than once."""

    state: tuple[DeliveryState, ...] = ()
    target: str | None = None
    before: Before | None = None
    limit: Limit = 50


class QuarantineQuery(_Asked, frozen=True, kw_only=True):
    """With `raw` the records come with the text that could not be read, personal data and all."""

    limit: Limit = 100
    raw: bool = False


class AlarmsQuery(_Asked, frozen=True, kw_only=True):
    """With `past` those that are over."""

    past: bool = False
    kind: AlarmKind | None = None
    before: Before | None = None
    limit: Limit = 100


class ReconciliationsQuery(_Asked, frozen=True, kw_only=True):
    """With `different` only the days on which source and hub differ."""

    account: str | None = None
    different: bool = False
    before: Before | None = None
    limit: Limit = 50


class Reconciling(_Asked, frozen=True, kw_only=True):
    """Which day, in the daemon's time zone."""

    day: date | None = None


class Pausing(_Asked, frozen=True, kw_only=True):
    reason: Words = msgspec.field(default_factory=lambda: Reason("by-person"))


class GivingUp(_Asked, frozen=True, kw_only=True):
    reason: Words = msgspec.field(default_factory=lambda: Reason("given-up-by-person"))


class Adopting(_Asked, frozen=True, kw_only=True):
    """`number` is what people call the order at the target. With `despite_total` its total may be another one."""

    number: Word
    despite_total: bool = False


class Note(_Asked, frozen=True, kw_only=True):
    note: Annotated[str, msgspec.Meta(min_length=1, max_length=4000)] | None = None


class StatusWord(_Asked, frozen=True, kw_only=True):
    status: Fulfilment


class Parcel(_Asked, frozen=True, kw_only=True):
    """`lines` are the ids of the order's lines in the parcel; without them it is all."""

    carrier: Word
    waybill: Word
    carrier_name: Word | None = None
    url: (
        Annotated[
            str,
            msgspec.Meta(
                pattern=r"^https?://\S+$",
                max_length=1000,
                **_shape("shape.url"),
            ),
        ]
        | None
    ) = None
    lines: tuple[str, ...] = ()


class NewAddress(_Asked, frozen=True, kw_only=True):
    """Fields that are left out stay as they are. `country` is ISO 3166 alpha-2."""

    first_name: Line | None = None
    last_name: Line | None = None
    company: Line | None = None
    street: Line | None = None
    postcode: Line | None = None
    city: Line | None = None
    region: Line | None = None
    country: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}$", **_shape("shape.country"))] | None = None
    phone: Line | None = None


class Forwarding(_Asked, frozen=True, kw_only=True):
    """`target` may be left out where only one route leads from the order's account."""

    target: str | None = None


class Renaming(_Asked, frozen=True, kw_only=True):
    """Without a title, that of the configuration is shown again."""

    title: Line | None = None


class Resuming(_Asked, frozen=True, kw_only=True):
    """With `moved` a person says that what answers now is the same shop, only elsewhere."""

    moved: bool = False


class Fetching(_Asked, frozen=True, kw_only=True):
    """For how many seconds to wait for the end of the run."""

    wait: Wait = 25.0


class Waiting(_Asked, frozen=True, kw_only=True):
    """For how many seconds to wait for an end before answering how it stands."""

    wait: Wait = 0.0


class LogLevel(_Asked, frozen=True, kw_only=True):
    level: str


class NewToken(_Asked, frozen=True, kw_only=True):
    """`lifetime` is in seconds; without one the token is good until it is revoked."""

    name: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
            **_shape("shape.token"),
        ),
    ]
    scope: Scope = Scope.READ
    lifetime: Annotated[float, msgspec.Meta(ge=60, le=315_360_000)] | None = None
