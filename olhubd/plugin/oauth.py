"""The records of a sign-in: tokens and device grants. Who keeps and renews them is the host's affair."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Protocol

import msgspec

__all__ = ["DeviceGrant", "Flow", "StillPending", "Token", "Tokens"]


class Flow(enum.StrEnum):
    """A way to get the first token of an account."""

    DEVICE = "device"
    """A person confirms a code on another device (RFC 8628)."""
    CODE = "code"
    """A person's browser comes back with a code, which is exchanged with a PKCE verifier (RFC 6749, RFC 7636)."""
    CLIENT = "client"
    """No person: the application's own keys are enough (RFC 6749, client credentials)."""


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """An access token and what renews it. `owner` is the remote identity that granted it, once known."""

    access: str
    expires_at: datetime
    refresh: str | None = None
    refresh_expires_at: datetime | None = None
    scopes: tuple[str, ...] = ()
    owner: str | None = None

    def __repr__(self) -> str:
        return f"Token(<hidden>, expires_at={self.expires_at:%Y-%m-%dT%H:%M:%SZ}, owner={self.owner!r})"


class DeviceGrant(msgspec.Struct, frozen=True, kw_only=True):
    """A sign-in under way on another device: open `url`, compare `user_code`. Seconds in `interval`."""

    device_code: str
    user_code: str
    url: str
    interval: float
    expires_at: datetime

    def __repr__(self) -> str:
        return f"DeviceGrant(<hidden>, url={self.url!r})"


class StillPending(msgspec.Struct, frozen=True, kw_only=True):
    """The person has not answered yet: ask again in `interval` seconds."""

    interval: float


class Tokens(Protocol):
    """The host's keeper of one account's token."""

    async def access(self) -> str:
        """A token that is fresh now. Raises AuthLost when a person must sign in."""

    async def refused(self, access: str) -> None:
        """Report that the server refused this very token, so that the next `access` is another one."""
