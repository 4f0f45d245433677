"""Accounts on which all selling is stopped."""

from __future__ import annotations

from datetime import datetime

from olhubd.control.api.schema.base import AnswerStruct, Name, Page, RequestStruct, Text
from olhubd.model import plain
from olhubd.store.sales_stops import SalesStop

__all__ = ["LiftRequest", "SalesStopPage", "SalesStopRow", "StopRequest"]


class StopRequest(RequestStruct, frozen=True, kw_only=True):
    """Of one `account`, or with `all` of every account on which stock is sold."""

    account: Name | None = None
    all: bool = False
    reason: Text | None = None


class LiftRequest(RequestStruct, frozen=True, kw_only=True):
    """Of one `account`, or with `all` of every account that is stopped."""

    account: Name | None = None
    all: bool = False


class SalesStopRow(AnswerStruct, frozen=True, kw_only=True):
    account: str
    stopped_at: datetime
    stopped_by: str
    reason: str | None

    @classmethod
    def of(cls, one: SalesStop) -> SalesStopRow:
        reason = plain(one.reason) if one.reason is not None else None
        return cls(account=one.account, stopped_at=one.stopped_at, stopped_by=one.stopped_by, reason=reason)


SalesStopPage = Page[SalesStopRow]
