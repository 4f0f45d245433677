"""Runs of feeds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from olhubd.control.api.schema.base import Before, Limit, Page, RequestStruct
from olhubd.model import Run, RunState, beside

__all__ = [
    "RunPage",
    "RunRow",
    "RunsQuery",
]


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """One execution of a feed. Successive executions that found nothing share a row and count in `polls`.

    `missed` were found by a sweep though the feed itself never reported them. `error` is a sentence, and what it
    says is in `error_code` and `error_values` where it is the hub's own.
    """

    id: int
    account: str
    feed: str
    trigger: str
    started_at: datetime
    ended_at: datetime | None = None
    state: RunState = RunState.RUNNING
    polls: int = 1
    seen: int = 0
    added: int = 0
    changed: int = 0
    quarantined: int = 0
    missed: int = 0
    error: str | None = None
    error_code: str | None = None
    error_values: dict[str, Any] | None = None

    @classmethod
    def of(cls, run: Run) -> RunRow:
        return cls(**msgspec.structs.asdict(run), **beside("error", run.error))


RunPage = Page[RunRow]


class RunsQuery(RequestStruct, frozen=True, kw_only=True):
    """With `wrong` only the runs that failed or were lost."""

    account: str | None = None
    wrong: bool = False
    before: Before | None = None
    limit: Limit = 50
