"""The daemon as a whole."""

from __future__ import annotations

from datetime import datetime

from olhubd.control.api.schema.accounts import AccountState
from olhubd.control.api.schema.alarms import AlarmRow
from olhubd.control.api.schema.base import AnswerStruct, RequestStruct
from olhubd.model import DeliveryState

__all__ = [
    "Budget",
    "LogLevelAnswer",
    "LogLevelRequest",
    "ReloadResult",
    "Status",
]


class Budget(AnswerStruct, frozen=True, kw_only=True):
    """`left` calls could go at once; `waiting` do."""

    key: str
    state: str
    left: int
    active: int
    waiting: int
    closed_until: datetime | None


class Status(AnswerStruct, frozen=True, kw_only=True):
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
    not_resumed: dict[str, int]
    """By account, how many offers have ended, could be sold again, and may not be brought back by themselves."""
    sales_stopped: tuple[str, ...]
    """The accounts on which a person has stopped all selling."""
    alarms: tuple[AlarmRow, ...]
    """What is wrong, the oldest first."""
    warnings: tuple[str, ...]


class LogLevelAnswer(AnswerStruct, frozen=True, kw_only=True):
    level: str


class LogLevelRequest(RequestStruct, frozen=True, kw_only=True):
    level: str


class ReloadResult(AnswerStruct, frozen=True, kw_only=True):
    begun: tuple[str, ...]
    changed: tuple[str, ...]
    ended: tuple[str, ...]
    warnings: tuple[str, ...]
