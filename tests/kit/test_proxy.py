"""The cutting proxy: what it passes on is whole, what it cuts was or was not done as told."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.proxy import Proxy

BODY = b"\x00whole\xff" * 1000


@pytest.fixture
async def server() -> AsyncIterator[tuple[str, list[str]]]:
    """A server that keeps a list of what it did."""
    done: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        done.append(f"{request.method} {request.path_qs} {len(await request.read())} {request.headers['X-Key']}")
        return web.Response(status=203, headers={"X-Said": "yes"}, body=BODY)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", done
    await runner.cleanup()


async def post(proxy: Proxy, body: bytes = b"{}") -> tuple[int, bytes, str | None]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{proxy.base}/a/b?c=%26", data=body, headers={"X-Key": "k"}) as answer,
    ):
        return answer.status, await answer.read(), answer.headers.get("X-Said")


async def test_it_passes_on_whole(server: tuple[str, list[str]]) -> None:
    base, done = server
    async with Proxy(base).serve() as proxy:
        assert await post(proxy, BODY) == (203, BODY, "yes")
        assert proxy.calls == ["POST /a/b"]
    assert done == [f"POST /a/b?c=%26 {len(BODY)} k"]


@pytest.mark.parametrize(
    ("kind", "acted"), [(FaultKind.LOSE, 1), (FaultKind.RESET, 1), (FaultKind.CUT, 0), (FaultKind.HALF, 1)]
)
async def test_it_cuts(server: tuple[str, list[str]], kind: FaultKind, acted: int) -> None:
    base, done = server
    async with Proxy(base).serve() as proxy:
        proxy.faults.add(Fault(kind=kind))
        with pytest.raises(aiohttp.ClientError):
            await post(proxy)
        assert len(done) == acted
        assert (await post(proxy))[0] == 203


async def test_graphql_operations_have_names(server: tuple[str, list[str]]) -> None:
    base, done = server
    async with Proxy(base).serve() as proxy:
        proxy.faults.add(Fault(kind=FaultKind.ERROR, match="MakeOrder$", status=502))
        assert (await post(proxy, b'{"operationName":"ReadOrder"}'))[0] == 203
        assert (await post(proxy, b'{"operationName":"MakeOrder"}'))[0] == 502
        assert proxy.calls == ["POST /a/b ReadOrder", "POST /a/b MakeOrder"]
    assert len(done) == 1


async def test_it_refuses_and_comes_back_at_the_same_address(server: tuple[str, list[str]]) -> None:
    base, _ = server
    async with Proxy(base).serve() as proxy, aiohttp.ClientSession(headers={"X-Key": "k"}) as kept:
        async with kept.get(proxy.base) as answer:
            await answer.read()
        async with proxy.refusing():
            with pytest.raises(aiohttp.ClientConnectorError):
                await post(proxy)
            with pytest.raises(aiohttp.ClientError):
                async with kept.post(proxy.base) as answer:
                    await answer.read()
        assert (await post(proxy))[0] == 203
