"""Tokens: who was given access, and taking it away again. Their texts are shown once and kept nowhere."""

from __future__ import annotations

from datetime import datetime, timedelta

from olhubd.control.api.schema.base import Nothing
from olhubd.control.api.schema.tokens import CreatedToken, Token, TokenRequest, Tokens
from olhubd.control.http.problem import Refusal
from olhubd.control.http.routes import Call, Reply, route
from olhubd.model import Reason, Scope
from olhubd.store.tokens import TokenRow

__all__ = ["ROUTES"]


async def listing(call: Call[Nothing, Nothing]) -> Tokens:
    """All tokens that somebody made, expired ones too, by name."""
    return await _all(call)


async def make(call: Call[Nothing, TokenRequest]) -> Reply[CreatedToken]:
    """Make a token. Its text is in this answer and never again."""
    asked = call.body
    lifetime = None if asked.lifetime is None else timedelta(seconds=asked.lifetime)
    row, text = await call.context.keyring.make(asked.name, asked.scope, lifetime, call.who)
    return Reply(content=CreatedToken(token=_token(row, row.created_at), text=text), status=201)


async def revoke(call: Call[Nothing, Nothing]) -> Tokens:
    """Take a token away: at once it opens nothing, and the sessions that were begun with it end."""
    name = call.path["token"]
    if not await call.context.keyring.revoke(name, call.who):
        raise Refusal(404, "not-found", Reason("none.token", token=name))
    return await _all(call)


async def _all(call: Call[Nothing, Nothing]) -> Tokens:
    now = call.hub.clock.now()
    return Tokens(items=tuple(_token(row, now) for row in await call.context.keyring.listing()))


def _token(row: TokenRow, now: datetime) -> Token:
    return Token(
        name=row.name,
        scope=row.scope,
        created_at=row.created_at,
        created_by=row.created_by,
        expires_at=row.expires_at,
        expired=row.expires_at is not None and now >= row.expires_at,
        used_at=row.used_at,
    )


ROUTES = (
    route("GET", "/api/v1/tokens", listing, scope=Scope.ADMIN),
    route("POST", "/api/v1/tokens", make, scope=Scope.ADMIN, statuses=(201,), secret=True),
    route("POST", "/api/v1/tokens/{token}/revoke", revoke, scope=Scope.ADMIN),
)
