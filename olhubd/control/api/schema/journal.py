"""The journal: events, and runs that went wrong."""

from __future__ import annotations

from datetime import datetime

import msgspec

from olhubd.control.api.schema.base import AnswerStruct, Cursor, Limit, RequestStruct, SubjectName, Text, Wait
from olhubd.control.text.event_text import Severity
from olhubd.model import Cause

__all__ = [
    "Journal",
    "JournalEntry",
    "JournalQuery",
]


class JournalEntry(AnswerStruct, frozen=True, kw_only=True):
    """What happened: an event, or a run that went wrong. `text` says what, `why` who or what caused it."""

    id: str
    at: datetime
    severity: Severity
    kind: str
    account: str
    subject: SubjectName | None
    order_id: int | None
    text: str
    why: str
    cause: Cause
    data: msgspec.Raw


class Journal(AnswerStruct, frozen=True, kw_only=True):
    """`next` goes into `before` of the next request, `newest` into `after` for what will have come since.

    `looked_back_to` is when the oldest happened that was looked at; None when there was nothing.
    """

    items: tuple[JournalEntry, ...]
    next: str | None
    newest: str
    looked_back_to: datetime | None


class JournalQuery(RequestStruct, frozen=True, kw_only=True):
    """`severity` is the least; `text` is looked for in what the entries say, `q` names an order.

    With `all` also deactivations older than thirty days. `before` is the `next` of the last page, `after` its
    `newest`, for what came since; then `wait` is for how many seconds to wait for something to come.
    """

    account: str | None = None
    severity: Severity = Severity.INFO
    text: Text | None = None
    q: Text | None = None
    all: bool = False
    before: Cursor | None = None
    after: Cursor | None = None
    wait: Wait = 0.0
    limit: Limit = 50
