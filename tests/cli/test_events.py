"""`olhubd events`: the log as programs read it, and how it goes on when the daemon was away."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from olhubd.store import Transaction
from tests.cli.conftest import Terminal
from tests.control.house import House


class Follower:
    """A process that follows."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def next(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        async with asyncio.timeout(20):
            told: dict[str, Any] = msgspec.json.decode(await self._process.stdout.readline())
        return told

    async def complaint(self) -> str:
        assert self._process.stderr is not None
        async with asyncio.timeout(60):  # what it asked before goes on for a while
            return (await self._process.stderr.readline()).decode()

    async def interrupt(self) -> int:
        self._process.send_signal(signal.SIGINT)
        async with asyncio.timeout(20):
            return await self._process.wait()


@asynccontextmanager
async def follower(house: House, *arguments: str) -> AsyncIterator[Follower]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from olhubd.cli import main; main()",
        *("--config", str(house.path), "events", "--follow", "--json", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        yield Follower(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_following_outlives_a_daemon_that_goes_and_comes(house: House) -> None:
    """None is left out and none told twice, and Ctrl-C ends it with its own code."""
    await house.sell()
    async with follower(house, "--account", "market", "--limit", "1") as following:
        before = await following.next()
        elsewhere = house.folder / "elsewhere.sock"
        house.socket.rename(elsewhere)
        assert (await following.complaint()).endswith("trying again\n")
        (sold,) = await house.sell()
        elsewhere.rename(house.socket)
        told = [await following.next()]
        while told[-1]["kind"] != "delivery.confirmed":
            told.append(await following.next())
        assert await following.interrupt() == 130
    assert told[0]["id"] > before["id"]
    card = await house.get(f"/orders/{sold}")
    stored = (await house.get("/events", account="market", after=before["id"]))["items"]
    assert told == stored[: len(told)]
    assert {one["order_id"] for one in told} >= {card["id"]}


async def test_the_log_of_one_order(house: House, terminal: Terminal) -> None:
    first, _ = await house.sell(2)
    page = await terminal.json("events", "--order", first)
    assert [one["kind"] for one in page["items"]][:3] == ["order.placed", "order.confirmed", "order.paid"]
    rest = await terminal.json("events", "--order", first, "--after", str(page["items"][1]["id"]))
    assert rest["items"] == page["items"][2:]
    told = await terminal("events", "--order", first)
    assert "it is fully paid" in told
    assert "there is no order nothing" in await terminal("events", "--order", "nothing", code=2)


async def test_csv_does_not_follow(house: House, terminal: Terminal) -> None:
    assert "with --follow there is --json" in await terminal("events", "--follow", "--csv", code=2)


async def test_following_goes_on_in_another_log(house: House) -> None:
    """After a restore its place is beyond the newest event, and it would wait in silence for that to be passed."""
    await house.sell()
    async with follower(house, "--limit", "1") as following:
        await following.next()
        elsewhere = house.folder / "elsewhere.sock"
        house.socket.rename(elsewhere)
        assert (await following.complaint()).endswith("trying again\n")

        async def work(tx: Transaction) -> None:
            await tx.execute("DELETE FROM deliveries")
            await tx.execute("DELETE FROM events WHERE id > 1")

        await house.database.write(work)
        elsewhere.rename(house.socket)
        assert (await following.complaint()).endswith("goes on with what happens now\n")
        await house.sell()
        while (await following.next())["kind"] != "order.placed":
            pass
