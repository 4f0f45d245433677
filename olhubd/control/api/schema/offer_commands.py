"""What a person has done to an offer that stock control keeps."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from olhubd.control.api.schema.base import AnswerStruct, RequestStruct
from olhubd.decide.stock.level import OfferLevel
from olhubd.model import beside, plain

__all__ = ["AutoResumeRequest", "IgnoredOffer", "OfferLevelAnswer"]


class AutoResumeRequest(RequestStruct, frozen=True, kw_only=True):
    """Whether the offer may be brought back by itself when there is stock again."""

    allowed: bool


class IgnoredOffer(AnswerStruct, frozen=True, kw_only=True):
    """An offer that nobody linked, of which nobody is alarmed any more."""

    account: str
    external_id: str


class OfferLevelAnswer(AnswerStruct, frozen=True, kw_only=True):
    """An offer and what it is to show. `shown` is what buyers could buy when it was read last.

    `resumes` says whether it may be brought back by itself, `resume_by` who asked to bring it back once.
    `disputed_at` is since when another program has been changing it too.
    """

    account: str
    external_id: str
    wanted: int | None
    shown: int | None
    active: bool
    resumes: bool
    resume_by: str | None
    disputed_at: datetime | None
    reason: str | None
    reason_code: str | None = None
    reason_values: dict[str, Any] | None = None

    @classmethod
    def of(cls, row: OfferLevel) -> OfferLevelAnswer:
        return cls(
            account=row.account,
            external_id=row.external_id,
            wanted=row.wanted,
            shown=row.confirmed,
            active=row.active,
            resumes=row.resumes,
            resume_by=row.resume_by,
            disputed_at=row.disputed_at,
            reason=plain(row.reason) if row.reason is not None else None,
            **beside("reason", row.reason),
        )
