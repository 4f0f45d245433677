"""Plugins that look on: each stored event is passed to the hooks that observe events, after the fact and in order.

What an observer does is its own affair: one that fails is named in the log once and in the status for as long as it
fails. It still gets later events, and the others still get this one. Observing begins with what happens after the
start, and each event is passed once, even if the observer fails; an observer that must miss nothing reads the log
itself.
"""

from __future__ import annotations

import inspect
from datetime import datetime
from typing import Any

import msgspec
import pluggy

from olhubd.engine.calls import Calls, OverdueCalls, PluginFault
from olhubd.model import Event
from olhubd.plugin import Clock, Log, PluginError
from olhubd.runtime.supervisor import Heartbeat, Supervisor
from olhubd.store import Database, events

__all__ = ["ObserverFailure", "Observers"]

_HOOK = "olhubd_observe_event"
_INTERVAL = 1.0
_LIMIT = 30.0
"""Seconds within which one observer must be done with one event."""


class ObserverFailure(msgspec.Struct, frozen=True, kw_only=True):
    """Since when an observer fails, at how many events, and by what."""

    since: datetime
    events: int
    reason: str


class Observers:
    """Passes events to `olhubd_observe_event`. Call `begin` before anything happens that is to be observed, then
    `main`."""

    def __init__(
        self, manager: pluggy.PluginManager, database: Database, clock: Clock, log: Log, strays: OverdueCalls
    ) -> None:
        looking = [found.plugin for found in getattr(manager.hook, _HOOK).get_hookimpls()]
        # Each by itself, or one that fails would keep the event from those after it.
        self._hooks: dict[str, Any] = {
            manager.get_name(plugin) or "": manager.subset_hook_caller(
                _HOOK, [other for other in looking if other is not plugin]
            )
            for plugin in looking
        }
        self._calls = {name: Calls(f"plugin {name}", clock, log, strays, quiet=True) for name in self._hooks}
        self._database = database
        self._clock = clock
        self._log = log
        self._seen: int | None = None
        self.failing: dict[str, ObserverFailure] = {}
        """The plugins whose observer failed at the last event."""

    @property
    def wanted(self) -> bool:
        """Whether any plugin looks on."""
        return bool(self._hooks)

    async def begin(self) -> None:
        """All events from now on are to be passed on."""
        if self.wanted:
            self._seen = await events.head(self._database.reader)

    def start(self, supervisor: Supervisor) -> None:
        supervisor.every("observers", _INTERVAL, self.round, limit=_LIMIT)

    async def round(self, pulse: Heartbeat) -> None:
        """Report what is new. After a failure of its own it goes on where it was."""
        if self._seen is None:
            await self.begin()
        for event in await events.since(self._database.reader, self._seen or 0):
            for name, hook in self._hooks.items():
                pulse.beat(2 * _LIMIT)
                await self._tell(name, hook, event)
            self._seen = event.id

    async def _tell(self, name: str, hook: Any, event: Event) -> None:
        async def told() -> None:
            for result in hook(event=event):
                if inspect.isawaitable(result):
                    await result

        try:
            await self._calls[name].write(_HOOK, told, limit=_LIMIT)
        except PluginError as error:
            self._failed(name, event, error)
        else:
            if self.failing.pop(name, None) is not None:
                self._log.info("an observer works again", plugin=name)

    def _failed(self, name: str, event: Event, error: PluginError) -> None:
        before = self.failing.get(name)
        self.failing[name] = ObserverFailure(
            since=before.since if before is not None else self._clock.now(),
            events=before.events + 1 if before is not None else 1,
            reason=error.kind if isinstance(error, PluginFault) else str(error),
        )
        if before is None:
            cause = error.cause if isinstance(error, PluginFault) else error
            self._log.error("an observer failed", plugin=name, event_kind=event.kind, exc_info=cause)
