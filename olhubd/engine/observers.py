"""Plugins that look on: each stored event is told to the hooks that want to see it, after the fact and in order.

What an observer does is its own affair: one that fails is logged and the next event is told all the same. Telling
begins with what happens after the start; an observer that must miss nothing reads the log itself.
"""

from __future__ import annotations

import asyncio
import inspect

import pluggy

from olhubd.engine.supervisor import Pulse
from olhubd.model import Event
from olhubd.plugin import Clock, Log
from olhubd.store import Database, events

__all__ = ["Observers"]

_INTERVAL = 1.0
_LIMIT = 30.0
"""Seconds within which the observers of one event must be done."""


class Observers:
    """Tells events to `olhubd_observe_event`."""

    def __init__(self, manager: pluggy.PluginManager, database: Database, clock: Clock, log: Log) -> None:
        self._hook = manager.hook.olhubd_observe_event
        self._database = database
        self._clock = clock
        self._log = log

    @property
    def wanted(self) -> bool:
        """Whether any plugin looks on."""
        return bool(self._hook.get_hookimpls())

    async def main(self, pulse: Pulse) -> None:
        """Tell, for ever."""
        latest = await events.latest(self._database.reader, limit=1)
        seen = latest[-1].id if latest else 0
        while True:
            pulse.beat(_INTERVAL + 100 * _LIMIT * 2)
            for event in await events.since(self._database.reader, seen):
                await self._tell(event)
                seen = event.id
            pulse.well()
            await self._clock.sleep(_INTERVAL)

    async def _tell(self, event: Event) -> None:
        try:
            async with asyncio.timeout(_LIMIT):
                for result in self._hook(event=event):
                    if inspect.isawaitable(result):
                        await result
        except Exception:
            self._log.error("an observer failed", event_kind=event.kind, exc_info=True)
