"""What many accounts cost that have nothing to do: memory and CPU of the daemon.

    python tests/bench/idle.py [accounts] [seconds]

All accounts read one simulated Allegro over their own clients, each every twenty seconds as by default. Their
tokens are put into the database before the daemon starts. The measurement begins when each account has asked twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
from pathlib import Path

import aiohttp

from olhubd.engine.access.token_store import TokenStore
from olhubd.plugin import StillPending, Token
from olhubd.runtime.clock import SystemClock
from olhubd.store import Database
from olhubd_allegro.connector import Allegro
from olhubd_kit import test_host
from olhubd_kit.demo_stack import write_configuration
from olhubd_kit.process import DaemonProcess, SimulatorProcess, spawn_simulator
from tests.bench._meter import cpu, machine, resident

INTERVAL: float = Allegro.defaults.interval.total_seconds()


async def sign_in(session: aiohttp.ClientSession, market: SimulatorProcess) -> Token:
    """A token as after a finished sign-in."""
    async with test_host.account(Allegro, market.settings) as connector:
        grant = await connector.login.begin_device()
        await market.do(session, "consent", user_code=grant.user_code)
        while isinstance(token := await connector.login.poll_device(grant), StillPending):
            await asyncio.sleep(0.1)
        return token


async def measure(accounts: int, seconds: float) -> None:
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        market = await spawn_simulator(stack, "allegro", "--seed", "1")
        token = await sign_in(session, market)
        names = [f"allegro-{number}" for number in range(accounts)]
        (folder / "data").mkdir()
        async with Database.open(folder / "data" / "olhubd.sqlite") as database:
            vault = TokenStore(database, SystemClock())
            await asyncio.gather(*(vault.save(name, token) for name in names))
        keys = {"connector": "allegro", **market.settings}
        path = write_configuration(folder, dict.fromkeys(names, keys), [], {}, "off")
        daemon = await stack.enter_async_context(DaemonProcess(path, folder / "olhubd.sock", folder / "olhubd.log"))
        print(f"ready: {resident(daemon.pid):.0f} MB, {cpu(daemon.pid):.1f} s of CPU so far")
        await asyncio.sleep(2.5 * INTERVAL)
        before = cpu(daemon.pid)
        await asyncio.sleep(seconds)
        used = cpu(daemon.pid) - before
        polls = accounts * seconds / INTERVAL
        print(f"resident: {resident(daemon.pid):.0f} MB")
        each = used / polls * 1e6
        print(f"CPU: {used / seconds:.1%} of one core, {each:.0f} us a poll ({polls / seconds:.0f} polls/s)")
        log = (folder / "olhubd.log").stat().st_size
        print(f"log: {log / accounts:.0f} bytes an account")


def main() -> None:
    accounts = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 60.0
    print(f"{accounts} idle accounts over {seconds:g} s; {machine()}")
    asyncio.run(measure(accounts, seconds))


if __name__ == "__main__":
    main()
