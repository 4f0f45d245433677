"""Calls of the week that go well: from the real client to the real server, not written as HTTP and read again.

A week is a million calls, most of which find nothing new, and half of what they would cost is HTTP itself. What a
fault may strike takes the connections of `transport`, since there is something that can be cut.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from email.utils import format_datetime
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpVersion11
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from olhubd_kit.simulator import Simulator

__all__ = ["MemorySession", "SimulatedServer"]

_LIMIT = 2**26
"""Bytes of a body that a server takes at once."""


class SimulatedServer:
    """A simulator with its application, and how many calls it has answered. `now` is the time that it says."""

    def __init__(self, simulator: Simulator, now: Callable[[], datetime]) -> None:
        self.simulator = simulator
        self.application = simulator.application()
        self.application.on_response_prepare.append(self._answered)
        self.calls = 0
        self._now = now
        self._date = ("", 0)

    @property
    def date(self) -> str:
        """The value of the header."""
        now = self._now()
        second = int(now.timestamp())
        if self._date[1] != second:
            self._date = (format_datetime(now, usegmt=True), second)
        return self._date[0]

    async def _answered(self, _request: web.BaseRequest, response: web.StreamResponse) -> None:
        response.headers["Date"] = self.date
        self.calls += 1

    async def answer(
        self, method: str, url: URL, headers: CIMultiDict[str], data: bytes | None
    ) -> tuple[int, CIMultiDictProxy[str], bytes]:
        """What it answers to a call that arrives whole: status, headers and body."""
        loop = asyncio.get_running_loop()
        connection, payload = _NoConnection(loop), EMPTY_PAYLOAD
        if data:
            payload = StreamReader(connection, _LIMIT, loop=loop)
            payload.feed_data(data)
            payload.feed_eof()
        relative = url.relative()
        message = RawRequestMessage(
            method,
            str(relative),
            HttpVersion11,
            CIMultiDictProxy(headers),
            (),
            should_close=False,
            compression=None,
            upgrade=False,
            chunked=False,
            url=relative,
        )
        none: Any = None
        server: Any = connection
        request = web.Request(message, payload, server, none, none, loop, client_max_size=_LIMIT)
        try:
            response: web.StreamResponse = await self.application._handle(request)  # noqa: SLF001 - beneath HTTP
        except web.HTTPException as refused:
            response = refused
        assert isinstance(response, web.Response)
        body = response.body
        assert body is None or isinstance(body, bytes | bytearray)
        await self._answered(request, response)
        return response.status, CIMultiDictProxy(response.headers), bytes(body or b"")


class _NoConnection(BaseProtocol):
    """A server's end of nothing: what a request asks of it."""

    ssl_context = None
    peername = ("127.0.0.1", 1)
    sockname = ("127.0.0.1", 2)


class _Asked:
    """As much of a request as what signs it looks at."""

    __slots__ = ("headers", "method", "url")

    def __init__(self, method: str, url: URL, headers: CIMultiDict[str]) -> None:
        self.method = method
        self.url = url
        self.headers = headers


class _Answer:
    """As much of `aiohttp.ClientResponse` as the client of plugins uses."""

    __slots__ = ("_body", "content_length", "headers", "ok", "status")

    def __init__(self, status: int, headers: CIMultiDictProxy[str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.ok = status < 400
        self.content_length = len(body)
        self._body = body

    async def read(self) -> bytes:
        return self._body

    def release(self) -> None:
        return


class MemorySession:
    """As much of `aiohttp.ClientSession` as a hub uses. `servers` are found by port; a call takes `delay` seconds
    there and as many back. What may be struck, or is for nobody here, goes by `wire`."""

    def __init__(self, wire: aiohttp.ClientSession, servers: Mapping[int, SimulatedServer], delay: float) -> None:
        self._wire = wire
        self._servers = servers
        self._delay = delay
        self._headers = wire.headers

    @property
    def closed(self) -> bool:
        return self._wire.closed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wire, name)

    async def request(
        self,
        method: str,
        url: URL,
        *,
        params: Any = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        middlewares: Sequence[Any] = (),
        **options: Any,
    ) -> Any:
        server = self._servers.get(url.port or 0)
        if server is None or server.simulator.faults.in_force:
            return await self._wire.request(
                method, url, params=params, data=data, headers=headers, middlewares=middlewares, **options
            )
        if params:
            url = url.extend_query(params)
        sent = CIMultiDict(self._headers)
        if headers:
            sent.update(headers)
        if data is not None:
            sent["Content-Length"] = str(len(data))
            sent.setdefault("Content-Type", "application/octet-stream")
        sent.setdefault("Accept", "*/*")
        sent["Host"] = f"{url.host}:{url.port}"

        async def exchange(asked: Any) -> Any:
            await asyncio.sleep(self._delay)
            answer = _Answer(*await server.answer(asked.method, asked.url, asked.headers, data))
            await asyncio.sleep(self._delay)
            return answer

        for middleware in reversed(middlewares):
            exchange = _wrapped(middleware, exchange)
        return await exchange(_Asked(method, url, sent))


def _wrapped(middleware: Any, handler: Any) -> Any:
    async def called(asked: Any) -> Any:
        return await middleware(asked, handler)

    return called
