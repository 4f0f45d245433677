"""Signing in at Allegro: device flow, code flow with PKCE, and a refresh token that changes with each use.

A spent refresh token is taken for about a minute longer, so a refresh whose answer was lost is simply tried again.
Only Allegro's own `invalid_grant` means that a person must sign in anew.
"""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import TypeVar
from urllib.parse import urlencode

import msgspec

from olhubd.plugin import (
    Account,
    AuthLost,
    DeviceGrant,
    Lane,
    Pending,
    PluginError,
    Rejected,
    Token,
    Tokens,
)
from olhubd_allegro.client import AUTH_ERRORS, auth_headers, budget
from olhubd_allegro.settings import AllegroSettings, Realm, realm

__all__ = ["Login", "Vetted", "vet"]

T = TypeVar("T")

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
REFRESH_LIFE = timedelta(days=90)
"""For how long Allegro keeps a refresh token that is not used."""
SLOWER = 5.0
"""Seconds to add to the interval at a `slow_down` (RFC 8628)."""
LONGEST = timedelta(days=3650)
"""No time to come is believed to be farther away."""

_USUAL, _SLOWEST = 5.0, 60.0
"""Seconds between two questions whether the person has agreed (RFC 8628), and the most a server may ask for."""
_PROMPT = 10.0
"""Seconds that a renewal may take. A refresh token that was used is taken for a minute more, and a code lives ten
seconds: a server that hangs must leave time for other tries."""
_WRONG_KEYS = frozenset({"invalid_client", "unauthorized", "unauthorized_client"})


class _Device(msgspec.Struct):
    device_code: str
    user_code: str
    verification_uri: str
    expires_in: float
    interval: float = _USUAL
    verification_uri_complete: str | None = None


class _Token(msgspec.Struct):
    access_token: str
    expires_in: float
    refresh_token: str | None = None
    scope: str | None = None


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
        raise AuthLost(
            f"the token is of {origin}, yet test mode is {mode}: sign in to this account again, on {expected}"
        )


class Vetted:
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


class Login:
    def __init__(self, account: Account[AllegroSettings]) -> None:
        self._settings = account.settings
        self._clock = account.clock
        self._client = account.client(
            account.settings.auth,
            budgets=(budget(account.settings),),
            errors=AUTH_ERRORS,
            headers=auth_headers(account.settings),
        )

    async def begin_device(self) -> DeviceGrant:
        device = await self._post("/auth/oauth/device", _Device, client_id=self._settings.client_id)
        return DeviceGrant(
            device_code=device.device_code,
            user_code=device.user_code,
            url=device.verification_uri_complete or device.verification_uri,
            interval=min(device.interval, _SLOWEST) if device.interval > 0 else _USUAL,
            expires_at=_later(self._clock.now(), device.expires_in),
        )

    async def poll_device(self, grant: DeviceGrant) -> Token | Pending:
        if self._clock.now() >= grant.expires_at:
            raise AuthLost("the sign-in code ran out before anybody used it", code="expired_token")
        try:
            return await self._grant(grant_type=DEVICE_GRANT, device_code=grant.device_code)
        except Rejected as error:
            if error.code == "authorization_pending":
                return Pending(interval=grant.interval)
            if error.code == "slow_down":
                return Pending(interval=grant.interval + SLOWER)
            if error.code == "access_denied":
                raise AuthLost("the person refused the sign-in", code=error.code, status=error.status) from None
            if error.field is not None:
                raise
            raise AuthLost("the sign-in code is over", code=error.code, status=error.status) from None

    def authorize_url(self, redirect_uri: str, state: str, challenge: str) -> str:
        query = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": redirect_uri,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "prompt": "confirm",
        }
        return f"{self._settings.auth}/auth/oauth/authorize?{urlencode(query)}"

    async def exchange(self, code: str, redirect_uri: str, verifier: str) -> Token:
        try:
            return await self._grant(
                prompt=True,
                grant_type="authorization_code",
                code=code,
                redirect_uri=redirect_uri,
                code_verifier=verifier,
            )
        except Rejected as error:
            if error.code == "invalid_grant":
                raise AuthLost("the code is over, it lives ten seconds", code=error.code) from None
            raise

    async def refresh(self, token: Token) -> Token:
        if token.refresh is None:
            raise AuthLost("there is no refresh token")
        try:
            return await self._grant(
                token.owner, prompt=True, grant_type="refresh_token", refresh_token=token.refresh
            )
        except Rejected as error:
            if error.code == "invalid_grant":
                raise AuthLost(
                    "the sign-in is over or was withdrawn", code=error.code, status=error.status
                ) from None
            raise

    async def _grant(self, owner: str | None = None, *, prompt: bool = False, **form: str) -> Token:
        answer = await self._post("/auth/oauth/token", _Token, prompt=prompt, **form)
        vet(answer.access_token, self._settings.realm)
        now = self._clock.now()
        return Token(
            access=answer.access_token,
            expires_at=_later(now, answer.expires_in),
            refresh=answer.refresh_token,
            refresh_expires_at=_ends(answer.refresh_token, now) if answer.refresh_token else None,
            scopes=tuple((answer.scope or "").split()),
            owner=_claims(answer.access_token).user_name or owner,
        )

    async def _post(self, path: str, into: type[T], *, prompt: bool = False, **form: str) -> T:
        """Ask the sign-in. What is `prompt` is of use for seconds only: it passes a shut budget, soon over."""
        lane, timeout = (Lane.ACCESS, _PROMPT) if prompt else (Lane.ORDERS, None)
        try:
            decoded, _ = await self._client.fetch(
                "POST", path, into, data=urlencode(form).encode(), lane=lane, timeout=timeout
            )
        except Rejected as error:
            raise _explained(error) from None
        return decoded


def _explained(error: Rejected) -> PluginError:
    """Wrong keys of the application are no verdict on the grant."""
    if error.code in _WRONG_KEYS:
        return Rejected(
            "Allegro does not know this client id with this secret",
            field="client_secret",
            code=error.code,
            status=error.status,
        )
    return error


def _ends(refresh: str, now: datetime) -> datetime:
    expires = _claims(refresh).exp
    return now + REFRESH_LIFE if expires is None else _later(now, expires - now.timestamp())


def _later(now: datetime, seconds: float) -> datetime:
    """So many seconds from now, as far as that is a time to come."""
    return now + timedelta(seconds=min(max(seconds, 0.0), LONGEST.total_seconds()))
