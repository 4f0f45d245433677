"""Stands between a simulator and whoever asks it, and distorts what it answers, as planned."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

from aiohttp import web
from aiohttp.typedefs import Middleware

from olhubd_kit.simulator import Simulator
from tests.fuzz.distort import Answered, Distortion, distort

__all__ = ["Change", "Mangler", "served"]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Change = Distortion | Callable[[Answered], Answered]
Plan = Callable[[web.Request, int], Change | None]


class Mangler:
    """`plan` says what to do to an answer, by the request and its number; `struck` counts how often."""

    def __init__(self) -> None:
        self.plan: Plan = lambda _request, _number: None
        self.asked = 0
        self.struck = 0

    def begin(self, steps: Mapping[int, Change]) -> None:
        """From now on distort the answers of these numbers, the next one being number 0."""
        self.asked = self.struck = 0
        self.plan = lambda _request, number: steps.get(number)

    def rest(self) -> None:
        """From now on be honest."""
        self.begin({})

    @property
    def middleware(self) -> Middleware:
        @web.middleware
        async def mangle(request: web.Request, handler: Handler) -> web.StreamResponse:
            number, self.asked = self.asked, self.asked + 1
            try:
                response = await handler(request)
            except web.HTTPException as refusal:
                response = refusal
            by = self.plan(request, number)
            if by is None or not isinstance(response, web.Response):
                return response
            self.struck += 1
            return self._sent(request, response, by)

        return mangle

    def _sent(self, request: web.Request, response: web.Response, by: Change) -> web.StreamResponse:
        body = response.body if isinstance(response.body, bytes) else b""
        headers = {name: value for name, value in response.headers.items() if name != "Content-Length"}
        honest = Answered(response.status, headers, body)
        answer = distort(honest, by) if isinstance(by, Distortion) else by(honest)
        if answer.raw is not None:
            if request.transport is not None:
                request.transport.write(answer.raw)
                request.transport.close()
            return web.Response(status=500)
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)


@contextlib.asynccontextmanager
async def served(simulator: Simulator, mangler: Mangler) -> AsyncIterator[str]:
    """Serve a simulator on a real socket with the mangler in front of it; gives its address."""
    application = simulator.application()
    application.middlewares.insert(0, mangler.middleware)
    runner = web.AppRunner(application, access_log=None, handler_cancellation=True)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield "http://{}:{}".format(*runner.addresses[0][:2])
    finally:
        await runner.cleanup()
