"""Signing in by the browser from a terminal: a process of its own at a real terminal, beside the daemon."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import sys
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientSession

from tests.cli.conftest import Terminal
from tests.control.house import House

LOGIN = ("login", "market", "--flow", "code")


class Person:
    """Somebody at a terminal in which `olhubd login` runs."""

    def __init__(self, process: asyncio.subprocess.Process, end: int) -> None:
        self.process = process
        self._end = end
        self.read = ""

    async def sees(self, pattern: str) -> re.Match[str]:
        """Wait until the screen shows it."""
        async with asyncio.timeout(30):
            while not (found := re.search(pattern, self.read)):
                self.read += (await asyncio.to_thread(os.read, self._end, 4096)).decode().replace("\r\n", "\n")
        return found

    def types(self, text: str) -> None:
        os.write(self._end, f"{text}\n".encode())

    async def ends(self) -> int:
        async with asyncio.timeout(30):
            return await self.process.wait()


@asynccontextmanager
async def person(house: House, *arguments: str) -> AsyncIterator[Person]:
    end, inner = pty.openpty()
    attributes = termios.tcgetattr(inner)
    attributes[3] &= ~termios.ECHO
    termios.tcsetattr(inner, termios.TCSANOW, attributes)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from olhubd.cli import main; main()",
        *("--config", str(house.path), *arguments),
        stdin=inner,
        stdout=inner,
        stderr=inner,
        env={**os.environ, "COLUMNS": "100"},
    )
    os.close(inner)
    try:
        yield Person(process, end)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(end)


async def sent_back(url: str, decision: str = "agree") -> str:
    async with ClientSession() as browser, browser.get(f"{url}&decision={decision}", allow_redirects=False) as page:
        return page.headers["Location"]


async def test_the_browser_comes_back_to_the_daemon(house: House) -> None:
    async with person(house, *LOGIN) as someone:
        url = (await someone.sees(r"Open   (\S+)\n"))[1]
        assert (await someone.sees(r"Back   (\S+)\n"))[1] == f"{house.base}/signin/callback"
        await someone.sees("Paste its address here:\n")
        async with ClientSession() as browser, browser.get(await sent_back(url)) as page:
            assert page.status == 200
        await someone.sees(f"Signed in to market as sklep_{house.market.seller}.\n")
        assert await someone.ends() == 0


async def test_an_address_is_pasted_and_a_wrong_one_costs_nothing(house: House) -> None:
    """A terminal on a server, the browser elsewhere."""
    async with person(house, *LOGIN) as someone:
        url = (await someone.sees(r"Open   (\S+)\n"))[1]
        back = await sent_back(url)
        someone.types("")
        someone.types("https://allegro.pl/")
        await someone.sees("olhubd: the address holds no code: ")
        someone.types(back.replace("state=", "state=x"))
        await someone.sees("olhubd: no sign-in waits for this address: ")
        someone.types(back)
        await someone.sees(f"Signed in to market as sklep_{house.market.seller}.\n")
        assert await someone.ends() == 0


async def test_a_refusal_ends_it_with_a_reason(house: House) -> None:
    async with person(house, *LOGIN) as someone:
        url = (await someone.sees(r"Open   (\S+)\n"))[1]
        someone.types(await sent_back(url, "refuse"))
        await someone.sees("olhubd: the sign-in failed: the person refused the sign-in\n")
        assert await someone.ends() == 1


@pytest.mark.parametrize("arguments", [LOGIN, (*LOGIN, "--json")])
async def test_without_anybody_who_types_the_daemon_is_waited_for(
    house: House, terminal: Terminal, arguments: tuple[str, ...]
) -> None:
    house.market.signin.consent = True
    waiting = asyncio.create_task(terminal(*arguments))
    async with asyncio.timeout(30):
        while (begun := (await house.ask("GET", "/accounts/market/sign-in"))[1])["flow"] != "code":
            await asyncio.sleep(0.05)
    async with ClientSession() as browser, browser.get(begun["url"]) as page:
        assert page.status == 200
    assert f"sklep_{house.market.seller}" in await waiting
