"""Places for work that holds much memory."""

from __future__ import annotations

import asyncio

import pytest

from olhubd.engine.feed.limiter import Limiter


class Crowd:
    """Workers that stay at work until they are let go."""

    def __init__(self, turns: Limiter) -> None:
        self.turns = turns
        self.working: list[int] = []
        self.most = 0
        self.refused: list[int] = []
        self.go = asyncio.Event()

    async def work(self, number: int) -> None:
        async with self.turns.one() as mine:
            if not mine:
                self.refused.append(number)
                return
            self.working.append(number)
            self.most = max(self.most, len(self.working))
            await self.go.wait()
            await asyncio.sleep(0)
            self.working.remove(number)


async def _breathe() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_no_more_work_at_a_time_than_there_are_places() -> None:
    crowd = Crowd(Limiter(places=3, patience=5.0))
    async with asyncio.TaskGroup() as group:
        for number in range(50):
            group.create_task(crowd.work(number))
        await _breathe()
        assert crowd.working == [0, 1, 2]
        crowd.go.set()
    assert crowd.most == 3
    assert crowd.refused == []


async def test_who_waits_too_long_is_told_so() -> None:
    """Those at work may hang, and whoever waits has other work."""
    crowd = Crowd(Limiter(places=1, patience=0.01))
    async with asyncio.TaskGroup() as group:
        group.create_task(crowd.work(0))
        await _breathe()
        await asyncio.wait_for(crowd.work(1), 5)
        assert crowd.refused == [1]
        crowd.go.set()
    await crowd.work(2)
    assert crowd.refused == [1]


async def test_work_that_hangs_keeps_no_place_for_ever_and_gives_it_back_once() -> None:
    """As many hanging marketplaces as there are places must not end the sweeps of all others."""
    turns = Limiter(places=1, patience=5.0, lease=0.01)
    crowd = Crowd(turns)
    async with asyncio.TaskGroup() as group:
        group.create_task(crowd.work(0))
        await _breathe()
        group.create_task(crowd.work(1))
        await asyncio.wait_for(_reached(crowd, 2), 5)
        crowd.go.set()
    later = Crowd(turns)
    async with asyncio.TaskGroup() as group:
        group.create_task(later.work(2))
        group.create_task(later.work(3))
        await _breathe()
        assert later.working == [2]
        later.go.set()
    assert later.most == 1


async def _reached(crowd: Crowd, number: int) -> None:
    while len(crowd.working) < number:
        await asyncio.sleep(0.005)


async def test_a_place_is_free_again_after_a_failure_and_after_a_wait_that_was_broken_off() -> None:
    turns = Limiter(places=1, patience=0.01)
    with pytest.raises(RuntimeError, match="broken"):
        async with turns.one():
            raise RuntimeError("broken")
    crowd = Crowd(turns)
    working = asyncio.create_task(crowd.work(0))
    waiting = asyncio.create_task(crowd.work(1))
    await _breathe()
    waiting.cancel()
    working.cancel()
    await asyncio.gather(working, waiting, return_exceptions=True)
    async with turns.one() as mine:
        assert mine
