"""A proxy that cuts: it sits in front of a real server and loses answers, requests or halves of them, on demand.

What a simulator does to itself by `faults`, this does to a system that cannot be asked to misbehave. It passes
requests on whole and knows nothing of their meaning, except that a GraphQL request is recognised by the name
of its operation: faults match "POST /admin-api createDraftOrder".

    async with Proxy("http://127.0.0.1:3000").serve() as proxy:
        proxy.faults.add(Fault(kind=Kind.LOSE, match="createDraftOrder"))
        ... use proxy.base ...
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator
from contextvars import ContextVar

import aiohttp
import msgspec
from aiohttp import web
from aiohttp.typedefs import Middleware
from multidict import CIMultiDict
from yarl import URL

from olhubd_kit.faults import Faults, Handler

__all__ = ["Proxy"]

_HOP = frozenset(
    {
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers that concern one connection and not the request."""


class _Operation(msgspec.Struct):
    name: str | None = msgspec.field(default=None, name="operationName")


_operation: ContextVar[str] = ContextVar("operation", default="")
"""Of the request that the running task handles."""


class _Named(Faults):
    """Faults that match the name of a GraphQL operation too."""

    def describe(self, request: web.Request) -> str:
        return f"{super().describe(request)} {_operation.get()}".rstrip()


class Proxy:
    """`calls` lists what came in, in order, as faults match it: what was cut too."""

    def __init__(self, upstream: str, seed: int = 0) -> None:
        self.upstream = upstream.rstrip("/")
        self.faults: Faults = _Named(seed)
        self.calls: list[str] = []
        self.base = ""
        self._session: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None
        self._port = 0
        self._down = False

    @contextlib.asynccontextmanager
    async def serve(self) -> AsyncIterator[Proxy]:
        """Listen on a free port of the loopback; `base` is the address."""
        app = web.Application(middlewares=[self._announce, self.faults.middleware], client_max_size=64 * 2**20)
        app.router.add_route("*", "/{path:.*}", self._forward)
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1)
        await runner.setup()
        self._runner = runner
        try:
            async with aiohttp.ClientSession(auto_decompress=False) as session:
                self._session = session
                await self._listen()
                yield self
                await self.faults.settle()
        finally:
            await runner.cleanup()
            self._runner = self._session = None

    @contextlib.asynccontextmanager
    async def refusing(self) -> AsyncIterator[None]:
        """Refuse new connections, as a server does that is down; those open already are cut when they next ask."""
        assert self._runner is not None
        for site in list(self._runner.sites):
            await site.stop()
        self._down = True
        try:
            yield
        finally:
            self._down = False
            await self._listen()

    async def _listen(self) -> None:
        assert self._runner is not None
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self._port))
        self._port = listener.getsockname()[1]
        self.base = f"http://127.0.0.1:{self._port}"
        await web.SockSite(self._runner, listener).start()

    @property
    def _announce(self) -> Middleware:
        @web.middleware
        async def announce(request: web.Request, handler: Handler) -> web.StreamResponse:
            if self._down and request.transport is not None:
                request.transport.abort()
                return web.Response(status=503)
            body = await request.read()
            _operation.set("")
            with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):
                _operation.set(msgspec.json.decode(body, type=_Operation).name or "")
            self.calls.append(self.faults.describe(request))
            return await handler(request)

        return announce

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        assert self._session is not None
        headers = CIMultiDict((k, v) for k, v in request.headers.items() if k.lower() not in _HOP)
        async with self._session.request(
            request.method,
            URL(f"{self.upstream}{request.raw_path}", encoded=True),
            data=await request.read(),
            headers=headers,
            allow_redirects=False,
        ) as answer:
            back = CIMultiDict((k, v) for k, v in answer.headers.items() if k.lower() not in _HOP)
            return web.Response(status=answer.status, headers=back, body=await answer.read())
