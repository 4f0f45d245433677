"""A door that strangers crowd: who comes next is served, who is known stays, and nothing waits for ever."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import re
import resource
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web

from olhubd.control.http import bodies, connections, server
from olhubd.model import Scope
from olhubd.plugin import hookimpl
from tests.control.dashboard.browser import Browser
from tests.control.house import House
from tests.control.test_sockets import needs_openssl, secured

Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]

PLACES = 6
GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
LOGIN = b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
BODY = b"Content-Length: 60000\r\n\r\ntoken="
UNFINISHED = {
    "nothing": b"",
    "half a line": b"GET /hea",
    "half a head": GET,
    "a login without its end": LOGIN + BODY,
    "an answer that is not followed": GET + b"\r\n",
}


@pytest.fixture
async def small(house: House, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """Doors with few places."""
    monkeypatch.setattr(server, "_MOST_TCP", PLACES)
    monkeypatch.setattr(server, "_MOST_LOCAL", PLACES)
    async with house.reopened():
        yield house


@pytest.fixture
async def brisk(house: House, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """Doors where little time is given."""
    monkeypatch.setattr(server, "_LIMITS", connections.ConnectionLimits(head=0.2, idle=1000.0, unread=1000.0))
    monkeypatch.setattr(server, "_LINGERS", 0.1)
    monkeypatch.setattr(bodies, "_PATIENCE", 0.2)
    async with house.reopened():
        yield house


async def connect(house: House, first: bytes = b"") -> Line:
    host, _, port = house.base.removeprefix("http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(first)
    return reader, writer


async def newest(house: House) -> int:
    """The place in the log behind which nothing has happened yet."""
    return int((await house.get("/events"))["newest"])


async def ended(line: Line) -> bytes:
    """All that comes until the other side hangs up, which it must."""
    found = b""
    async with asyncio.timeout(20):
        with contextlib.suppress(ConnectionError):
            while more := await line[0].read(65_536):
                found += more
    line[1].close()
    return found


async def asked(line: Line, request: bytes) -> bytes:
    """The first line of the answer to a request over a line that is open."""
    line[1].write(request)
    async with asyncio.timeout(20):
        status = await line[0].readline()
        await line[0].readuntil(b"\r\n\r\n")
    return status


async def there(lines: Iterable[Line]) -> int:
    """How many of the lines are still open on the other side."""
    count = 0
    for reader, _ in lines:
        with contextlib.suppress(ConnectionError):
            try:
                async with asyncio.timeout(0.05):
                    while await reader.read(65_536):
                        pass
            except TimeoutError:
                count += 1
    return count


@contextlib.asynccontextmanager
async def strangers(house: House, count: int, first: bytes) -> AsyncIterator[list[Line]]:
    lines = [await connect(house, first) for _ in range(count)]
    try:
        yield lines
    finally:
        for _, writer in lines:
            writer.close()


@pytest.mark.parametrize("first", UNFINISHED.values(), ids=UNFINISHED.keys())
async def test_a_full_door_is_open_for_whoever_comes_next(small: House, first: bytes) -> None:
    async with strangers(small, PLACES * 3, first) as lines:
        for _ in range(3):
            line = await connect(small)
            assert b" 200 " in await asked(line, GET + b"\r\n")
            line[1].close()
            async with small.over_socket() as local, local.get("/readyz") as answer:
                assert answer.status == 200, "the Unix socket has places of its own"
        assert await there(lines) <= PLACES


async def test_who_was_silent_for_longest_goes_first(small: House) -> None:
    async with strangers(small, PLACES, b"") as lines:
        assert b" 200 " in await asked(lines[0], GET + b"\r\n")  # so that it is the youngest
        newest = await connect(small)
        assert await ended(lines[1]) == b""
        assert await there([lines[0], *lines[2:]]) == PLACES - 1
        assert b" 200 " in await asked(newest, GET + b"\r\n")
        newest[1].close()


async def test_strangers_hang_up_nobody_who_showed_a_token(small: House) -> None:
    token = await small.make_token("till", Scope.READ)
    known = await connect(small)
    show = b"GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n" % token.encode()
    assert b" 200 " in await asked(known, show)
    async with Browser(small) as browser:
        await browser.enter()
        assert (await browser.get("/orders")).status == 200
        async with strangers(small, PLACES * 3, b""):
            assert await there([known]) == 1
            known[1].write(GET + b"Connection: close\r\n\r\n")
            assert b" 200 " in await ended(known)


async def test_who_waits_for_an_answer_is_not_hung_up(small: House) -> None:
    """A long question of a known program outlasts a crowd."""
    asking = asyncio.create_task(small.ask("GET", "/events", after=await newest(small), account="off", wait=1))
    await asyncio.sleep(0.1)
    async with strangers(small, PLACES * 3, b""):
        assert (await asking)[0] == 200


async def test_where_all_ask_the_next_one_is_refused(small: House) -> None:
    """There is nobody to hang up: who was here first goes on."""
    last = await newest(small)
    silent = {"after": last, "account": "off", "wait": 2}
    asking = [asyncio.create_task(small.ask("GET", "/events", **silent)) for _ in range(PLACES)]
    await asyncio.sleep(0.3)
    assert await ended(await connect(small, GET + b"\r\n")) == b""
    assert [status for status, _ in await asyncio.gather(*asking)] == [200] * PLACES


async def test_a_crowd_at_the_unix_socket_shuts_neither_door(small: House) -> None:
    lines = [await asyncio.open_unix_connection(str(small.socket)) for _ in range(PLACES * 2)]
    assert (await small.ask("GET", "/status"))[0] == 200
    async with small.over_socket() as local, local.get("/api/v1/status") as answer:
        assert answer.status == 200
    for _, writer in lines:
        writer.close()


@needs_openssl
async def test_a_crowd_that_never_shakes_hands_shuts_no_door(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """With TLS a connection is one before anything of HTTP, and counts from then on."""
    monkeypatch.setattr(server, "_MOST_TCP", PLACES)
    async with secured(house) as (address, _doors, _beside):
        host, _, port = address.removeprefix("https://").rpartition(":")
        lines = [await asyncio.open_connection(host, int(port)) for _ in range(PLACES * 3)]
        trust = ssl.create_default_context(cafile=str(house.folder / "cert.pem"))
        async with ClientSession(address) as client, client.get("/healthz", ssl=trust) as response:
            assert response.status == 200
        assert await there(lines) <= PLACES
        for _, writer in lines:
            writer.close()


@needs_openssl
async def test_a_handshake_that_does_not_end_is_ended(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_LIMITS", connections.ConnectionLimits(head=0.2))
    async with secured(house) as (address, _doors, _beside):
        host, _, port = address.removeprefix("https://").rpartition(":")
        for first in (b"", b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\n\r\n"):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(first)
            await ended((reader, writer))


async def _drip(writer: asyncio.StreamWriter, first: bytes) -> None:
    """A byte now and then, of a request that is right as far as it came: a wrong one is refused at once, and proves
    nothing of time."""
    further = GET + b"X-Long: " if first == b"" or first.endswith(b"\r\n\r\n") else b""
    with contextlib.suppress(OSError):
        for byte in itertools.chain(further, itertools.repeat(ord("a"))):
            writer.write(bytes([byte]))
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("first", UNFINISHED.values(), ids=UNFINISHED.keys())
@pytest.mark.parametrize("dripping", [False, True])
async def test_what_is_not_finished_in_time_is_ended(brisk: House, first: bytes, dripping: bool) -> None:
    """Also where a byte comes now and then, which would keep any clock busy that begins anew with each."""
    if first == UNFINISHED["an answer that is not followed"] and not dripping:
        pytest.skip("it may be followed for a long time yet; see the next test")
    line = await connect(brisk, first)
    drip = asyncio.create_task(_drip(line[1], first)) if dripping else None
    answer = await ended(line)
    assert b" 500 " not in answer
    assert b" 400 " not in answer, "it was refused for what it said, and not for the time that it took"
    if b"/login" in first:
        assert b" 408 " in answer
    if drip is not None:
        drip.cancel()


async def test_half_of_a_second_request_is_not_waited_for(brisk: House) -> None:
    line = await connect(brisk)
    assert b" 200 " in await asked(line, GET + b"\r\n")
    line[1].write(b"GET /hea")
    await ended(line)


async def test_half_of_a_request_that_came_before_the_answer_is_not_waited_for(brisk: House) -> None:
    show = f"Host: localhost\r\nAuthorization: Bearer {brisk.token}\r\n\r\n".encode()
    last = await newest(brisk)
    line = await connect(brisk, b"GET /api/v1/events?after=%d&account=off&wait=1 HTTP/1.1\r\n" % last + show)
    await asyncio.sleep(0.3)
    line[1].write(b"GET /hea")
    assert b" 200 " in await ended(line)


async def test_who_asks_nothing_more_is_not_kept(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_LIMITS", connections.ConnectionLimits(head=1000.0, idle=0.2))
    async with house.reopened():
        assert b" 200 " in await ended(await connect(house, GET + b"\r\n"))


async def test_no_body_is_waited_for_for_long(brisk: House) -> None:
    """Of a form behind the login, and of a program that showed its token."""
    async with Browser(brisk) as browser:
        await browser.enter()
        cookie = "; ".join(f"{one.key}={one.value}" for one in browser.client.cookie_jar)
    pages = f"POST /accounts/stingy/pause HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n"
    programs = "POST /api/v1/accounts/stingy/pause HTTP/1.1\r\nHost: localhost\r\n"
    programs += f"Authorization: Bearer {brisk.token}\r\n"
    heads = (
        f"{pages}Content-Type: application/x-www-form-urlencoded\r\n",
        f"{programs}Content-Type: application/json\r\n",
    )
    for head in heads:
        line = await connect(brisk, head.encode() + BODY)
        assert b" 408 " in (await ended(line)).partition(b"\r\n")[0]
    assert brisk.hub.unit("stingy").row.state.value == "active"


class Wordy:
    """A plugin with an answer that no buffer holds."""

    @hookimpl
    def olhubd_register_routes(self, app: web.Application) -> None:
        async def answer(_request: web.Request) -> web.Response:
            return web.Response(body=b"x" * 30_000_000)

        app.router.add_get("/wordy", answer)


async def test_an_answer_that_nobody_takes_is_given_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[connections.ConnectionLimiter] = []

    class Watched(connections.ConnectionLimiter):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            made.append(self)

    async def alone() -> bool:
        return sum(map(len, made)) == 0

    monkeypatch.setattr(connections, "ConnectionLimiter", Watched)
    monkeypatch.setattr(server, "_LIMITS", connections.ConnectionLimits(head=1000.0, idle=1000.0, unread=0.2))
    manager, plugin = house.hub.configuration.plugins.manager, Wordy()
    manager.register(plugin)
    try:
        async with house.reopened():
            host, _, port = house.base.removeprefix("http://").rpartition(":")
            with socket.create_connection((host, int(port))) as end:
                show = f"Host: localhost\r\nAuthorization: Bearer {house.token}\r\n\r\n"
                end.sendall(b"GET /wordy HTTP/1.1\r\n" + show.encode())
                await asyncio.sleep(0.1)
                assert not await alone()
                await house.until(alone)
            async with house.client.get("/wordy") as response:
                assert len(await response.read()) == 30_000_000, "who takes it gets the whole"
    finally:
        manager.unregister(plugin)


def test_the_places_fit_the_files_that_may_be_open(monkeypatch: pytest.MonkeyPatch) -> None:
    for soft, most in ((64, 16), (1024, 256), (16_384, 256), (resource.RLIM_INFINITY, 256)):
        monkeypatch.setattr(resource, "getrlimit", lambda _kind, soft=soft: (soft, soft))
        assert connections.places(256) == most


def test_a_crowd_beyond_the_files_that_may_be_open_fills_no_log(tmp_path: Path) -> None:
    """The real daemon with as few files as some containers give, and more connections than that."""
    (tmp_path / "olhubd.toml").write_text('[daemon]\ndata = "."\n[control]\nlisten = "127.0.0.1:0"\n')
    (tmp_path / "olhubd.toml").chmod(0o600)
    command = f"ulimit -n 64; exec {sys.executable} -m olhubd --config olhubd.toml run"
    environ = {**os.environ, "OLHUBD_CONTROL_SOCKET": str(tmp_path / "s.sock")}
    with (tmp_path / "log").open("w") as log:
        running = subprocess.Popen(["bash", "-c", command], cwd=tmp_path, stderr=log, stdout=log, env=environ)
        try:
            asyncio.run(_crowded(running, tmp_path / "log"))
        finally:
            running.terminate()
            assert running.wait(60) == 0
    assert len((tmp_path / "log").read_text().splitlines()) < 40


async def _crowded(running: subprocess.Popen[bytes], log: Path) -> None:
    async with asyncio.timeout(60):
        while not (found := re.search(r"http://127\.0\.0\.1:(\d+)", await asyncio.to_thread(log.read_text))):
            assert running.poll() is None
            await asyncio.sleep(0.05)
        port = int(found[1])
        ends = [socket.create_connection(("127.0.0.1", port)) for _ in range(80)]
        for _ in range(5):
            _, writer = line = await asyncio.open_connection("127.0.0.1", port)
            assert b" 200 " in await asked(line, GET + b"\r\n")
            writer.close()
            await asyncio.sleep(0.3)
        for end in ends:
            end.close()
