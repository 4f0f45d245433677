"""The one session: connections kept, cookies not, TLS with small buffers, clients bound to the budgets."""

from __future__ import annotations

import asyncio
import asyncio.sslproto
import os
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from olhubd.engine.access.budget import BudgetBook, BudgetState
from olhubd.engine.access.http_session import ClientFactory, open_session, slim_tls
from olhubd.plugin import Budget, Client, ErrorTable, RateLimited, Unavailable
from olhubd.plugin.connector import ClientMaker
from olhubd.runtime.clock import SystemClock


class Shop:
    def __init__(self) -> None:
        self.seen: list[web.Request] = []
        self.peers: set[object] = set()
        self.status = 200
        self.base = ""
        self.headers: dict[str, str] = {}

    async def handle(self, request: web.Request) -> web.Response:
        self.seen.append(request)
        assert request.transport is not None
        self.peers.add(request.transport.get_extra_info("peername"))
        body = await request.read()
        headers = {"Set-Cookie": "session=1; Path=/", "Retry-After": "9", **self.headers}
        return web.Response(body=body, status=self.status, headers=headers)


async def serve(shop: Shop, tls: ssl.SSLContext | None = None) -> web.AppRunner:
    app = web.Application(client_max_size=2**26)
    app.router.add_route("*", "/{path:.*}", shop.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    shop.base = f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
    return runner


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    shop = Shop()
    runner = await serve(shop)
    yield shop
    await runner.cleanup()


@pytest.fixture(autouse=True)
def buffer_size() -> Iterator[None]:
    """The size is the process's; other tests get it back as it was."""
    before = asyncio.sslproto.SSLProtocol.max_size
    yield
    asyncio.sslproto.SSLProtocol.max_size = before


def client(make: ClientMaker, base: str, *budgets: Budget) -> Client:
    return make(base, auth=None, budgets=budgets, errors=ErrorTable(), headers={}, timeout=5.0)


def clients(session: aiohttp.ClientSession) -> ClientFactory:
    return ClientFactory(session, BudgetBook(SystemClock()), SystemClock())


async def test_accounts_share_one_kept_connection_and_no_cookies(shop: Shop) -> None:
    async with open_session() as session:
        make = clients(session)
        for _ in range(2):
            one, other = client(make, shop.base), client(make, shop.base)
            await one.request("GET", "/a")
            await other.request("POST", "/b", json={})
    assert len(shop.peers) == 1
    assert not any("Cookie" in request.headers for request in shop.seen)
    assert shop.seen[0].headers["User-Agent"].startswith("olhubd/")
    assert session.closed


async def test_a_connection_outlives_the_usual_fifteen_seconds() -> None:
    async with open_session() as session:
        assert isinstance(session.connector, aiohttp.TCPConnector)
        assert (session.connector._keepalive_timeout or 0) > 60
        assert session.connector.limit == 0
        assert session.connector.limit_per_host > 0


async def test_one_host_does_not_get_all_connections(shop: Shop) -> None:
    async with open_session(per_host=2) as session:
        one = client(clients(session), shop.base)
        await asyncio.gather(*(one.request("GET", "/a") for _ in range(20)))
    assert len(shop.peers) <= 2


async def test_the_environment_is_not_asked(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    async with open_session() as session:
        await client(clients(session), shop.base).request("GET", "/a")
    async with open_session(trust_env=True) as session:
        with pytest.raises(Unavailable):
            await client(clients(session), shop.base).request("POST", "/a")


async def test_clients_of_one_key_share_one_gate(shop: Shop) -> None:
    budget = Budget(key="app", calls=1000, per=1.0, pause=5.0)
    book = BudgetBook(SystemClock(), patience=0.0, jitter=0.0)
    async with open_session() as session:
        make = ClientFactory(session, book, SystemClock())
        one, other = client(make, shop.base, budget), client(make, shop.base, budget)
        shop.status = 429
        with pytest.raises(RateLimited):
            await one.request("GET", "/a")
        shop.status = 200
        with pytest.raises(RateLimited, match="the budget app is shut"):
            await other.request("POST", "/b")
        assert [status.state for status in book.snapshot()] == [BudgetState.SHUT]
        await client(make, shop.base, Budget(key="other", calls=10, per=1.0)).request("GET", "/c")
    assert [request.path for request in shop.seen] == ["/a", "/c"]


async def test_writes_reach_a_server_that_closed_the_kept_connection_once() -> None:
    """A server that hangs up between two calls is noticed, and the write goes over a new connection, once."""
    heard: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append((await reader.readuntil(b"\r\n\r\n")).split(b" ")[0])
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, open_session() as session:
        one = client(clients(session), base)
        await one.request("GET", "/a")
        await asyncio.sleep(0.05)
        await one.request("POST", "/b")
    assert heard == [b"GET", b"POST"]


def make_certificate(folder: Path) -> tuple[Path, Path]:
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    return key, certificate


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed: no certificate to test with")
async def test_tls_with_small_buffers_carries_bodies_of_any_size(tmp_path: Path) -> None:
    key, certificate = make_certificate(tmp_path)
    server_tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_tls.load_cert_chain(certificate, key)
    trusting = ssl.create_default_context(cafile=str(certificate))
    shop = Shop()
    runner = await serve(shop, server_tls)
    try:
        async with open_session(tls=trusting) as session:
            assert asyncio.sslproto.SSLProtocol.max_size == 16 * 1024
            one = client(clients(session), shop.base)
            for size in (0, 1, 16 * 1024, 16 * 1024 + 1, 5 * 2**20 + 17):
                body = os.urandom(size)
                assert (await one.request("POST", "/a", data=body)).body == body
        assert len(shop.peers) == 1
        async with open_session() as session:
            with pytest.raises(Unavailable, match="cannot connect"):
                await client(clients(session), shop.base).request("POST", "/a")
    finally:
        await runner.cleanup()


def test_slimming_happens_once_and_never_enlarges() -> None:
    asyncio.sslproto.SSLProtocol.max_size = 256 * 1024
    assert slim_tls()
    assert not slim_tls()
    assert not slim_tls(64 * 1024)
    assert asyncio.sslproto.SSLProtocol.max_size == 16 * 1024


async def test_the_dates_of_answers_are_told(shop: Shop) -> None:
    """By them the doctor sees a wrong clock; an answer from a cache tells of another time."""
    heard: list[str] = []
    async with open_session() as session:
        one = client(clients(session).of(heard.append, set()), shop.base)
        await one.request("GET", "/a")
        assert abs(parsedate_to_datetime(heard[0]) - SystemClock().now()) < timedelta(minutes=1)
        shop.headers = {"Age": "600"}
        await one.request("GET", "/a")
    assert len(heard) == 1
