"""Counts wrong tokens by where they come from, so that a client that tries many is stopped and fills no log.

What keeps a right one from being found is its length. So the right one is never counted and never waits.
"""

from __future__ import annotations

import ipaddress
import math
from datetime import datetime, timedelta

from olhubd.plugin import Clock

__all__ = ["LoginThrottle"]

_MOST_SOURCES = 1000


class LoginThrottle:
    """`most` wrong ones in `window`, then a pause."""

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
        if len(self._wrong) >= _MOST_SOURCES:
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
