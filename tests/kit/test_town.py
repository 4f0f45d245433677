"""Simulators that share a process, and what their faults may do to another one."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys

import aiohttp
import pytest

from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.process import spawn_simulator, spawn_town


async def test_a_town_has_a_simulator_for_each_seed() -> None:
    """Each with books of its own."""
    async with contextlib.AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        first, second = await spawn_town(stack, "allegro", [1, 2])
        await first.do(session, "buy", count=2)
        assert len(await first.books(session)) == 2
        assert await second.books(session) == []


async def test_a_strike_hits_a_process_at_a_call_and_other_faults_stay() -> None:
    """The signal is sent by the simulator itself, at the call that matches."""
    async with contextlib.AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        (remote,) = await spawn_town(stack, "allegro", [1])
        victim = await asyncio.create_subprocess_exec(sys.executable, "-c", "import time; time.sleep(60)")
        strike = Fault(kind=FaultKind.STRIKE, match="POST /auth", pid=victim.pid)
        await remote.misbehave(session, strike, Fault(kind=FaultKind.ERROR, match="GET /order", status=503))
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await session.post(f"{remote.base}/auth/oauth/token")
        assert await victim.wait() == -signal.SIGKILL
        await remote.misbehave(session, strike)
        await remote.behave(session, FaultKind.STRIKE)
        assert (await session.post(f"{remote.base}/auth/oauth/token")).status == 401
        assert (await session.get(f"{remote.base}/order/events")).status == 503


async def test_an_ordinary_simulator_strikes_nobody() -> None:
    """`olhubd simulate` is a server on a port that a web page may reach: it sends no signals."""
    async with contextlib.AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        remote = await spawn_simulator(stack, "allegro")
        with pytest.raises(aiohttp.ClientResponseError) as refused:
            await remote.misbehave(session, Fault(kind=FaultKind.STRIKE_AFTER, pid=1))
        assert refused.value.status == 400
