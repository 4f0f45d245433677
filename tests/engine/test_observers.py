"""Plugins that look on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pluggy
import structlog

from olhubd.engine.clock import SystemClock
from olhubd.engine.landing import Landing
from olhubd.engine.observers import Observers
from olhubd.engine.supervisor import Pulse
from olhubd.model import Event, Run, RunId
from olhubd.plugin import hookimpl, hooks
from olhubd.store import Database
from tests.orders import EPOCH, order


class Hurried(SystemClock):
    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 100)


class Diary:
    """Writes down what it sees; stumbles over the first event."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    @hookimpl
    def olhubd_observe_event(self, event: Event) -> Awaitable[None]:
        return self._write(event)

    async def _write(self, event: Event) -> None:
        self.seen.append(event.kind)
        if len(self.seen) == 1:
            raise ZeroDivisionError


def manager() -> pluggy.PluginManager:
    made = pluggy.PluginManager("olhubd")
    made.add_hookspecs(hooks)
    return made


async def land(database: Database, clock: SystemClock, name: str) -> None:
    landing = Landing(database, clock, list, lambda targets: None, structlog.get_logger())
    run = Run(id=RunId(1), account="allegro", feed="orders", trigger="timer", started_at=EPOCH)
    await landing.land("allegro", [order(name)], run=run)


async def test_observers_see_what_happens_from_now_on_in_order(database: Database) -> None:
    """One that fails is logged and hears the next event all the same."""
    clock, plugins, diary = Hurried(), manager(), Diary()
    plugins.register(diary)
    await land(database, clock, "before")
    with structlog.testing.capture_logs() as lines:
        observers = Observers(plugins, database, clock, structlog.get_logger())
        assert observers.wanted
        task = asyncio.create_task(observers.main(Pulse("observers", clock)))
        await asyncio.sleep(0.05)
        await land(database, clock, "after")
        async with asyncio.timeout(5):
            while len(diary.seen) < 2:
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert diary.seen == ["order.placed", "order.confirmed"]
    assert [line["event"] for line in lines] == ["an observer failed"]


async def test_nobody_is_asked_when_nobody_looks(database: Database) -> None:
    assert not Observers(manager(), database, SystemClock(), structlog.get_logger()).wanted
