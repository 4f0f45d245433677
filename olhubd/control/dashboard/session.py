"""Who has logged in: signed sessions without a table of them.

A session is its expiry, its number and the mark of the token it was begun with, signed with a key that is derived
from the control token; so it ends with its token, another control token ends them all, and a restart ends none.
What was logged out is remembered until it would have expired.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import secrets
from datetime import datetime, timedelta

import msgspec

from olhubd.control.http.api_tokens import ApiTokens, TokenHolder
from olhubd.plugin import Clock

__all__ = ["LIFETIME", "DashboardSession", "Sessions"]

LIFETIME = timedelta(hours=12)
_MOST_ENDED = 10_000


class DashboardSession(msgspec.Struct, frozen=True):
    """One browser that showed a token. `form` is what its forms must carry."""

    number: str
    expires_at: datetime
    form: str
    holder: TokenHolder

    @property
    def who(self) -> str:
        """As written in the log of events."""
        return "dashboard" if self.holder.name is None else f"dashboard:{self.holder.name}"


class Sessions:
    """Begins, checks and ends sessions."""

    def __init__(self, keyring: ApiTokens, clock: Clock) -> None:
        self._keyring = keyring
        self._clock = clock
        self._key = self._derive("session")
        self._ended: dict[str, datetime] = {}
        self.cookie = f"olhubd-{self._derive('cookie').hex()[:8]}"
        """Its name differs by token: two daemons on one host do not log each other's people out."""

    def _derive(self, purpose: str) -> bytes:
        return hmac.digest(self._keyring.token.encode(), f"olhubd dashboard {purpose} 2".encode(), "sha256")

    def _sign(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()

    def begin(self, holder: TokenHolder) -> str:
        """The value of a new session's cookie."""
        until = self._clock.now() + LIFETIME
        if holder.expires_at is not None:
            until = min(until, holder.expires_at)
        body = f"{math.ceil(until.timestamp())}.{secrets.token_hex(16)}.{holder.mark}"
        return f"{body}.{self._sign(body)}"

    def check(self, cookie: str | None) -> DashboardSession | None:
        """The session of a cookie, if it is one of ours, not over, and its token still good."""
        body, _, signature = (cookie or "").rpartition(".")
        if not body or not hmac.compare_digest(signature.encode(), self._sign(body).encode()):
            return None
        seconds, number, mark = body.split(".")
        expires_at = datetime.fromtimestamp(int(seconds), tz=self._clock.now().tzinfo)
        if self._clock.now() >= expires_at or number in self._ended:
            return None
        holder = self._keyring.marked(mark)
        return (
            None if holder is None else DashboardSession(number, expires_at, self._sign(f"form {number}"), holder)
        )

    def end(self, session: DashboardSession) -> None:
        """Never take this session again."""
        now = self._clock.now()
        self._ended = {number: at for number, at in self._ended.items() if at > now}
        if len(self._ended) < _MOST_ENDED:
            self._ended[session.number] = session.expires_at
