"""Deliveries, why one is held, and what a person decides about it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from olhubd.control.api.schema.base import (
    AnswerStruct,
    Before,
    Limit,
    Name,
    OrderName,
    Page,
    RequestStruct,
    SubjectName,
)
from olhubd.decide.hold import Hold
from olhubd.decide.permitted import PermittedAction
from olhubd.model import Action, DeliveryState

__all__ = [
    "AdoptRequest",
    "DeliveriesQuery",
    "DeliveryPage",
    "DeliveryRow",
    "HoldDetails",
]


class HoldDetails(msgspec.Struct, frozen=True, kw_only=True):
    """Why a delivery waits for a person. `expected` is what was or is to be sent, `there` what the target has.

    `kind` is a word for programs, `field` the target's name for what it complains of.
    """

    kind: Hold
    reason: str
    reason_code: str | None = None
    reason_values: dict[str, Any] | None = None
    advice: str
    field: str | None
    expected: dict[str, str]
    there: dict[str, str]


class DeliveryRow(AnswerStruct, frozen=True, kw_only=True):
    id: int
    subject: SubjectName
    order: OrderName | None
    """The order that it is about; None where it is about something else."""
    target: str
    action: Action
    key: str
    state: DeliveryState
    event_id: int
    created_at: datetime
    due_at: datetime
    attempts: int
    sent_at: datetime | None
    finished_at: datetime | None
    external_id: str | None
    reason: str | None
    error: str | None
    reason_code: str | None = None
    """What `reason` says, for programs: see docs/api.md."""
    reason_values: dict[str, Any] | None = None
    error_code: str | None = None
    error_values: dict[str, Any] | None = None
    actions: tuple[PermittedAction, ...]
    """What a person may do with it now, and why not the rest."""
    held: HoldDetails | None
    """Why it waits for a person, in full."""

    @property
    def called(self) -> str:
        """What people call that which it is about."""
        order = self.order
        return f"{order.account} {order.number or order.external_id}" if order else self.subject.called


DeliveryPage = Page[DeliveryRow]


class DeliveriesQuery(RequestStruct, frozen=True, kw_only=True):
    """`state` may be given more than once. With `cause` those on hold for it, see /api/v1/hold-causes."""

    state: tuple[DeliveryState, ...] = ()
    cause: str | None = None
    target: str | None = None
    before: Before | None = None
    limit: Limit = 50


class AdoptRequest(RequestStruct, frozen=True, kw_only=True):
    """`number` is what people call the order at the target. With `despite_total` its total may be another one."""

    number: Name
    despite_total: bool = False
