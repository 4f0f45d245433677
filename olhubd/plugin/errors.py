"""What can go wrong at an external system, in two families: it may pass by itself, or it will not.

Each error says who must act (`blame`): the configuration's owner, the remote system, or us. Texts name things
and reasons but never carry bodies, headers or personal data, since they end in logs and in the journal.
"""

from __future__ import annotations

import enum
import math

from olhubd.model import Reason

__all__ = [
    "AccountBlocked",
    "AuthLost",
    "Blame",
    "Conflict",
    "ContractBroken",
    "Forbidden",
    "NotFound",
    "OutcomeUnknown",
    "Permanent",
    "PluginError",
    "RateLimited",
    "Rejected",
    "Temporary",
    "Unavailable",
    "ValuesSpent",
]


LONGEST_PAUSE = 86400.0
"""Seconds; nobody is believed who asks for more."""


class Blame(enum.StrEnum):
    CONFIGURATION = "configuration"
    REMOTE = "remote"
    US = "us"


class PluginError(Exception):
    """The root of all errors a plugin raises on purpose. `code` is the remote system's own word, if any.

    The message is a `Reason` of the plugin's own catalogue, which is said in each language, or a text, such as the
    remote system's answer, which is shown as it is.
    """

    blame = Blame.REMOTE

    def __init__(self, message: str, *, code: str | None = None, status: int | None = None) -> None:
        super().__init__(_storable(message))
        self.code = None if code is None else _storable(code)
        self.status = status


def _storable(text: str) -> str:
    """Headers that are no UTF-8 come as half surrogates, which no database takes."""
    return text if isinstance(text, Reason) else text.encode(errors="backslashreplace").decode()


class Temporary(PluginError):
    """Try again later; nothing was changed in the other system (except for OutcomeUnknown).

    `retry_after` is in seconds; None when nobody said. What is no span of time counts as not said, and none is
    longer than a day. `strained` means that the server took the request and did not get done with it (no answer in
    time, a dropped connection, 500, 502, 504): asking for less at a time may help.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        strained: bool = False,
        code: str | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message, code=code, status=status)
        self.retry_after = _span(retry_after)
        self.strained = strained


def _span(seconds: float | None) -> float | None:
    if seconds is None or not math.isfinite(seconds):
        return None
    return min(max(0.0, seconds), LONGEST_PAUSE)


class Permanent(PluginError):
    """Trying the same again gives the same answer."""


class Unavailable(Temporary):
    """Not reached, or answered with its own failure, and surely nothing was done."""


class RateLimited(Temporary):
    """Too many calls."""


class ValuesSpent(RateLimited):
    """Not done: so many values may not be changed yet, as the host counts them or as the system answered. Other
    calls are none the worse for it."""


class Forbidden(Temporary):
    """The other side forbids this call by a code that the connector does not know.

    A right may be missing, the account may be restricted, or this one thing is not allowed: nobody can say, so
    nothing is switched off by it. It is tried again, more and more seldom, and an alarm says what was answered.
    """


class OutcomeUnknown(Temporary):
    """A request that changes something was sent, and no answer came that says what was done: look it up before
    it is sent again."""


class AuthLost(Permanent):
    """The grant or key is refused for good; a person must sign in again or change the key."""

    blame = Blame.CONFIGURATION


class AccountBlocked(Permanent):
    """The marketplace blocked the account itself. Raised for what its table says is that, and for nothing else."""


class Rejected(Permanent):
    """The other side refuses this record. `field` is its name for the wrong part, if it says."""

    def __init__(
        self, message: str, *, field: str | None = None, code: str | None = None, status: int | None = None
    ) -> None:
        super().__init__(message, code=code, status=status)
        self.field = field


class Conflict(Permanent):
    """The record in the other system is in a state that does not allow this (a stale revision, already shipped)."""


class NotFound(Permanent):
    """The other system has no such record."""


class ContractBroken(Permanent):
    """The answer is not what the contract promises; ours to mend. `field` is the path to the surprise."""

    blame = Blame.US

    def __init__(
        self, message: str, *, field: str | None = None, code: str | None = None, status: int | None = None
    ) -> None:
        super().__init__(message, code=code, status=status)
        self.field = field
