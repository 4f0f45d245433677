"""Who may ask. Keys by Basic over https only, by OAuth 1.0a over plain http; application passwords over https.

A key counts only when the request's address holds "wp-json/wc/" somewhere, which a shop without permalinks lacks.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import quote, unquote, unquote_plus

from aiohttp import web

from olhubd_kit.simulators.woocommerce.refusal import WordPressError

__all__ = ["Access"]

KEY, SECRET = "ck_" + "0a" * 20, "cs_" + "0b" * 20
READ_KEY, READ_SECRET = "ck_" + "1a" * 20, "cs_" + "1b" * 20
USER, PASSWORD = "hub", "abcd EFGH 1234 ijkl MNOP 5678"

_KEYS = {KEY: (SECRET, True), READ_KEY: (READ_SECRET, False)}
_OAUTH = re.compile(r'(oauth_[a-z_-]*)="?([^",]*)"?')
_WINDOW = 15 * 60
_DENIED = {
    "GET": ("woocommerce_rest_cannot_view", "Sorry, you cannot list resources."),
    "OPTIONS": ("woocommerce_rest_cannot_view", "Sorry, you cannot list resources."),
    "POST": ("woocommerce_rest_cannot_create", "Sorry, you are not allowed to create resources."),
    "PUT": ("woocommerce_rest_cannot_edit", "Sorry, you are not allowed to edit this resource."),
    "DELETE": ("woocommerce_rest_cannot_delete", "Sorry, you are not allowed to delete this resource."),
}


class Access:
    """`secure`: PHP believes itself on https. `verify`: signatures and nonces are really checked.

    `strips`: the host passes no Authorization header on.
    """

    def __init__(self, *, secure: bool, verify: bool) -> None:
        self.secure, self.verify = secure, verify
        self.strips = False
        self._nonces: dict[str, int] = {}

    def check(self, request: web.Request, now: int) -> None:
        """Pass, or raise Refusal."""
        header = "" if self.strips else request.headers.get("Authorization", "")
        method = "GET" if request.method == "HEAD" else request.method
        may_write = self._who(request, header, now)
        if may_write is None:
            code, message = _DENIED.get(method, _DENIED["GET"])
            raise WordPressError(401, code, message)
        if not may_write and method not in ("GET", "OPTIONS"):
            raise _unproven("The API key provided does not have write permissions.")

    def check_index(self, request: web.Request) -> None:
        """The index is open to anybody; but WordPress reads a name there for one of its own users, as soon as one
        of them has an application password, and keys of the shop are no users."""
        header = "" if self.strips else request.headers.get("Authorization", "")
        name = _basic(header)[0] if header.startswith("Basic ") and self.secure else USER
        if name != USER:
            raise WordPressError(
                401, "invalid_username", "Unknown username. Check again or try your email address."
            )

    def _who(self, request: web.Request, header: str, now: int) -> bool | None:
        counts = "wp-json/wc/" in request.raw_path or "wp-json/wc-" in request.raw_path
        if header.startswith("Basic ") and self.secure:
            name, password = _basic(header)
            if name in _KEYS and counts:
                return _KEYS[name][1] if password == _KEYS[name][0] else None
            return True if (name, password) == (USER, PASSWORD) else None
        key = request.query.get("consumer_key")
        if key in _KEYS and counts and self.secure:
            if request.query.get("consumer_secret") != _KEYS[key][0]:
                raise _unproven("Consumer secret is invalid.")
            return _KEYS[key][1]
        if header.startswith("OAuth ") and counts and not self.secure:
            return self._oauth(request, dict(_OAUTH.findall(header)), now)
        return None

    def _oauth(self, request: web.Request, given: Mapping[str, str], now: int) -> bool | None:
        params = {name: unquote(value) for name, value in given.items()}
        key = params.get("oauth_consumer_key", "")
        if key not in _KEYS:
            raise _unproven("Consumer key is invalid.")
        secret, may_write = _KEYS[key]
        if not self.verify:
            return may_write
        signature = params.pop("oauth_signature", "")
        # The path of the site's address is taken off the request's, and with it the slash of a bare "/".
        address = _encode(f"http://{request.host}{request.rel_url.raw_path.rstrip('/')}")
        text = f"{request.method}&{address}&{_pairs(request, params)}"
        algorithm = {"HMAC-SHA256": hashlib.sha256, "HMAC-SHA1": hashlib.sha1}.get(
            params.get("oauth_signature_method", "")
        )
        if algorithm is None:
            raise _unproven("Invalid signature - signature method is invalid.")
        digest = hmac.new(f"{secret}&".encode(), text.encode(), algorithm).digest()
        if not hmac.compare_digest(base64.b64encode(digest).decode(), signature):
            raise _unproven("Invalid signature - provided signature does not match.")
        self._once(params.get("oauth_nonce", ""), params.get("oauth_timestamp", ""), now)
        return may_write

    def _once(self, nonce: str, timestamp: str, now: int) -> None:
        if not timestamp.isdigit() or abs(now - int(timestamp)) > _WINDOW:
            raise _unproven("Invalid timestamp.")
        if not nonce or nonce in self._nonces:
            raise _unproven("Invalid nonce - nonce has already been used.")
        self._nonces[nonce] = now
        if len(self._nonces) > 50_000:
            self._nonces = {n: at for n, at in self._nonces.items() if now - at <= _WINDOW}


def _basic(header: str) -> tuple[str, str]:
    """Name and password; empty where there are none."""
    try:
        name, _, password = base64.b64decode(header[6:]).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, password


def _unproven(message: str) -> WordPressError:
    return WordPressError(401, "woocommerce_rest_authentication_error", message)


def _encode(text: str) -> str:
    return quote(text, safe="")


def _pairs(request: web.Request, oauth: Mapping[str, str]) -> str:
    """All parameters as they are signed: decoded, encoded, sorted, encoded once more."""
    params = dict(oauth)
    for pair in request.rel_url.raw_query_string.split("&"):
        if pair:
            name, _, value = pair.partition("=")
            params[unquote_plus(name)] = unquote_plus(value)
    return "%26".join(f"{_encode(_encode(k))}%3D{_encode(_encode(params[k]))}" for k in sorted(params))
