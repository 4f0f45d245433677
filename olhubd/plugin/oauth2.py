"""Signing in by OAuth 2.0, as the standards say, for a connector that only names the addresses.

RFC 6749 (code, client credentials, renewal), RFC 7636 (PKCE) and RFC 8628 (a code on another device). What a system
does otherwise goes into a subclass: `granted` turns its answer into a token.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar

import msgspec

from olhubd.model import Reason
from olhubd.plugin.auth import Basic
from olhubd.plugin.budget import Budget, Lane
from olhubd.plugin.capability import OAuthLogin
from olhubd.plugin.connector import Account
from olhubd.plugin.errors import AuthLost, PluginError, Rejected
from olhubd.plugin.http import ErrorDetails, ErrorTable
from olhubd.plugin.oauth import DeviceGrant, Flow, StillPending, Token
from olhubd.plugin.settings import Secret

__all__ = ["OAUTH2_ERRORS", "OAuth2", "TokenResponse"]

T = TypeVar("T")

_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_USUAL, _SLOWEST = 5.0, 60.0
"""Seconds between two questions whether the person has agreed (RFC 8628), and the most a server may ask for."""
_SLOWER = 5.0
"""Seconds to add to the interval at a `slow_down` (RFC 8628)."""
_PROMPT = 10.0
"""Seconds that a renewal or an exchange may take. Servers take a refresh token that was used for a minute more, and
some codes live ten seconds: a server that hangs must leave time for other tries."""
_LONGEST = timedelta(days=3650)
"""No time to come is believed to be farther away."""
_WRONG_KEYS = frozenset({"invalid_client", "unauthorized", "unauthorized_client"})


class TokenResponse(msgspec.Struct):
    """A token as servers send it (RFC 6749, 5.1). Times are in seconds from now."""

    access_token: str
    expires_in: float | None = None
    refresh_token: str | None = None
    refresh_token_expires_in: float | None = None
    scope: str | None = None


class _Device(msgspec.Struct):
    device_code: str
    user_code: str
    verification_uri: str
    expires_in: float
    interval: float = _USUAL
    verification_uri_complete: str | None = None


class _Refusal(msgspec.Struct):
    error: str
    error_description: str | None = None


OAUTH2_ERRORS = ErrorTable(
    # A wrong client secret is refused with 401 like a lost grant; only the code in the body distinguishes them.
    statuses={400: Rejected, 401: Rejected, 403: Rejected},
    # Of a refusal only its code is repeated, for its description may quote the token.
    read=lambda answer: ErrorDetails(code=answer.into(_Refusal).error, message="sign-in refused"),
    is_refusal=lambda answer: bool(answer.into(_Refusal).error),
)
"""How servers refuse a sign-in (RFC 6749, 5.2)."""


class OAuth2(OAuthLogin):
    """A sign-in at the server `base`, by the flows whose addresses are given.

    `token` and `device` are paths there; `authorize` is a path too, or the whole address of the page for the
    person, with `prompts` as parameters beside the standard's. `machine` allows client credentials. `asks` are the
    scopes to ask for, where the server does not give all that the application has. The application's keys go into
    the header, or `in_form`. A token that names no end lives for `life`, what renews it for `refresh_life`.
    """

    life: ClassVar[timedelta] = timedelta(hours=1)
    refresh_life: ClassVar[timedelta | None] = None

    def __init__(
        self,
        account: Account[Any],
        base: str,
        *,
        title: str,
        client_id: str,
        client_secret: Secret | None = None,
        in_form: bool = False,
        token: str,
        device: str | None = None,
        authorize: str | None = None,
        prompts: Mapping[str, str] | None = None,
        machine: bool = False,
        asks: Sequence[str] = (),
        redirect_uri: str | None = None,
        budgets: Sequence[Budget] = (),
        headers: Mapping[str, str] | None = None,
        errors: ErrorTable = OAUTH2_ERRORS,
    ) -> None:
        ways = ((Flow.DEVICE, device), (Flow.CODE, authorize), (Flow.CLIENT, machine))
        self.flows = tuple(flow for flow, given in ways if given)
        self.redirect_uri = redirect_uri
        self.clock = account.clock
        self._title = title
        self._token, self._device = token, device or ""
        self._authorize = f"{base}{authorize}" if (authorize or "").startswith("/") else authorize or ""
        self._prompts = dict(prompts or {})
        self._id = client_id
        self._scope = {"scope": " ".join(asks)} if asks else {}
        self._keys: dict[str, str] = {}
        basic = None
        if in_form or client_secret is None:
            self._keys["client_id"] = client_id
            if client_secret is not None:
                self._keys["client_secret"] = client_secret.get_secret_value()
        else:
            basic = Basic(client_id, client_secret)
        accept = {"Accept": "application/json", **(headers or {})}
        self._http = account.client(base, auth=basic, budgets=budgets, errors=errors, headers=accept)

    def granted(self, answer: TokenResponse) -> Token:
        """The token of an answer. A subclass adds whose it is, or raises AuthLost for one that is of no use."""
        now = self.clock.now()
        ends = answer.refresh_token_expires_in
        if ends is None and answer.refresh_token and self.refresh_life is not None:
            ends = self.refresh_life.total_seconds()
        return Token(
            access=answer.access_token,
            expires_at=_later(now, self.life.total_seconds() if answer.expires_in is None else answer.expires_in),
            refresh=answer.refresh_token,
            refresh_expires_at=None if ends is None else _later(now, ends),
            scopes=tuple((answer.scope or "").split()),
        )

    async def begin_device(self) -> DeviceGrant:
        device = await self._post(self._device, _Device, {"client_id": self._id, **self._keys, **self._scope})
        return DeviceGrant(
            device_code=device.device_code,
            user_code=device.user_code,
            url=device.verification_uri_complete or device.verification_uri,
            interval=min(device.interval, _SLOWEST) if device.interval > 0 else _USUAL,
            expires_at=_later(self.clock.now(), device.expires_in),
        )

    async def poll_device(self, grant: DeviceGrant) -> Token | StillPending:
        if self.clock.now() >= grant.expires_at:
            raise AuthLost(Reason("sign-in.code-ran-out"), code="expired_token")
        try:
            return await self._grant(_DEVICE_GRANT, device_code=grant.device_code)
        except Rejected as error:
            if error.code == "authorization_pending":
                return StillPending(interval=grant.interval)
            if error.code == "slow_down":
                return StillPending(interval=grant.interval + _SLOWER)
            if error.code == "access_denied":
                raise _lost(Reason("sign-in.person-refused"), error) from None
            if error.field is not None:
                raise
            raise _lost(Reason("sign-in.code-over"), error) from None

    def authorize_url(self, redirect_uri: str, state: str, challenge: str) -> str:
        # Here, since few processes ever need it, and it takes 3 MB.
        from oauthlib.oauth2.rfc6749.parameters import prepare_grant_uri

        scheme, _, rest = self._authorize.partition("://")
        prepared: str = prepare_grant_uri(
            f"https://{rest}",  # the library knows nothing else; a simulator speaks http
            self._id,
            "code",
            redirect_uri=redirect_uri,
            scope=self._scope.get("scope"),
            state=state,
            code_challenge=challenge,
            code_challenge_method="S256",
            **self._prompts,
        )
        return f"{scheme}{prepared.removeprefix('https')}"

    async def exchange(self, code: str, redirect_uri: str, verifier: str) -> Token:
        try:
            return await self._grant(
                "authorization_code", prompt=True, code=code, redirect_uri=redirect_uri, code_verifier=verifier
            )
        except Rejected as error:
            if error.code == "invalid_grant":
                raise _lost(Reason("sign-in.code-back-over"), error) from None
            raise

    async def obtain(self) -> Token:
        return await self._grant("client_credentials", prompt=True, **self._scope)

    async def refresh(self, token: Token) -> Token:
        if token.refresh is None:
            if Flow.CLIENT in self.flows:
                return await self.obtain()
            raise AuthLost(Reason("token.no-refresh"))
        try:
            fresh = await self._grant("refresh_token", prompt=True, refresh_token=token.refresh)
        except Rejected as error:
            if error.code == "invalid_grant":
                raise _lost(Reason("token.withdrawn"), error) from None
            raise
        return msgspec.structs.replace(fresh, owner=fresh.owner or token.owner)

    async def _grant(self, grant_type: str, *, prompt: bool = False, **form: str) -> Token:
        form |= {"grant_type": grant_type, **self._keys}
        return self.granted(await self._post(self._token, TokenResponse, form, prompt=prompt))

    async def _post(self, path: str, into: type[T], form: Mapping[str, str], *, prompt: bool = False) -> T:
        """Ask the sign-in. What is `prompt` is of use for seconds only: it passes a shut budget, soon over."""
        lane, timeout = (Lane.ACCESS, _PROMPT) if prompt else (None, None)
        try:
            decoded, _ = await self._http.fetch("POST", path, into, form=form, lane=lane, timeout=timeout)
        except Rejected as error:
            if error.code in _WRONG_KEYS:
                raise self._unknown(error) from None
            raise
        return decoded

    def _unknown(self, error: Rejected) -> PluginError:
        """Wrong keys of the application are no verdict on the grant."""
        said = Reason("sign-in.client", system=self._title)
        return Rejected(said, field="client_secret", code=error.code, status=error.status)


def _lost(message: str, error: PluginError) -> AuthLost:
    return AuthLost(message, code=error.code, status=error.status)


def _later(now: datetime, seconds: float) -> datetime:
    """So many seconds from now, as far as that is a time to come."""
    return now + timedelta(seconds=min(max(seconds, 0.0), _LONGEST.total_seconds()))
