"""What all pages share while the daemon runs: sessions, notes for the next page, and the open streams."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import NamedTuple

from aiohttp import web

from olhubd.control.dashboard.session import Sessions
from olhubd.control.http.api_tokens import ApiTokens
from olhubd.control.http.login_throttle import LoginThrottle
from olhubd.plugin import Clock

__all__ = ["DESK", "Notice", "PageState"]

_MOST_NOTES = 200


class Notice(NamedTuple):
    """What to say on the next page: a key of the catalogue with its values."""

    key: str
    values: Mapping[str, object]


class PageState:
    """`closing` is set when the daemon ends, `streams` counts those that are open."""

    def __init__(self, keyring: ApiTokens, clock: Clock) -> None:
        self.sessions = Sessions(keyring, clock)
        self.attempts = LoginThrottle(clock)
        self.closing = asyncio.Event()
        self.streams = 0
        self._notes: dict[str, Notice] = {}

    def leave(self, session: str, note: Notice) -> None:
        """Have something said to this session once."""
        if len(self._notes) >= _MOST_NOTES:
            del self._notes[next(iter(self._notes))]
        self._notes[session] = note

    def take(self, session: str) -> Notice | None:
        return self._notes.pop(session, None)


DESK = web.AppKey("desk", PageState)
