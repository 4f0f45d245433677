"""Plugins that break the rules of asyncio: each hurts its own account, is told of, and nothing else feels it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from olhubd.engine import calls
from olhubd.model import AlarmKind, DeliveryState
from olhubd.plugin import Cursor, Page, RateLimited, Unavailable
from olhubd.runtime.clock import SystemClock
from olhubd.store import Database, deliveries, feeds, quarantine
from tests.engine.wild import Wild, opened
from tests.orders import order


async def breaks_off(*_: Any) -> Any:
    inner = asyncio.create_task(asyncio.sleep(60))
    inner.cancel()
    await inner


async def cancels_itself(*_: Any) -> Any:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(60)


async def fails_in_a_group(*_: Any) -> Any:
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(0))
        raise BaseExceptionGroup("two", [asyncio.CancelledError(), KeyError("a")])


def raising(error: BaseException) -> Callable[..., Awaitable[Any]]:
    async def fails(*_: Any) -> Any:
        raise error

    return fails


class Odd(BaseException):
    """What no `except Exception` catches."""


async def stands_still(cursor: Cursor | None, *_: Any) -> Page:
    return Page(records=[], cursor=cursor or Cursor(""), more=True)


async def sweeps_in_a_circle(*_: Any) -> Page:
    at = Wild.asked["sweep"] % 2
    return Page(records=[], cursor=Cursor("ab"[at]), more=True)


async def stands_still_slowly(cursor: Cursor, *_: Any) -> Page:
    await asyncio.sleep(0)
    return Page(records=[], cursor=cursor, more=True)


async def goes_in_a_circle(cursor: Cursor) -> Page:
    return Page(records=[], cursor=Cursor("b" if cursor == "a" else "a"), more=True)


async def forgets_to_return(*_: Any) -> Any:
    return None


async def has_no_cursor(*_: Any) -> Page:
    return Page(records=[], cursor=None)  # type: ignore[arg-type]


async def has_no_list(*_: Any) -> Page:
    return Page(records="abc", cursor=Cursor("1"))  # type: ignore[arg-type]


async def has_half_a_letter(*_: Any) -> Page:
    return Page(records=[], cursor=Cursor("\ud800"))


async def ends_with_what_is_no_error(*_: Any) -> Page:
    return Page(records=[], cursor=Cursor("1"), failure="503")  # type: ignore[arg-type]


def waits_for_nothing(pause: Any) -> Callable[..., Awaitable[Any]]:
    async def fails(*_: Any) -> Any:
        error = Unavailable("not now")
        error.retry_after = pause
        raise error

    return fails


BROKEN = {
    "a cancelled inner task": (breaks_off, "pull broke itself off"),
    "cancels itself": (cancels_itself, "pull broke itself off"),
    "a group that fails": (fails_in_a_group, "the connector failed"),
    "another BaseException": (raising(Odd()), "the connector failed: Odd"),
    "GeneratorExit": (raising(GeneratorExit()), "the connector failed: GeneratorExit"),
    "SystemExit": (raising(SystemExit(1)), "pull tried to end the daemon"),
    "KeyboardInterrupt": (raising(KeyboardInterrupt()), "pull tried to end the daemon"),
    "StopIteration": (raising(StopAsyncIteration()), "the connector failed: StopAsyncIteration"),
    "more and no move": (stands_still, "more is promised, and the cursor has not moved"),
    "more and no move, slowly": (stands_still_slowly, "more is promised, and the cursor has not moved"),
    "a circle": (goes_in_a_circle, "the cursor goes round in a circle"),
    "None": (forgets_to_return, "pull gave NoneType"),
    "no cursor": (has_no_cursor, "the cursor is no text but NoneType"),
    "no list": (has_no_list, "the records are no list but str"),
    "half a letter": (has_half_a_letter, "the cursor is no text"),
    "no error": (ends_with_what_is_no_error, "the failure is no plugin error but str"),
    "nan": (raising(RateLimited("slow", retry_after=float("nan"))), "slow"),
    "nan, later": (waits_for_nothing(float("nan")), "not now"),
    "a pause that is a text": (waits_for_nothing("soon"), "not now"),
    "a pause below zero": (waits_for_nothing(-1e9), "not now"),
}


@pytest.mark.parametrize("how", BROKEN)
async def test_a_feed_that_breaks_hurts_itself_alone(
    database: Database, clock: SystemClock, tmp_path: Path, how: str
) -> None:
    """It is told as a failed run with the reason, asked again and again, and works as soon as it is mended."""
    does, reason = BROKEN[how]
    async with opened(tmp_path, database, clock, pull=does) as zoo:
        await zoo.goes_on()
        await zoo.until(lambda: Wild.asked.get("pull", 0) >= 3)
        assert any(reason in str(run.error) for run in await zoo.failed())
        trouble = zoo.hub.unit("wild").trouble
        assert trouble is not None
        assert reason in trouble.reason
        assert zoo.hub.supervisor.failing == frozenset(), "the loops themselves are well"
        await zoo.goes_on()
        Wild.does.clear()
        before = await zoo.landed("wild")

        async def works() -> bool:
            return await zoo.landed("wild") > before

        await zoo.until(works)
        await zoo.until(lambda: zoo.hub.unit("wild").trouble is None)


@pytest.mark.parametrize("within", ["a call", "a page"])
async def test_a_pause_without_end_is_no_pause_at_all(
    database: Database, clock: SystemClock, tmp_path: Path, within: str
) -> None:
    """A day at most, as a server may ask for; also where it cut a page short."""
    never = waits_for_nothing(float("inf"))

    async def cut_short(*_: Any) -> Page:
        try:
            page: Page = await never()
        except Unavailable as error:
            page = Page(records=[], cursor=Cursor("1"), failure=error)
        return page

    async with opened(tmp_path, database, clock, pull=never if within == "a call" else cut_short) as zoo:
        await zoo.until(lambda: zoo.hub.unit("wild").trouble is not None)
        await zoo.goes_on()
        poller = zoo.hub.unit("wild").feeds.poller
        assert poller is not None
        assert poller.next_run is not None
        assert poller.next_run.year <= clock.now().year + 1


@pytest.mark.parametrize("how", ["a cancelled inner task", "SystemExit", "None", "more and no move"])
@pytest.mark.parametrize("call", ["start", "sweep"])
async def test_the_other_calls_of_a_feed_break_no_more(
    database: Database, clock: SystemClock, tmp_path: Path, call: str, how: str
) -> None:
    if (call, how) == ("start", "more and no move"):
        pytest.skip("a start has no page")

    async def does(*given: Any) -> Any:
        return await BROKEN[how][0](*reversed(given))

    async with opened(tmp_path, database, clock, **{call: does}) as zoo:
        await zoo.until(lambda: Wild.asked.get(call, 0) >= 2)
        await zoo.goes_on()

        async def told() -> bool:
            return any(call in str(run.error) for run in await zoo.failed())

        await zoo.until(told)
        assert await zoo.landed("wild") > 0 or call == "start"


async def test_what_is_no_record_is_kept_aside_and_told(
    database: Database, clock: SystemClock, tmp_path: Path
) -> None:
    """The cursor moves over it, so it must not be passed over in silence."""
    count = itertools.count(1)

    async def odd(_cursor: Cursor) -> Page:
        number = next(count)
        return Page(
            records=[None, {"id": 7}, order(f"w{number}", placed_at=clock.now())],  # type: ignore[list-item]
            cursor=Cursor(str(number)),
        )

    async with opened(tmp_path, database, clock, pull=odd) as zoo:
        await zoo.until(lambda: Wild.asked.get("pull", 0) >= 3)
        kept = await quarantine.listing(database.reader)
        assert sorted(one.external_id.partition("-")[0] for one in kept) == ["NoneType", "dict"]
        assert (AlarmKind.QUARANTINE, "wild") in await zoo.alarms()
        assert await zoo.landed("wild") >= 1


@pytest.mark.parametrize("call", ["pull", "close", "push_order"])
async def test_what_swallows_its_cancellation_is_left_behind(
    database: Database, clock: SystemClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """A reload and a stop end in time, the account begins anew, and the alarm says what to do."""
    monkeypatch.setattr(calls, "LET_GO", 0.2)
    over, swallowed = asyncio.Event(), asyncio.Event()

    async def swallows(*_: Any) -> Any:
        while not over.is_set():
            try:
                await over.wait()
            except BaseException:
                swallowed.set()

    try:
        async with opened(tmp_path, database, clock, **{call: swallows}) as zoo:
            if call != "close":
                await zoo.until(lambda: Wild.asked.get(call, 0) >= 1)
            monkeypatch.setattr("olhubd.engine.access.connection._CLOSING", 0.2)
            unit, calm = zoo.hub.unit("wild"), zoo.hub.unit("calm")
            configuration = zoo.configuration({"wild": "2", "calm": "2"})
            configuration.daemon.__dict__["stop_timeout"] = configuration.daemon.stop_timeout * 0
            async with asyncio.timeout(10):
                assert (await zoo.hub.reload(configuration))["changed"] == ["calm", "wild"]
            assert swallowed.is_set()
            assert zoo.hub.unit("wild") is not unit
            assert zoo.hub.unit("calm") is not calm
            assert "does not end" in (await zoo.alarms())[AlarmKind.LOOP, f"{call} of wild"]
            assert zoo.logged("a plugin does not end its call, which is left behind")
            await zoo.goes_on()
            if call != "push_order":
                await zoo.until(lambda: Wild.asked.get("pull", 0) >= 2)
            else:
                # What was left may still be done, and must not be done twice.
                pushed = Wild.asked["push_order"]

                async def barred() -> bool:
                    rows = await database.reader.fetch("SELECT error FROM deliveries WHERE target = 'wild'")
                    return any("an earlier call has not ended (push_order)" in str(error) for (error,) in rows)

                await zoo.until(barred)
                assert Wild.asked["push_order"] == pushed
                open_ = await deliveries.tally(database.reader)
                assert not any(state is DeliveryState.CONFIRMED for _, state in open_)
                Wild.does.clear()
                over.set()
                dispatcher = zoo.hub.unit("wild").outbox.dispatcher
                assert dispatcher is not None
                await zoo.until(lambda: dispatcher.confirmed > 0)
    finally:
        over.set()


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), asyncio.CancelledError(), Odd()])
async def test_a_connector_that_cannot_be_made_keeps_no_other_from_beginning(
    database: Database, clock: SystemClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fails(*_: Any) -> None:
        raise error

    monkeypatch.setattr(Wild, "__init__", fails)
    async with opened(tmp_path, database, clock) as zoo:
        await zoo.goes_on()
        assert type(error).__name__ in str(zoo.hub.directory.at_rest("wild"))
        assert type(error).__name__ in (await zoo.alarms())[AlarmKind.PARKED, "wild"]


async def test_a_plugin_that_cannot_stop_asking_leaves_room_for_the_sweep(
    database: Database, clock: SystemClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A journal without an end is read on, and the account's other work has its turn."""
    monkeypatch.setattr("olhubd.engine.feed.reader.PAGES", 5)
    count = itertools.count(1)

    async def endless(_cursor: Cursor) -> Page:
        return Page(records=[], cursor=Cursor(str(next(count))), more=True)

    async with opened(tmp_path, database, clock, pull=endless) as zoo:
        await zoo.until(lambda: Wild.asked.get("pull", 0) >= 20 and Wild.asked.get("sweep", 0) >= 1)
        await zoo.goes_on()
        position = await feeds.get(database.reader, "wild", "orders")
        assert position is not None
        assert int(str(position.cursor)) >= 15


async def test_a_sweep_that_goes_in_a_circle_ends(database: Database, clock: SystemClock, tmp_path: Path) -> None:
    async with opened(tmp_path, database, clock, sweep=sweeps_in_a_circle) as zoo:

        async def told() -> bool:
            return any("sweep: more is promised" in str(run.error) for run in await zoo.failed())

        await zoo.until(told)
        await zoo.goes_on()
        assert await zoo.landed("wild") > 0
