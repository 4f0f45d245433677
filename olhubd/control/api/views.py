"""What the endpoint answers about what an operator looks at: journal, mappings, lines without a product, settings.

The rules of `olhubd.control.api.records` hold here too.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from olhubd.control.text.event_text import Severity
from olhubd.model import Cause
from olhubd.store.seen_values import SeenKind

__all__ = [
    "Entry",
    "EventPage",
    "EventRow",
    "Journal",
    "Mapping",
    "Mappings",
    "Setting",
    "Settings",
    "Unlinked",
    "UnlinkedLine",
]


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    pass


class Entry(_Answer, frozen=True, kw_only=True):
    """What happened: an event, or a run that went wrong. `text` says what, `why` who or what caused it."""

    id: str
    at: datetime
    severity: Severity
    kind: str
    account: str
    order_id: int | None
    text: str
    why: str
    cause: Cause
    data: msgspec.Raw


class Journal(_Answer, frozen=True, kw_only=True):
    """`next` goes into `before` of the next request, `newest` into `after` for what will have come since.

    `looked_back_to` is when the oldest happened that was looked at; None when there was nothing.
    """

    items: tuple[Entry, ...]
    next: str | None
    newest: str
    looked_back_to: datetime | None


class EventRow(_Answer, frozen=True, kw_only=True):
    """One event. `text` says what happened and `why` who or what caused it; `data` are the facts by themselves."""

    id: int
    at: datetime
    kind: str
    account: str
    order_id: int | None
    text: str
    why: str
    cause: Cause
    data: msgspec.Raw


class EventPage(_Answer, frozen=True, kw_only=True):
    """The oldest first. `newest` goes into `after` of the next request."""

    items: tuple[EventRow, ...]
    newest: int


class Mapping(_Answer, frozen=True, kw_only=True):
    """One word of a source, or of a target, and what it becomes.

    `account` says `value`, which people there call `label`. `target` is whose word it becomes; None where it only
    becomes the hub's own. `known` is the hub's own word. `mapped` is what it becomes; None when nobody said so.
    `orders` had it, the last of them is `example`; a word of the configuration that was never seen has none.
    `origin` is where the mapping is written.
    """

    kind: SeenKind
    account: str
    target: str | None
    value: str
    label: str
    known: str | None
    mapped: str | None
    orders: int
    first_at: datetime | None
    last_at: datetime | None
    example: int | None
    origin: str | None


class Mappings(_Answer, frozen=True, kw_only=True):
    """The unmapped first. `unmapped` counts them, whatever was asked for."""

    items: tuple[Mapping, ...]
    unmapped: int


class UnlinkedLine(_Answer, frozen=True, kw_only=True):
    """An offer whose order lines are bound to no product: at `target`, or (None) by what the source tells of it."""

    account: str
    target: str | None
    offer_id: str | None
    sku: str | None
    ean: str | None
    name: str
    orders: int
    last_order: int
    last_at: datetime


class Unlinked(_Answer, frozen=True, kw_only=True):
    """Those of the latest `looked_at` orders that have such lines; `all` tells whether these are all."""

    items: tuple[UnlinkedLine, ...]
    looked_at: int
    all: bool


class Setting(_Answer, frozen=True, kw_only=True):
    """`origin` is a file with its line, a variable, or `default`. A secret's value is not told."""

    key: str
    value: str
    origin: str


class Settings(_Answer, frozen=True, kw_only=True):
    """As the daemon has them in force; `path` is the main file."""

    path: str
    items: tuple[Setting, ...]
