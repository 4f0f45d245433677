"""The log of events."""

from __future__ import annotations

from datetime import datetime

import msgspec

from olhubd.control.api.schema.base import AnswerStruct, Before, Limit, RequestStruct, SubjectName, Text, Wait
from olhubd.model import Cause

__all__ = [
    "EventPage",
    "EventRow",
    "EventsQuery",
]


class EventRow(AnswerStruct, frozen=True, kw_only=True):
    """One event. `text` says what happened and `why` who or what caused it; `data` are the facts by themselves."""

    id: int
    at: datetime
    kind: str
    account: str
    subject: SubjectName | None
    order_id: int | None
    text: str
    why: str
    cause: Cause
    data: msgspec.Raw


class EventPage(AnswerStruct, frozen=True, kw_only=True):
    """The oldest first. `newest` goes into `after` of the next request.

    `more`: there are others. With `after` they follow at once; without it they are older than these, and all are
    read from `after=0` on.
    """

    items: tuple[EventRow, ...]
    newest: int
    more: bool = False


class EventsQuery(RequestStruct, frozen=True, kw_only=True):
    """Those that follow the event `after`, then for at most `wait` seconds until there is one; of an order `q`."""

    account: str | None = None
    q: Text | None = None
    after: Before | None = None
    wait: Wait = 0.0
    limit: Limit = 50
