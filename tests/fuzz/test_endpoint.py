"""Whatever comes in at the control endpoint's sockets, the daemon's other clients stay served.

Requests that fit the description are made up by schemathesis (tests/control/test_fuzz.py); here is what is no
request at all, or never ends.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from olhubd.control.http import server
from tests.control.conftest import house, trading
from tests.control.house import House
from tests.fuzz.effort import LIMIT, drawn, tried

__all__ = ["house", "trading"]

GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "blank lines": b"\r\n" * 500,
    "zeros": b"\x00" * 4096,
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x12\x04\x00\x00\x00\x00\x00",
    "no such version": b"GET / HTTP/9.9\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n",
    "no method": b" / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a method of a megabyte": b"A" * 1_000_000,
    "an address of a megabyte": b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a header of a megabyte": GET + b"X: " + b"a" * 1_000_000 + b"\r\n\r\n",
    "ten thousand headers": GET + b"".join(b"X-%d: y\r\n" % n for n in range(10_000)) + b"\r\n",
    "two lengths": GET + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a negative length": GET + b"Content-Length: -1\r\n\r\n",
    "length and chunks": GET + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks of no size": GET + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n",
    "a chunk beyond all sizes": GET + b"Transfer-Encoding: chunked\r\n\r\n" + b"F" * 40 + b"\r\nx",
    "upgrade": GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    "h2c": GET + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
    "connect": b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n",
    "another host": b"GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n",
    "expect": GET + b"Expect: 100-continue\r\nContent-Length: 10\r\n\r\n",
    "expect the impossible": GET + b"Expect: a-miracle\r\n\r\n",
    "climbing": b"GET /static/../../../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "climbing, encoded": b"GET /static/%2e%2e%2f%2e%2e%2fetc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a zero in the address": b"GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "no UTF-8": b"GET /%ff%fe HTTP/1.1\r\nHost: \xff\xfe\r\nCookie: \xff\r\nAuthorization: \xff\r\n\r\n",
    "folded": GET + b"X: a\r\n b\r\n\r\n",
    "a token of a megabyte": GET + b"Authorization: Bearer " + b"a" * 1_000_000 + b"\r\n\r\n",
    "a thousand at once": (GET + b"\r\n") * 1000,
    "packed badly": b"POST /api/v1/reload HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
}


async def _send(house: House, content: bytes, patience: float = 0.5) -> bytes:
    """What comes back until the other side closes, or has nothing more to say."""
    port = int(house.base.rpartition(":")[2])
    answer = b""
    with contextlib.suppress(ConnectionError, TimeoutError, BrokenPipeError):
        async with asyncio.timeout(LIMIT):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(content)
                await writer.drain()
                while more := await asyncio.wait_for(reader.read(65_536), patience):
                    answer += more
            finally:
                writer.close()
    tried("control endpoint, raw")
    return answer


async def _served(house: House) -> None:
    assert (await house.ask("GET", "/readyz"))[0] == 200
    await house.get("/orders")


@pytest.mark.parametrize("kind", sorted(HOSTILE))
async def test_what_is_no_request_is_refused_and_hurts_nobody(kind: str, house: House) -> None:
    answer = await _send(house, HOSTILE[kind])
    assert b"root:" not in answer
    assert b"Traceback" not in answer
    assert b" 500 " not in answer.partition(b"\r\n")[0]
    await _served(house)


def _requests() -> SearchStrategy[bytes]:
    """Requests put together from parts that do not fit together."""
    methods = st.sampled_from(
        [b"GET", b"POST", b"PUT", b"DELETE", b"HEAD", b"OPTIONS", b"TRACE", b"get", b"\xff", b""]
    )
    paths = st.sampled_from(
        [b"/", b"/login", b"/orders", b"/api/v1/orders", b"/api/v1/orders/%00", b"/api/v1/reload", b"*", b"//",
        b"/metrics",
         b"/events/stream", b"/api/v1/events?after=" + b"9" * 50, b"/orders?after=%FF", b"/static/",
         b"/api/v1/deliveries/1/retry",
         b"/healthz?" + b"a=b&" * 500, b"?", b""]
    )  # fmt: skip
    names = st.sampled_from(
        [b"Host", b"Content-Length", b"Transfer-Encoding", b"Content-Type", b"Cookie", b"Authorization",
        b"Last-Event-ID",
         b"Idempotency-Key", b"If-None-Match", b"Accept-Language", b"Origin", b"Range", b"Connection",
         b"Expect", b"X", b""]
    )  # fmt: skip
    values = st.one_of(
        st.sampled_from([b"", b"0", b"-1", b"5", b"9" * 30, b"chunked", b"gzip", b"x", b"application/json",
        b"close", b"*",
                         b"olhubd=" + b"a" * 500, b"Bearer ", b"Basic Og==", b"multipart/form-data; boundary=",
                         b"http://evil",
                         b"bytes=0-99999999999", b"keep-alive", b'"' * 100, b"q;q=q,;;"]),
        st.binary(max_size=20),
    )  # fmt: skip
    header = st.builds(lambda name, value: name + b": " + value + b"\r\n", names, values)
    return st.builds(
        lambda method, path, headers, body, end: (
            method + b" " + path + b" HTTP/1.1\r\n" + b"".join(headers) + end + body
        ),
        methods,
        paths,
        st.lists(header, max_size=6),
        st.one_of(st.binary(max_size=40), st.sampled_from([b"{}", b"[" * 5000, b'{"a":' * 3000, b"0\r\n\r\n"])),
        st.sampled_from([b"\r\n", b"\n", b"\r\n\r\n", b""]),
    )


async def test_requests_of_parts_that_do_not_fit(house: House) -> None:
    for content in drawn(_requests(), 60):
        answer = await _send(house, content, patience=0.05)
        assert b"Traceback" not in answer
        assert b" 500 " not in answer.partition(b"\r\n")[0], content
    await _served(house)


@contextlib.asynccontextmanager
async def _crowd(house: House, size: int, first: bytes) -> AsyncIterator[list[asyncio.StreamWriter]]:
    port = int(house.base.rpartition(":")[2])
    writers = []
    try:
        for _ in range(size):
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(first)
                writers.append(writer)
        yield writers
    finally:
        for writer in writers:
            writer.close()
        tried("control endpoint, raw", size)


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"GET /hea",
        GET,
        GET + b"\r\n",
        b"POST /api/v1/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{",
        b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\ntoken=",
    ],
)
async def test_many_that_never_finish_leave_room_for_others(first: bytes, house: House) -> None:
    """Slow ones keep what they hold and no more: whoever asks meanwhile, over a line of its own too,
    is answered. They are more than may be connected."""
    async with _crowd(house, server._MOST_TCP + 144, first) as writers:
        for _ in range(3):
            for writer in writers:
                with contextlib.suppress(OSError):
                    writer.write(b"a")
            await _served(house)
        async with asyncio.timeout(LIMIT), house.over_socket() as local, local.get("/readyz") as answer:
            assert answer.status == 200


async def test_a_stream_goes_on_after_any_mark(trading: House) -> None:
    """Last-Event-ID is a stranger's text: any of it gets a stream or a refusal."""
    marks = ["", "0", "-1", "9" * 18, "9" * 400, "1e3", "٣", "x", "1;2", "%00", " 7 ", "null"]
    for path in ("/api/v1/events", "/api/v1/events/stream", "/events/stream"):
        for mark in marks:
            headers = {"Last-Event-ID": mark, **trading.bearer}
            async with asyncio.timeout(LIMIT), trading.client.get(path, headers=headers) as answer:
                assert answer.status < 500, (path, mark)
                tried("stream marks")
    await _served(trading)
