"""Records in quarantine."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from olhubd.control.api.schema.base import Before, Limit, Page, RequestStruct
from olhubd.decide.permitted import PermittedAction
from olhubd.model import Kind

__all__ = [
    "QuarantinePage",
    "QuarantineQuery",
    "QuarantineRow",
]


class QuarantineRow(msgspec.Struct, frozen=True, kw_only=True):
    """A record in quarantine; `raw` only where it was asked for."""

    id: int
    account: str
    feed: str
    kind: str
    """What the record is: `order`, or what a connector gave in place of one."""
    external_id: str
    reason: str
    reason_code: str | None = None
    reason_values: dict[str, Any] | None = None
    first_at: datetime
    last_at: datetime
    tries: int
    advice: str
    facts: str
    """The record with all that is personal covered."""
    actions: tuple[PermittedAction, ...]
    raw: str | None = None

    @property
    def called(self) -> str:
        """What people call it. Most are orders, so that is not said."""
        return self.external_id if self.kind == Kind.ORDER else f"{self.kind} {self.external_id}"


QuarantinePage = Page[QuarantineRow]


class QuarantineQuery(RequestStruct, frozen=True, kw_only=True):
    """With `raw` the records come with the text that could not be read, personal data and all."""

    before: Before | None = None
    limit: Limit = 100
    raw: bool = False
