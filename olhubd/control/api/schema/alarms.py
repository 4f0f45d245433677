"""Alarms, and the daily comparison of an account with its source."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec

from olhubd.control.api.schema.base import Before, Limit, Page, RequestStruct
from olhubd.model import Alarm, AlarmKind, Reconciliation, beside

__all__ = [
    "AlarmPage",
    "AlarmRow",
    "AlarmsQuery",
    "ReconcileRequest",
    "ReconciliationPage",
    "ReconciliationRow",
    "ReconciliationsQuery",
]


class AlarmRow(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is or was wrong. `told_at` is when mail or web hook last reported it."""

    id: int
    kind: AlarmKind
    subject: str
    detail: str
    raised_at: datetime
    cleared_at: datetime | None
    told_at: datetime | None
    detail_code: str | None = None
    """What `detail` says, for programs."""
    detail_values: dict[str, Any] | None = None

    @classmethod
    def of(cls, alarm: Alarm) -> AlarmRow:
        row = msgspec.convert(alarm, cls, from_attributes=True)
        return msgspec.structs.replace(row, **beside("detail", alarm.detail))


AlarmPage = Page[AlarmRow]


class AlarmsQuery(RequestStruct, frozen=True, kw_only=True):
    """With `past` those that are over."""

    past: bool = False
    kind: AlarmKind | None = None
    before: Before | None = None
    limit: Limit = 100


class ReconciliationRow(msgspec.Struct, frozen=True, kw_only=True):
    """A day of an account: how many orders its source and the hub count.

    `missing` has only the source and `surplus` only the hub; `names` are external ids of both. `looks` is how often
    the day was compared.
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
    names: tuple[str, ...]
    looks: int
    looked_at: datetime

    @classmethod
    def of(cls, found: Reconciliation) -> ReconciliationRow:
        return msgspec.convert(found, cls, from_attributes=True)


ReconciliationPage = Page[ReconciliationRow]


class ReconciliationsQuery(RequestStruct, frozen=True, kw_only=True):
    """With `different` only the days on which source and hub differ."""

    account: str | None = None
    different: bool = False
    before: Before | None = None
    limit: Limit = 50


class ReconcileRequest(RequestStruct, frozen=True, kw_only=True):
    """Which day, in the daemon's time zone."""

    day: date | None = None
