"""Plugins that look on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pluggy
import pytest
import structlog

from olhubd.engine.calls import OverdueCalls
from olhubd.engine.flow.landing import Landing
from olhubd.engine.monitor.observers import Observers
from olhubd.model import Event, Run, RunId
from olhubd.plugin import Clock, hookimpl, hooks
from olhubd.runtime.clock import SystemClock
from olhubd.runtime.supervisor import Heartbeat
from olhubd.store import Database, StoreError, events
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


async def _for_ever(observers: Observers, clock: Clock) -> None:
    while True:
        await observers.round(Heartbeat("observers", clock))
        await clock.sleep(1.0)


async def test_observers_see_what_happens_from_now_on_in_order(database: Database) -> None:
    """One that fails is logged and hears the next event all the same."""
    clock, plugins, diary = Hurried(), manager(), Diary()
    plugins.register(diary)
    await land(database, clock, "before")
    with structlog.testing.capture_logs() as lines:
        observers = Observers(plugins, database, clock, structlog.get_logger(), OverdueCalls())
        assert observers.wanted
        task = asyncio.create_task(_for_ever(observers, clock))
        await asyncio.sleep(0.05)
        await land(database, clock, "after")
        async with asyncio.timeout(5):
            while len(diary.seen) < 2:
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert diary.seen == ["order.placed", "order.confirmed"]
    assert [line["event"] for line in lines] == ["an observer failed", "an observer works again"]


class Broken:
    """Fails at each event, before it has even given an awaitable."""

    @hookimpl
    def olhubd_observe_event(self, event: Event) -> None:
        raise KeyError(event.kind)


class Torn:
    """Breaks off within itself."""

    @hookimpl
    def olhubd_observe_event(self, event: Event) -> Awaitable[None]:
        torn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        torn.cancel()
        return torn


class Calm(Diary):
    async def _write(self, event: Event) -> None:
        self.seen.append(event.kind)


async def test_one_that_fails_keeps_no_event_from_the_others(database: Database) -> None:
    """It is logged once and known as failing, whatever it fails by and whichever comes first."""
    clock, plugins, first, last = Hurried(), manager(), Calm(), Calm()
    for name, plugin in (("first", first), ("broken", Broken()), ("torn", Torn()), ("last", last)):
        plugins.register(plugin, name)
    with structlog.testing.capture_logs() as lines:
        observers = Observers(plugins, database, clock, structlog.get_logger(), OverdueCalls())
        await observers.begin()
        await land(database, clock, "A")
        task = asyncio.create_task(_for_ever(observers, clock))
        async with asyncio.timeout(5):
            while not len(first.seen) == len(last.seen) == 2:
                assert not task.done()
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert first.seen == last.seen == ["order.placed", "order.confirmed"]
    failing = {name: (found.events, found.reason) for name, found in observers.failing.items()}
    assert failing == {"broken": (2, "KeyError"), "torn": (2, "CancelledError")}
    assert sorted(line["plugin"] for line in lines) == ["broken", "torn"]


async def test_a_failure_of_the_telling_itself_leaves_nothing_out(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The daemon begins it again, and what happened meanwhile is told then."""
    clock, plugins, diary = Hurried(), manager(), Calm()
    plugins.register(diary)
    observers = Observers(plugins, database, clock, structlog.get_logger(), OverdueCalls())
    await observers.begin()

    async def fails(*_: object) -> list[Event]:
        raise StoreError("the disk is away")

    with monkeypatch.context() as patch:
        patch.setattr(events, "since", fails)
        with pytest.raises(StoreError):
            await _for_ever(observers, clock)
    await land(database, clock, "meanwhile")
    task = asyncio.create_task(_for_ever(observers, clock))
    async with asyncio.timeout(5):
        while not diary.seen:
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert diary.seen[0] == "order.placed"


async def test_nobody_is_asked_when_nobody_looks(database: Database) -> None:
    assert not Observers(manager(), database, SystemClock(), structlog.get_logger(), OverdueCalls()).wanted
