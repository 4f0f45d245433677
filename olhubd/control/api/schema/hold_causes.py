"""What deliveries wait for, grouped by their cause, and what a person decides about all of one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec

from olhubd.control.api.schema.base import AnswerStruct, Limit, RequestStruct, Text
from olhubd.control.api.schema.deliveries import DeliveryRow
from olhubd.decide.permitted import OperatorAction
from olhubd.model import Action

__all__ = [
    "CauseDecisionRow",
    "DecideCauseRequest",
    "DiscardCauseRequest",
    "HoldCauseList",
    "HoldCauseRow",
    "HoldCausesQuery",
    "UndecidedRow",
]

_Number = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class HoldCausesQuery(RequestStruct, frozen=True, kw_only=True):
    """With `target` the causes at one account. `limit` is how many are answered at most."""

    target: str | None = None
    limit: Limit = 50


class HoldCauseRow(AnswerStruct, frozen=True, kw_only=True):
    """A cause for which `count` deliveries wait, made from `first_at` to `last_at`. `example` is the newest one,
    with its reason and what may be done; `decisions` are those that can be made for all at once."""

    cause: str
    target: str
    action: Action
    count: int
    first_at: datetime
    last_at: datetime
    decisions: tuple[OperatorAction, ...]
    example: DeliveryRow


class HoldCauseList(AnswerStruct, frozen=True, kw_only=True):
    """The causes of most deliveries first. There are `causes`, for which `deliveries` wait in all."""

    items: tuple[HoldCauseRow, ...]
    causes: int
    deliveries: int


class DecideCauseRequest(RequestStruct, frozen=True, kw_only=True):
    """`until` is the newest delivery that the person saw: newer ones are left alone. `after` goes on behind the
    `through` of an answer that left some."""

    until: _Number
    after: _Number = 0


class DiscardCauseRequest(DecideCauseRequest, frozen=True, kw_only=True):
    reason: Text


class UndecidedRow(AnswerStruct, frozen=True, kw_only=True):
    """A delivery that stays as it is, and why."""

    id: int
    why: str
    why_code: str | None = None
    why_values: dict[str, Any] | None = None


class CauseDecisionRow(AnswerStruct, frozen=True, kw_only=True):
    """`done` deliveries went on, `refused` stay as they are. `left` more wait behind `through`."""

    done: int
    refused: tuple[UndecidedRow, ...]
    left: int
    through: int
