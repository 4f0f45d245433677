"""The simulator's sign-in: device and code flows, and refresh tokens that change with every use."""

from __future__ import annotations

import base64
import hashlib
import random
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from html import escape
from typing import Any
from urllib.parse import urlencode

import msgspec
from aiohttp import web

from olhubd.plugin import Token

__all__ = ["BASIC", "CLIENT_ID", "CLIENT_SECRET", "OAuthServer"]

CLIENT_ID = "5f0e1a5c9b8d4c7e9a3b2d1c0f9e8d7c"
CLIENT_SECRET = "simulated-Kd83hVq0zN-secret"
BASIC = "Basic " + base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
SCOPES = (
    "allegro:api:orders:read allegro:api:orders:write allegro:api:profile:read"
    " allegro:api:sale:offers:read allegro:api:sale:offers:write"
)
ACCESS_LIFE = timedelta(seconds=43_199)
REFRESH_LIFE = timedelta(days=90)
TOLERANCE = timedelta(seconds=60)
DEVICE_LIFE = timedelta(hours=1)
CODE_LIFE = timedelta(seconds=10)
INTERVAL = 5
_DECISIONS = {"agree": "Zgadzam się", "refuse": "Nie zgadzam się"}


class _Refresh(msgspec.Struct):
    expires: datetime
    spent: datetime | None = None


class _Device(msgspec.Struct):
    user_code: str
    expires: datetime
    polls: int = 0
    granted: bool | None = None


class _Code(msgspec.Struct):
    redirect_uri: str
    challenge: str | None
    expires: datetime


