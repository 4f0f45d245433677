"""What the endpoint takes, as typed parameters and bodies. An unknown name in any of them is an error."""

from __future__ import annotations

from typing import Annotated

import msgspec

from olhubd.model import DeliveryState, Stage

__all__ = [
    "DeliveriesQuery",
    "Fetching",
    "LogLevel",
    "Nothing",
    "OrdersQuery",
    "Pausing",
    "QuarantineQuery",
    "Reason",
    "RunsQuery",
    "Waiting",
]

Limit = Annotated[int, msgspec.Meta(ge=1, le=500)]
Before = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Wait = Annotated[float, msgspec.Meta(ge=0, le=60)]
"""Seconds."""
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class _Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Nothing(_Asked, frozen=True, kw_only=True):
    """No parameters, no body."""


class OrdersQuery(_Asked, frozen=True, kw_only=True):
    """`q` is an id or a number, here or at a target, whole. Pages go on by `before`, the `next` of the last one."""

    account: str | None = None
    stage: Stage | None = None
    q: str | None = None
    before: Before | None = None
    limit: Limit = 50


class RunsQuery(_Asked, frozen=True, kw_only=True):
    """With `wrong` only the runs that failed or were lost."""

    account: str | None = None
    wrong: bool = False
    before: Before | None = None
    limit: Limit = 50


class DeliveriesQuery(_Asked, frozen=True, kw_only=True):
    """`state` may be given more than once."""

    state: tuple[DeliveryState, ...] = ()
    target: str | None = None
    before: Before | None = None
    limit: Limit = 50


class QuarantineQuery(_Asked, frozen=True, kw_only=True):
    """With `raw` the records come with the text that could not be read, personal data and all."""

    limit: Limit = 100
    raw: bool = False


class Pausing(_Asked, frozen=True, kw_only=True):
    reason: Words = "by a person"


class Reason(_Asked, frozen=True, kw_only=True):
    reason: Words = "given up by a person"


class Fetching(_Asked, frozen=True, kw_only=True):
    """For how many seconds to wait for the end of the run."""

    wait: Wait = 25.0


class Waiting(_Asked, frozen=True, kw_only=True):
    """For how many seconds to wait for an end before answering how it stands."""

    wait: Wait = 0.0


class LogLevel(_Asked, frozen=True, kw_only=True):
    level: str
