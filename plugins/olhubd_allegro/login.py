"""Signing in at Allegro: by a code on another device or by the browser, and whose token came.

Which of the two an application may use is chosen when it is registered. A spent refresh token is taken for about a
minute longer, so a refresh whose answer was lost is simply tried again.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar

import msgspec

from olhubd.model import Reason
from olhubd.plugin import Account, AuthLost, OAuth2, Token, TokenResponse, Tokens
from olhubd_allegro.client import AUTH_ERRORS, agent, budget
from olhubd_allegro.settings import AllegroSettings, Realm, realm

__all__ = ["Login", "RealmCheckedTokens", "vet"]


class _Claims(msgspec.Struct):
    user_name: str | None = None
    iss: str | None = None
    exp: float | None = None


def _claims(token: str) -> _Claims:
    """What a token says of itself, unverified: for explanations, never for access."""
    try:
        body = token.split(".")[1]
        return msgspec.json.decode(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)), type=_Claims)
    except (IndexError, ValueError, RecursionError, msgspec.MsgspecError):
        return _Claims()


def vet(access: str, expected: Realm) -> None:
    """Raise AuthLost for a token of Allegro's other world; one that does not say is taken."""
    origin = realm(_claims(access).iss or "")
    if origin not in (None, expected):
        mode = "on" if expected is Realm.SANDBOX else "off"
        raise AuthLost(Reason("olhubd_allegro:other-world", origin=origin, mode=mode, expected=expected))


class RealmCheckedTokens:
    """The account's tokens, with those of the other world refused before they are ever sent."""

    def __init__(self, tokens: Tokens, expected: Realm) -> None:
        self._tokens = tokens
        self._expected = expected
        self._good: str | None = None

    async def access(self) -> str:
        access = await self._tokens.access()
        if access != self._good:
            vet(access, self._expected)
            self._good = access
        return access

    async def refused(self, access: str) -> None:
        await self._tokens.refused(access)


class Login(OAuth2):
    scopes = ("allegro:api:orders:read", "allegro:api:orders:write", "allegro:api:profile:read")
    scopes_for: ClassVar[Mapping[str, tuple[str, ...]]] = dict.fromkeys(
        ("OfferFeed", "LevelSink", "PriceSink"), ("allegro:api:sale:offers:read", "allegro:api:sale:offers:write")
    )
    refresh_life = timedelta(days=90)

    def __init__(self, account: Account[AllegroSettings]) -> None:
        settings = account.settings
        self._realm = settings.realm
        super().__init__(
            account,
            settings.auth,
            title="Allegro",
            client_id=settings.client_id,
            client_secret=settings.client_secret,
            token="/auth/oauth/token",
            device="/auth/oauth/device",
            authorize="/auth/oauth/authorize",
            prompts={"prompt": "confirm"},
            redirect_uri=settings.redirect_uri,
            budgets=(budget(settings),),
            headers={"User-Agent": agent(settings)},
            errors=AUTH_ERRORS,
        )

    def granted(self, answer: TokenResponse) -> Token:
        vet(answer.access_token, self._realm)
        ends = _claims(answer.refresh_token or "").exp
        if ends is not None:
            answer.refresh_token_expires_in = ends - self.clock.now().timestamp()
        token = super().granted(answer)
        return msgspec.structs.replace(token, owner=_claims(answer.access_token).user_name)
