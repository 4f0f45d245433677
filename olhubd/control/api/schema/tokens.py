"""Tokens of the endpoint."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from olhubd.control.api.schema.base import AnswerStruct, RequestStruct, shape
from olhubd.model import Scope

__all__ = [
    "CreatedToken",
    "Token",
    "TokenRequest",
    "Tokens",
]


class Token(AnswerStruct, frozen=True, kw_only=True):
    """A token that somebody made, without its text. `used_at` is exact to ten minutes."""

    name: str
    scope: Scope
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    expired: bool
    used_at: datetime | None


class Tokens(AnswerStruct, frozen=True, kw_only=True):
    items: tuple[Token, ...]


class CreatedToken(AnswerStruct, frozen=True, kw_only=True):
    """A new token. `text` is what a program must show; nobody can ask for it again."""

    token: Token
    text: str


class TokenRequest(RequestStruct, frozen=True, kw_only=True):
    """`lifetime` is in seconds; without one the token is good until it is revoked."""

    name: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
            **shape("shape.token"),
        ),
    ]
    scope: Scope = Scope.READ
    lifetime: Annotated[float, msgspec.Meta(ge=60, le=315_360_000)] | None = None
