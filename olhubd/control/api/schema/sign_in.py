"""Signing in to an account."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Annotated

import msgspec

from olhubd.control.api.schema.base import RequestStruct, Wait
from olhubd.plugin import Flow

__all__ = [
    "CallbackRequest",
    "SignIn",
    "SignInQuery",
    "SignInRequest",
    "SignInState",
]


class SignInRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By which flow; None for the usual one of the system."""

    flow: Flow | None = None


class CallbackRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The address to which a browser was sent back, as shown in its address bar."""

    address: Annotated[str, msgspec.Meta(min_length=1, max_length=8000)]


class SignInQuery(RequestStruct, frozen=True, kw_only=True):
    """For how many seconds to wait for an end before answering with its state."""

    wait: Wait = 0.0


class SignInState(enum.StrEnum):
    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


class SignIn(msgspec.Struct, frozen=True, kw_only=True):
    """Open `url` and agree. `reason` says why it failed, `login` who it is.

    With the flow device there is a `user_code` to compare. With the flow code the browser is sent back to
    `redirect_uri`, with which the application must be registered.
    """

    account: str
    state: SignInState
    flow: Flow
    url: str
    user_code: str | None
    redirect_uri: str | None
    begun_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None
    login: str | None = None
    reason: str | None = None
