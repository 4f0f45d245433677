"""What can go wrong at an external system, in two families: it may pass by itself, or it will not.

Each error says who must act (`blame`): the configuration's owner, the remote system, or us. Texts name things
and reasons but never carry bodies, headers or personal data, since they end in logs and in the journal.
"""

from __future__ import annotations

import enum

__all__ = [
    "AccountBlocked",
    "AuthLost",
    "Blame",
    "Conflict",
    "ContractBroken",
    "NotFound",
    "OutcomeUnknown",
    "Permanent",
    "PluginError",
    "RateLimited",
    "Rejected",
    "Temporary",
    "Unavailable",
]


class Blame(enum.StrEnum):
    CONFIGURATION = "configuration"
    REMOTE = "remote"
    US = "us"


class PluginError(Exception):
    """The root of all errors a plugin raises on purpose. `code` is the remote system's own word, if any."""

    blame = Blame.REMOTE

    def __init__(self, message: str, *, code: str | None = None, status: int | None = None) -> None:
        super().__init__(_storable(message))
        self.code = None if code is None else _storable(code)
        self.status = status


def _storable(text: str) -> str:
    """Headers that are no UTF-8 come as half surrogates, which no database takes."""
    return text.encode(errors="backslashreplace").decode()


class Temporary(PluginError):
    """Try again later; nothing was changed over there (except for OutcomeUnknown)."""

    retry_after: float | None = None


class Permanent(PluginError):
    """Trying the same again gives the same answer."""


class Unavailable(Temporary):
    """Not reached, or answered with its own failure, and surely nothing was done."""

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        code: str | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message, code=code, status=status)
        self.retry_after = retry_after


class RateLimited(Temporary):
    """Too many calls. `retry_after` in seconds; None when the server does not say."""

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        code: str | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message, code=code, status=status)
        self.retry_after = retry_after


class OutcomeUnknown(Temporary):
    """A request that changes something was sent and no answer came: look it up before sending it again."""


class AuthLost(Permanent):
    """The grant or key is refused for good; a person must sign in again or change the key."""

    blame = Blame.CONFIGURATION


class AccountBlocked(Permanent):
    """The marketplace blocked the account itself."""


class Rejected(Permanent):
    """The other side refuses this record. `field` is its name for the wrong part, if it says."""

    def __init__(
        self, message: str, *, field: str | None = None, code: str | None = None, status: int | None = None
    ) -> None:
        super().__init__(message, code=code, status=status)
        self.field = field


class Conflict(Permanent):
    """The record over there is in a state that does not allow this (a stale revision, already shipped)."""


class NotFound(Permanent):
    """No such record over there."""


class ContractBroken(Permanent):
    """The answer is not what the contract promises; ours to mend. `field` is the path to the surprise."""

    blame = Blame.US

    def __init__(
        self, message: str, *, field: str | None = None, code: str | None = None, status: int | None = None
    ) -> None:
        super().__init__(message, code=code, status=status)
        self.field = field
