"""Accounts on which all selling is stopped."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from olhubd.control.api.schema.base import AnswerStruct, Name, Page, RequestStruct, Text
from olhubd.model import beside, plain
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
    """`selling` offers can still be bought. `unreached` says why nothing can be written to the account now; None
    where it is at work."""

    account: str
    stopped_at: datetime
    stopped_by: str
    reason: str | None
    selling: int
    unreached: str | None
    unreached_code: str | None = None
    unreached_values: dict[str, Any] | None = None

    @classmethod
    def of(cls, one: SalesStop, selling: int, unreached: str | None) -> SalesStopRow:
        return cls(
            account=one.account,
            stopped_at=one.stopped_at,
            stopped_by=one.stopped_by,
            reason=plain(one.reason) if one.reason is not None else None,
            selling=selling,
            unreached=plain(unreached) if unreached is not None else None,
            **beside("unreached", unreached),
        )


SalesStopPage = Page[SalesStopRow]
