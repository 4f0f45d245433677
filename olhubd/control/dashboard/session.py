"""Who has logged in: signed sessions without a table of them, and how often somebody may try.

A session is its expiry and its number, signed with a key that is derived from the control token; so another token
ends all sessions, and a restart ends none. What was logged out is remembered until it would have expired.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import math
import secrets
from datetime import datetime, timedelta

import msgspec

from olhubd.plugin import Clock

__all__ = ["LIFETIME", "Attempts", "Session", "Sessions"]

LIFETIME = timedelta(hours=12)
_MOST_ENDED = 10_000


class Session(msgspec.Struct, frozen=True):
    """One browser that showed the token. `form` is what its forms must carry."""

    number: str
    expires_at: datetime
    form: str


class Sessions:
    """Begins, checks and ends sessions."""

    def __init__(self, token: str, clock: Clock) -> None:
        self._token = token.encode()
        self._clock = clock
        self._key = self._derive("session")
        self._ended: dict[str, datetime] = {}
        self.cookie = f"olhubd-{self._derive('cookie').hex()[:8]}"
        """Its name differs by token: two daemons on one host do not log each other's people out."""

    def _derive(self, purpose: str) -> bytes:
        return hmac.digest(self._token, f"olhubd dashboard {purpose} 1".encode(), "sha256")

    def _sign(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()

    def is_token(self, shown: str) -> bool:
        """Whether somebody knows the control token, in a time that does not tell how nearly."""
        return hmac.compare_digest(shown.strip().encode(), self._token)

    def begin(self) -> str:
        """The value of a new session's cookie."""
        body = f"{math.ceil((self._clock.now() + LIFETIME).timestamp())}.{secrets.token_hex(16)}"
        return f"{body}.{self._sign(body)}"

    def check(self, cookie: str | None) -> Session | None:
        """The session that a cookie stands for, if it is one of ours and not over."""
        body, _, signature = (cookie or "").rpartition(".")
        if not body or not hmac.compare_digest(signature.encode(), self._sign(body).encode()):
            return None
        seconds, _, number = body.partition(".")
        expires_at = datetime.fromtimestamp(int(seconds), tz=self._clock.now().tzinfo)
        if self._clock.now() >= expires_at or number in self._ended:
            return None
        return Session(number, expires_at, self._sign(f"form {number}"))

    def end(self, session: Session) -> None:
        """Never take this session again."""
        now = self._clock.now()
        self._ended = {number: at for number, at in self._ended.items() if at > now}
        if len(self._ended) < _MOST_ENDED:
            self._ended[session.number] = session.expires_at


class Attempts:
    """Counts wrong tokens by where they come from: `most` of them in `window`, then a pause."""

    def __init__(self, clock: Clock, most: int = 5, window: timedelta = timedelta(minutes=1)) -> None:
        self._clock = clock
        self._most = most
        self._window = window
        self._wrong: dict[str, list[datetime]] = {}

    def wait(self, source: str) -> int:
        """For how many seconds this source must wait; 0 when it may try."""
        recent = self._recent(_net(source))
        if len(recent) < self._most:
            return 0
        return max(1, math.ceil((recent[-self._most] + self._window - self._clock.now()).total_seconds()))

    def failed(self, source: str) -> None:
        net = _net(source)
        recent = [*self._recent(net), self._clock.now()]
        self._wrong.pop(net, None)
        if len(self._wrong) >= 1000:
            del self._wrong[next(iter(self._wrong))]
        self._wrong[net] = recent

    def _recent(self, net: str) -> list[datetime]:
        since = self._clock.now() - self._window
        return [at for at in self._wrong.get(net, ()) if at > since]


def _net(source: str) -> str:
    """An IPv6 source has a whole /64 to try from."""
    try:
        address = ipaddress.ip_address(source)
    except ValueError:
        return source
    if address.version == 6:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return source
