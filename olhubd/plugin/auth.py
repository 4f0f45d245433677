"""Proving who calls with keys that never change: HTTP Basic, and OAuth 1.0a without a user.

Both are given to `Account.client` as its `auth`. Tokens that end and are renewed go by `Bearer` instead.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from functools import lru_cache
from urllib.parse import quote

import aiohttp
from yarl import URL

from olhubd.plugin.connector import Clock
from olhubd.plugin.settings import Secret

__all__ = ["Basic", "OAuth1", "signed"]


class Basic:
    """HTTP Basic (RFC 7617)."""

    def __init__(self, user: str | Secret, password: Secret) -> None:
        user = user if isinstance(user, str) else user.get_secret_value()
        pair = f"{user}:{password.get_secret_value()}"
        self._header = "Basic " + base64.b64encode(pair.encode()).decode()

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        request.headers["Authorization"] = self._header
        return await handler(request)


class OAuth1:
    """One-legged OAuth 1.0a (RFC 5849) with HMAC-SHA256 in the Authorization header.

    `scheme` is the one that the server believes it is called by, where a proxy before it hides the real one.
    """

    def __init__(self, key: Secret, secret: Secret, clock: Clock, *, scheme: str | None = None) -> None:
        self._key, self._secret = key.get_secret_value(), secret.get_secret_value()
        self._clock = clock
        self._scheme = scheme

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        url = request.url
        if self._scheme is not None and url.scheme != self._scheme:
            url = url.with_scheme(self._scheme)
        moment, nonce = int(self._clock.now().timestamp()), secrets.token_hex(12)
        request.headers["Authorization"] = signed(request.method, url, self._key, self._secret, moment, nonce)
        return await handler(request)


@lru_cache(maxsize=256)
def _quoted(text: str) -> str:
    """For what is the same every time: names, keys, addresses."""
    return quote(text, safe="")


@lru_cache(maxsize=64)
def _signed_address(url: URL) -> str:
    """The address as it is signed: without its query, and quoted."""
    return quote(str(url.with_query(None).with_fragment(None)), safe="")


def signed(method: str, url: URL, key: str, secret: str, timestamp: int, nonce: str) -> str:
    """The Authorization header of RFC 5849.

    Not by oauthlib, which needs twenty times as long for each call and writes keys into debug logs; the tests
    compare with it.
    """
    ours = [
        ("oauth_consumer_key", _quoted(key)),
        ("oauth_nonce", quote(nonce, safe="")),
        ("oauth_signature_method", "HMAC-SHA256"),
        ("oauth_timestamp", str(timestamp)),
        ("oauth_version", "1.0"),
    ]
    pairs = ours
    if url.raw_query_string:
        pairs = sorted((*((_quoted(k), _quoted(v)) for k, v in url.query.items()), *ours))
    # They are quoted once more as a whole, and hold nothing else that has to be.
    params = "&".join([f"{k}={v}" for k, v in pairs])
    params = params.replace("%", "%25").replace("=", "%3D").replace("&", "%26")
    base = f"{method}&{_signed_address(url)}&{params}"
    digest = hmac.digest(f"{_quoted(secret)}&".encode(), base.encode(), hashlib.sha256)
    signature = base64.b64encode(digest).decode()
    signature = signature.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
    ours.append(("oauth_signature", signature))
    return "OAuth " + ", ".join([f'{k}="{v}"' for k, v in ours])
