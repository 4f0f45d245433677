"""The answer to a request that failed."""

from __future__ import annotations

from datetime import datetime

from olhubd.control.api.schema.base import AnswerStruct

__all__ = [
    "OrderCandidate",
    "Problem",
]


class OrderCandidate(AnswerStruct, frozen=True, kw_only=True):
    """One of several orders that a name fits. `reference` is always exact."""

    id: int
    reference: str
    number: str | None = None
    placed_at: datetime


class Problem(AnswerStruct, frozen=True, kw_only=True, omit_defaults=True):
    """An answer that is none (RFC 9457). `detail` is for people, `type` for programs.

    `parameter` names what was wrong in the request, `candidates` what an ambiguous name may mean, `problems` what
    is wrong with a configuration.
    """

    type: str
    title: str
    status: int
    detail: str | None = None
    parameter: str | None = None
    candidates: tuple[OrderCandidate, ...] = ()
    problems: tuple[str, ...] = ()
