"""The fault injector: makes a simulator's server misbehave on demand, in ways that real servers do.

By itself it knows HTTP only: a simulator that speaks something else asks `at_large` what is to strike, and says by
`strike` that it did. What goes wrong inside a marketplace's own logic (a forgotten token, a journal that repeats
itself) is the simulator's.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import enum
import random
import re
import signal
import socket
import struct
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web
from aiohttp.typedefs import Middleware

__all__ = ["CONTROL", "PAGE", "Fault", "FaultKind", "Faults"]

CONTROL = "/_sim"
"""Where the simulators' control routes live; no fault ever strikes there."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FaultKind(enum.StrEnum):
    LOSE = "lose"
    """Act, then cut the connection without an answer."""
    RESET = "reset"
    """Act, then reset the connection, as a program does that dies with bytes unread. To a client it is another
    error than a connection that is closed in order."""
    CUT = "cut"
    """Cut the connection before acting."""
    HALF = "half"
    """Act, then cut in the middle of the body."""
    ERROR = "error"
    """Answer `status` with `body` without acting, as somebody on the way does: a firewall, a gateway."""
    ERROR_AFTER = "error-after"
    """Act, then answer `status` with `body`: somebody on the way gave up or objected, the server did not."""
    REFUSE = "refuse"
    """Answer `status` in the system's own form of a refusal, without acting."""
    DRESS = "dress"
    """Act, and answer with a byte order mark and a header of 40 KiB: the same answer for all that."""
    THROTTLE = "throttle"
    """Answer 429, with Retry-After when `retry_after` is set."""
    SLOW = "slow"
    """Wait `seconds`, then act and answer."""
    LATE = "late"
    """Cut the connection at once and act `seconds` later."""
    HANG = "hang"
    """Accept and never answer nor act, until the client gives up."""
    STRIKE = "strike"
    """Send `signal` to process `pid` before acting. What kills it ends the call too, so that nothing is done."""
    STRIKE_AFTER = "strike-after"
    """Act, then send `signal` to process `pid`, which has not received the answer yet."""


PAGE = "<html><head><title>Bad Gateway</title></head><body>Bad Gateway</body></html>"
_STRIKES = frozenset({FaultKind.STRIKE, FaultKind.STRIKE_AFTER})


class Fault(msgspec.Struct, kw_only=True):
    """Strikes requests whose "METHOD /path" matches the regular expression `match`.

    `after` lets so many of them through first; `times` limits how often (None: for ever); `chance` how likely each
    time. A `retry_after` (seconds) is sent with `status`, whatever that is.
    """

    kind: FaultKind
    match: str = "."
    after: int = 0
    times: int | None = 1
    chance: float = 1.0
    status: int = 502
    body: str = PAGE
    content_type: str = "text/html"
    retry_after: float | None = None
    seconds: float = 0.5
    pid: int = 0
    signal: int = signal.SIGKILL


