"""Fetching by hand: who asked for a round, how often that may be, and what they get as an answer."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from olhubd.model import Reason, Run
from olhubd.plugin import Clock, PluginError

__all__ = ["FetchRefused", "ManualFetch"]


class FetchRefused(Exception):
    """Fetching by hand was used up; `again_at` is when it is possible again."""

    def __init__(self, again_at: datetime, reason: str | None = None) -> None:
        super().__init__(reason or Reason("fetch.limited", at=f"{again_at:%H:%M:%S}"))
        self.again_at = again_at


class ManualFetch:
    """The round that people asked for and wait for, if any; all who ask meanwhile wait for the same one."""

    def __init__(self, clock: Clock, per_hour: int | None) -> None:
        self._clock = clock
        self._per_hour = per_hour
        self._times: list[datetime] = []
        self.asked: asyncio.Future[Run] | None = None

    def possible(self) -> None:
        """Raises FetchRefused where one more round may not be asked for."""
        if self._per_hour is None or self.asked is not None:
            return
        now = self._clock.now()
        while self._times and now - self._times[0] >= timedelta(hours=1):
            self._times.pop(0)
        if len(self._times) >= self._per_hour:
            raise FetchRefused(self._times[0] + timedelta(hours=1))

    def ask(self) -> asyncio.Future[Run]:
        """What becomes of the round asked for. Raises FetchRefused."""
        if self.asked is None:
            self.possible()
            if self._per_hour is not None:
                self._times.append(self._clock.now())
            self.asked = asyncio.get_running_loop().create_future()
        return self.asked

    def done(self, asked: asyncio.Future[Run], run: Run) -> None:
        """The round has ended well."""
        if not asked.done():
            asked.set_result(run)
        self.asked = None

    def refuse(self, reason: str) -> None:
        """There will be no such round, for this reason."""
        if self.asked is not None and not self.asked.done():
            self.asked.set_exception(PluginError(reason))
            # The caller may have gone away.
            self.asked.exception()
        self.asked = None
