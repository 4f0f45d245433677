"""The sign-in of a marketplace in memory: access tokens that end, and refresh tokens that change with every use.

A refresh token that was used stays good until a token made from it is first used, and not longer. So a client that
lost an answer may ask again, and one that used a new token without keeping it has lost the grant.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from olhubd.plugin import AuthLost, Token

__all__ = ["Grant", "Unauthorized"]

LIFE = timedelta(minutes=10)


class Unauthorized(Exception):
    """401: this access token is not, or not any more."""


class Grant:
    """One seller's grant; `now` is the marketplace's own clock."""

    def __init__(self, name: str, now: Callable[[], datetime]) -> None:
        self._name = name
        self._now = now
        self._made = 0
        self._fresh: dict[str, str] = {}
        """Access tokens that were never used, with the refresh tokens made with them."""
        self._access: dict[str, datetime] = {}
        self._refresh: set[str] = set()
        self.secrets: set[str] = set()
        self.renewing = 0
        self.overlaps = 0
        """How often two renewals were under way at one time."""

    def token(self) -> Token:
        """As after a finished sign-in."""
        self._made += 1
        access, refresh = f"canary-{self._name}-access-{self._made}", f"canary-{self._name}-refresh-{self._made}"
        self.secrets |= {access, refresh}
        self._access[access] = self._now() + LIFE
        self._fresh[access] = refresh
        self._refresh.add(refresh)
        return Token(access=access, refresh=refresh, expires_at=self._access[access], owner=self._name)

    def renew(self, refresh: str | None) -> Token:
        """Another token for a refresh token. Raises AuthLost when that is good no more."""
        if refresh not in self._refresh:
            raise AuthLost("invalid_grant")
        return self.token()

    def check(self, access: str) -> None:
        """Raises Unauthorized. A token's first use ends the refresh tokens of all others."""
        ends = self._access.get(access)
        if ends is None or self._now() >= ends:
            raise Unauthorized(access)
        if (refresh := self._fresh.pop(access, None)) is not None:
            self._refresh = {refresh}

    def expire(self) -> None:
        """All access tokens are over before their time."""
        self._access.clear()