class Faults:
    """The faults in force. Use `middleware` as the outermost middleware of a simulator's application."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)
        self._faults: list[Fault] = []
        self._later: set[asyncio.Task[object]] = set()
        self.signal: Callable[[int, int], None] | None = None
        """Sends a signal to a process; None where no fault may."""
        self.refusal: Callable[[int], web.Response] | None = None
        """The system's own refusal of a status; None where the simulator does not say how its system refuses."""
        self.struck: dict[FaultKind, int] = {}

    def add(self, *faults: Fault) -> None:
        """Raises ValueError for a strike where nobody may be struck, for a refusal where none is known, and for a
        `match` that is no pattern.
        """
        if self.refusal is None and any(fault.kind is FaultKind.REFUSE for fault in faults):
            raise ValueError("this simulator does not say how its system refuses")
        if self.signal is None and any(fault.kind in _STRIKES for fault in faults):
            raise ValueError("this simulator strikes no processes")
        for fault in faults:
            try:
                re.compile(fault.match)
            except re.error as error:
                raise ValueError(f"{fault.match!r} is no regular expression: {error}") from None
        self._faults.extend(faults)

    @property
    def in_force(self) -> bool:
        """Whether there is any that may strike."""
        return bool(self._faults)

    def at_large(self) -> tuple[Fault, ...]:
        """Those that may strike, oldest first, for a simulator that strikes by itself."""
        return tuple(self._faults)

    def strike(self, fault: Fault) -> Fault | None:
        """The fault, counted as one that strikes now; None where its turn has not come yet."""
        if self._random.random() >= fault.chance:
            return None
        if fault.after > 0:
            fault.after -= 1
            return None
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                self._faults.remove(fault)
        self.struck[fault.kind] = self.struck.get(fault.kind, 0) + 1
        return fault

    def clear(self, *kinds: FaultKind) -> None:
        """Take those of some kinds away, or all."""
        self._faults = [fault for fault in self._faults if kinds and fault.kind not in kinds]

    async def settle(self) -> None:
        """Wait until all that LATE put off has been done."""
        while self._later:
            await asyncio.wait(self._later)

    def describe(self, request: web.Request) -> str:
        """What `match` is searched in."""
        return f"{request.method} {request.path}"

    def _pick(self, request: web.Request) -> Fault | None:
        what = self.describe(request)
        for fault in self.at_large():
            if re.search(fault.match, what) and self.strike(fault) is not None:
                return fault
        return None

    @property
    def middleware(self) -> Middleware:
        @web.middleware
        async def misbehave(request: web.Request, handler: Handler) -> web.StreamResponse:
            if not self._faults or request.path.startswith(CONTROL):
                return await handler(request)
            fault = self._pick(request)
            if fault is None:
                return await handler(request)
            return await self._strike(fault, request, handler)

        return misbehave

    async def _strike(self, fault: Fault, request: web.Request, handler: Handler) -> web.StreamResponse:
        match fault.kind:
            case FaultKind.ERROR:
                return _foreign(fault)
            case FaultKind.REFUSE:
                assert self.refusal is not None
                refused = self.refusal(fault.status)
                refused.headers.update(_after(fault))
                return refused
            case FaultKind.THROTTLE:
                said = {"errors": [{"code": "TooManyRequests"}]}
                return web.json_response(said, status=429, headers=_after(fault))
            case FaultKind.SLOW:
                await asyncio.sleep(fault.seconds)
                return await handler(request)
            case FaultKind.HANG:
                await asyncio.sleep(3600)
                raise web.HTTPGatewayTimeout
            case FaultKind.CUT:
                return _cut(request)
            case FaultKind.LATE:
                await request.read()
                task: asyncio.Task[object] = asyncio.create_task(self._act_later(fault, request, handler))
                self._later.add(task)
                task.add_done_callback(self._later.discard)
                return _cut(request)
            case FaultKind.LOSE:
                await _act(request, handler)
                return _cut(request)
            case FaultKind.RESET:
                await _act(request, handler)
                return _reset(request)
            case FaultKind.ERROR_AFTER:
                await _act(request, handler)
                return _foreign(fault)
            case FaultKind.DRESS:
                return _dressed(await _act(request, handler))
            case FaultKind.STRIKE:
                self._signal(fault)
                return _cut(request) if fault.signal == signal.SIGKILL else await handler(request)
            case FaultKind.STRIKE_AFTER:
                response = await _act(request, handler)
                self._signal(fault)
                return response
            case FaultKind.HALF:
                response = await _act(request, handler)
                return await _half(request, response)

    def _signal(self, fault: Fault) -> None:
        if self.signal is not None and fault.pid > 0:
            with contextlib.suppress(ProcessLookupError):
                self.signal(fault.pid, fault.signal)

    async def _act_later(self, fault: Fault, request: web.Request, handler: Handler) -> None:
        await asyncio.sleep(fault.seconds)
        await _act(request, handler)


def _foreign(fault: Fault) -> web.Response:
    text, kind = fault.body, fault.content_type
    return web.Response(status=fault.status, text=text, content_type=kind, headers=_after(fault))


def _dressed(response: web.StreamResponse) -> web.StreamResponse:
    whole = response.body if isinstance(response, web.Response) else None
    if not isinstance(response, web.Response) or not isinstance(whole, bytes) or not whole:
        return response
    response.body = codecs.BOM_UTF8 + whole
    response.headers["Content-Security-Policy"] = "default-src " + "https://cdn.example " * 2048
    return response


def _after(fault: Fault) -> dict[str, str]:
    return {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}


async def _act(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as refusal:
        return refusal


def _cut(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


def _reset(request: web.Request) -> web.StreamResponse:
    end = request.transport.get_extra_info("socket") if request.transport is not None else None
    if end is not None:
        # A connection that lingers for no time is closed by a reset, and not by an end that is said in order.
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return _cut(request)


async def _half(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    body = response.body if isinstance(response, web.Response) else b""
    whole = body if isinstance(body, bytes) else b""
    torn = web.StreamResponse(status=response.status, headers={"Content-Type": "application/json"})
    torn.content_length = max(len(whole), 2)
    await torn.prepare(request)
    await torn.write(whole[: len(whole) // 2] or b"{")
    if request.transport is not None:
        request.transport.abort()
    return torn