class OAuthServer:
    """Grants for one seller. With `consent` the person agrees by itself after the first poll."""

    def __init__(self, seller: str, issuer: str, chance: random.Random, now: Callable[[], datetime]) -> None:
        self.consent = True
        self.slow = 0
        self.interval: float = INTERVAL
        self.redirects: set[str] | None = None
        """The addresses with which the application is registered; None: any."""
        self._seller = seller
        self._issuer = issuer
        self._random = chance
        self._now = now
        self._access: dict[str, datetime] = {}
        self._refresh: dict[str, _Refresh] = {}
        self._devices: dict[str, _Device] = {}
        self._codes: dict[str, _Code] = {}

    # What the person and Allegro do

    def answer(self, user_code: str, granted: bool) -> None:
        """The person looks at the code and agrees or refuses."""
        for device in self._devices.values():
            if device.user_code == user_code:
                device.granted = granted
                return
        raise ValueError(f"nobody waits for a consent under the code {user_code!r}")

    def revoke(self) -> None:
        """The person withdraws the consent: nothing that was granted works any more."""
        self._access.clear()
        self._refresh.clear()

    def expire(self) -> None:
        """The access tokens are over before their time."""
        self._access.clear()

    def accepts(self, access: str) -> bool:
        ends = self._access.get(access)
        return ends is not None and self._now() < ends

    def token(self) -> Token:
        """A grant as after a finished sign-in."""
        pair = self._pair()
        now = self._now()
        return Token(
            access=pair["access_token"],
            refresh=pair["refresh_token"],
            expires_at=now + ACCESS_LIFE,
            refresh_expires_at=now + REFRESH_LIFE,
            scopes=tuple(SCOPES.split()),
            owner=self._seller,
        )

    # Routes

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.post("/auth/oauth/device", self._device),
            web.post("/auth/oauth/token", self._token),
            web.get("/auth/oauth/authorize", self._authorize),
            web.get("/skojarz-aplikacje", self._consent),
        ]

    async def _device(self, request: web.Request) -> web.Response:
        form = await request.post()
        if not _basic(request) or form.get("client_id") != CLIENT_ID:
            return _error("invalid_client", 401)
        code, user = self._secret(32), self._secret(9)
        self._devices[code] = _Device(user, self._now() + DEVICE_LIFE)
        page = f"{request.url.origin()}/skojarz-aplikacje"
        return _answer(
            {
                "device_code": code,
                "user_code": user,
                "verification_uri": page,
                "verification_uri_complete": f"{page}?code={user}",
                "expires_in": int(DEVICE_LIFE.total_seconds()),
                "interval": self.interval,
            }
        )

    async def _consent(self, request: web.Request) -> web.Response:
        self.answer(request.query.get("code", ""), granted=True)
        return web.Response(text="Aplikacja została skojarzona.\n")

    async def _authorize(self, request: web.Request) -> web.Response:
        """The page for the person, who agrees or refuses there; with `consent` they agree by themselves."""
        query = request.query
        try:
            decision = query.get("decision", "agree" if self.consent else None)
            if decision is None:
                self._check(query)
                return web.Response(text=_question(request), content_type="text/html")
            raise web.HTTPFound(self.send_back(query, decision == "agree"))
        except ValueError as error:
            return _error("invalid_request", 400, str(error))

    def send_back(self, query: Mapping[str, str], granted: bool) -> str:
        """Where the browser goes from the page that it was sent to with `query`. ValueError where that is wrong."""
        redirect = self._check(query)
        state = {"state": query["state"]} if "state" in query else {}
        if not granted:
            return f"{redirect}?{urlencode({'error': 'access_denied', **state})}"
        code = self._secret(32)
        self._codes[code] = _Code(redirect, query.get("code_challenge"), self._now() + CODE_LIFE)
        return f"{redirect}?{urlencode({'code': code, **state})}"

    def _check(self, query: Mapping[str, str]) -> str:
        redirect = query.get("redirect_uri", "")
        if query.get("client_id") != CLIENT_ID or query.get("response_type") != "code":
            raise ValueError("no such application, or no code was asked for")
        if not redirect.startswith("http") or (self.redirects is not None and redirect not in self.redirects):
            raise ValueError("redirect_uri is not registered with the application")
        if "code_challenge" in query and query.get("code_challenge_method") != "S256":
            raise ValueError("code_challenge_method is not S256")
        return redirect

    async def _token(self, request: web.Request) -> web.Response:
        if not _basic(request):
            return _error("invalid_client", 401)
        if request.content_type != "application/x-www-form-urlencoded":
            return _error("invalid_request", 400)
        form = {key: str(value) for key, value in (await request.post()).items()}
        match form.get("grant_type"):
            case "refresh_token":
                return self._renew(form.get("refresh_token", ""))
            case "authorization_code":
                return self._exchange(form)
            case "urn:ietf:params:oauth:grant-type:device_code":
                return self._poll(form.get("device_code", ""))
        return _error("unsupported_grant_type", 400)

    def _poll(self, code: str) -> web.Response:
        device = self._devices.get(code)
        if device is None or self._now() >= device.expires:
            return _error("Invalid device code", 400)
        if self.slow:
            self.slow -= 1
            return _error("slow_down", 400)
        if device.granted is None:
            device.granted = True if self.consent and device.polls else None
            device.polls += 1
        if device.granted is None:
            return _error("authorization_pending", 400)
        del self._devices[code]
        return _answer(self._pair()) if device.granted else _error("access_denied", 400)

    def _exchange(self, form: dict[str, str]) -> web.Response:
        code = self._codes.pop(form.get("code", ""), None)
        if code is None or self._now() >= code.expires or form.get("redirect_uri") != code.redirect_uri:
            return _error("invalid_grant", 400)
        if code.challenge is not None:
            digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != code.challenge:
                return _error("invalid_grant", 400)
        return _answer(self._pair())

    def _renew(self, refresh: str) -> web.Response:
        held, now = self._refresh.get(refresh), self._now()
        if held is None or now >= held.expires or (held.spent and now - held.spent > TOLERANCE):
            # Allegro quotes the refused token, which is why nobody may log this text.
            return _error("invalid_grant", 400, f"Invalid refresh token: {refresh}")
        held.spent = held.spent or now
        return _answer(self._pair())

    def _pair(self) -> dict[str, Any]:
        access = self._jwt(ACCESS_LIFE)
        refresh = self._jwt(REFRESH_LIFE)
        self._access[access] = self._now() + ACCESS_LIFE
        self._refresh[refresh] = _Refresh(self._now() + REFRESH_LIFE)
        return {
            "access_token": access,
            "token_type": "bearer",
            "refresh_token": refresh,
            "expires_in": int(ACCESS_LIFE.total_seconds()),
            "scope": SCOPES,
            "allegro_api": True,
        }

    def _jwt(self, life: timedelta) -> str:
        claims = {
            "user_name": self._seller,
            "scope": SCOPES.split(),
            "allegro_api": True,
            "iss": self._issuer,
            "exp": int((self._now() + life).timestamp()),
            "jti": self._secret(24),
            "client_id": CLIENT_ID,
        }
        parts = (b'{"alg":"RS256","typ":"JWT"}', msgspec.json.encode(claims), self._random.randbytes(128))
        return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)

    def _secret(self, length: int) -> str:
        return "".join(self._random.choices("abcdefghijkmnpqrstuvwxyz23456789", k=length))


def _question(request: web.Request) -> str:
    ways = ((word, escape(str(request.rel_url.update_query(decision=way)))) for way, word in _DECISIONS.items())
    links = "".join(f'<p><a href="{address}">{word}</a></p>' for word, address in ways)
    return f"<!doctype html><title>Allegro</title><h1>Zgoda dla aplikacji</h1>{links}"


def _basic(request: web.Request) -> bool:
    return request.headers.get("Authorization") == BASIC


def _answer(body: dict[str, Any]) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), content_type="application/json")


def _error(code: str, status: int, text: str = "refused") -> web.Response:
    body = msgspec.json.encode({"error": code, "error_description": text})
    return web.Response(body=body, status=status, content_type="application/json")
