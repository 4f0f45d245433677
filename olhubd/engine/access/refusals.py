"""Whether a static key is refused for good: nobody withdraws one in passing, and hosts answer 401 at times.

A cache plugin, a load balancer or a PHP that is being restarted refuses one call and answers the next. So a key
counts as lost only when it was refused again and again over minutes, without any call that went well in between.
"""

from __future__ import annotations

from datetime import datetime

from olhubd.plugin import AuthLost, Clock

__all__ = ["KeyRefusals"]

_MANY = 5
_LONG = 600.0
"""Seconds from the first refusal to the one that counts as the last word."""


class KeyRefusals:
    """How often and for how long the key of one account has been refused."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._count = 0
        self._began = 0.0
        self.since: datetime | None = None
        """Since when it has been refused; None while it is not."""
        self.words = ""
        """What the system said of it last."""

    def refused(self, error: AuthLost) -> bool:
        """It was refused once more. True when that is the system's last word."""
        if self.since is None:
            self.since, self._began, self._count = self._clock.now(), self._clock.monotonic(), 0
        self._count += 1
        self.words = str(error)
        return self.lost

    def worked(self) -> None:
        """A call went well."""
        self.since = None

    def forget(self) -> None:
        """A person says that it is mended: what was refused before says nothing of the key that it has now."""
        self.since = None

    @property
    def lost(self) -> bool:
        """Whether it was refused often and long enough."""
        return self.since is not None and self._count >= _MANY and self._clock.monotonic() - self._began >= _LONG
