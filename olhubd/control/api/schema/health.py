"""Whether the daemon lives and works."""

from __future__ import annotations

from olhubd.control.api.schema.base import AnswerStruct

__all__ = [
    "Health",
    "Readiness",
]


class Health(AnswerStruct, frozen=True, kw_only=True):
    alive: bool = True


class Readiness(AnswerStruct, frozen=True, kw_only=True):
    """`overdue` has the loops that are stuck, with for how many seconds."""

    ready: bool
    database: bool
    overdue: dict[str, float]
