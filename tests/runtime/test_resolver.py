"""Names that do not resolve, or hang, hold up nobody but who wants them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from olhubd.engine.access.http_session import open_session
from olhubd.runtime import resolver


class Servers:
    """Servers of names: what ends in .hangs has no answer, what ends in .gone none that helps."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.over = threading.Event()

    def getaddrinfo(self, host: str, port: int, *_: Any, **how: Any) -> Any:
        self.asked.append(host)
        if host.endswith(".hangs"):
            self.over.wait()
        if host.endswith((".hangs", ".gone")):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Servers]:
    found = Servers()
    monkeypatch.setattr(socket, "getaddrinfo", found.getaddrinfo)
    yield found
    found.over.set()


@pytest.fixture
async def shop() -> AsyncIterator[int]:
    """A server's port."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text="well", headers={"Connection": "close"})

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


async def test_names_that_hang_stop_nobody_else(servers: Servers, shop: int) -> None:
    """As many accounts as there are threads in any pool wait for servers of names that do not answer."""
    async with open_session() as session:
        waiting = [asyncio.create_task(session.get(f"http://shop-{number}.hangs:{shop}/")) for number in range(80)]
        async with asyncio.timeout(20):
            while len(servers.asked) < 80:
                await asyncio.sleep(0.01)
            for number in range(3):
                async with session.get(f"http://well-{number}.test:{shop}/") as answer:
                    assert await answer.text() == "well"
            assert await asyncio.to_thread(lambda: "packed") == "packed"
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_name_that_hangs_is_asked_for_once(servers: Servers, shop: int) -> None:
    """Whoever gives up and comes again joins who still waits, or threads would pile up."""
    async with open_session() as session:
        for _ in range(5):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    await session.get(f"http://shop.hangs:{shop}/")
        assert servers.asked == ["shop.hangs"]


async def test_a_name_that_is_not_found_is_not_asked_for_again_at_once(
    servers: Servers, shop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_session() as session:
        for _ in range(5):
            with pytest.raises(aiohttp.ClientConnectorDNSError):
                await session.get(f"http://shop.gone:{shop}/")
        assert servers.asked == ["shop.gone"]
        monkeypatch.setattr(resolver, "KEPT", 0.0)
    async with open_session() as session:
        for _ in range(2):
            with pytest.raises(aiohttp.ClientConnectorDNSError):
                await session.get(f"http://shop.gone:{shop}/")
        assert servers.asked == ["shop.gone"] * 3
