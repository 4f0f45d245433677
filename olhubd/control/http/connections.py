"""Who is connected at one door: how many may be, for how long each may be silent, and who goes when it is full.

Anybody who reaches a door can connect to it, and a connection that says nothing costs its maker nothing. So a full
door does not refuse the next client, which would let strangers shut it: the one that was silent for the longest
time is hung up, and who showed a right token goes last. A request has a moment to come, headers and all, and an
answer must be taken; what a handler does meanwhile has limits of its own.
"""

from __future__ import annotations

import asyncio
import resource
import ssl
from dataclasses import dataclass
from typing import cast

from aiohttp import StreamReader, web
from aiohttp.abc import AbstractAccessLogger
from aiohttp.typedefs import Handler

__all__ = ["AnswerLogger", "ConnectionLimiter", "ConnectionLimits", "GuardedConnection", "attend", "know", "places"]

_SHARE = 4
"""Of the files that this process may open, connections at a door take one of so many."""


@dataclass(frozen=True, kw_only=True)
class ConnectionLimits:
    """In seconds."""

    head: float = 10.0
    """From the connection, or the first byte of a further request, until its headers are whole; and a handshake."""
    idle: float = 75.0
    """Between an answer and the first byte of a further request."""
    unread: float = 20.0
    """An answer of which nothing more was taken for so long is given up."""


def places(most: int) -> int:
    """How many may be connected at a door that would have room for `most`, with the files that may be open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return most if soft == resource.RLIM_INFINITY else max(4, min(most, soft // _SHARE))


class ConnectionLimiter:
    """The connections of one door, `most` at a time."""

    def __init__(self, most: int, limits: ConnectionLimits | None = None) -> None:
        self.most = most
        self.limits = limits or ConnectionLimits()
        self._guests: set[GuardedConnection] = set()

    def __len__(self) -> int:
        return len(self._guests)

    def admit(self, guest: GuardedConnection) -> bool:
        """Take one in, in the place of another where all are taken. False where nobody can be hung up."""
        if len(self._guests) >= self.most:
            silent = [one for one in self._guests if one.silent]
            if not silent:
                return False
            min(silent, key=lambda one: (one.known, one.since)).hang_up()
        self._guests.add(guest)
        return True

    def leave(self, guest: GuardedConnection) -> None:
        self._guests.discard(guest)


class GuardedConnection(asyncio.Protocol):
    """One connection: sits between its transport and the protocol that speaks HTTP, and watches the time."""

    def __init__(self, crowd: ConnectionLimiter, inner: asyncio.Protocol, tls: ssl.SSLContext | None) -> None:
        self._crowd = crowd
        self._inner = inner
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._raw: asyncio.Transport | None = None
        self._open: asyncio.Transport | None = None
        """Where HTTP is spoken: the raw one, or what TLS made of it."""
        self._early = b""
        self._shaking: asyncio.Task[None] | None = None
        self._due: asyncio.TimerHandle | None = None
        self._full: asyncio.TimerHandle | None = None
        self._body: StreamReader | None = None
        self._asking = False
        self._served = False
        self._begun = False
        """Whether bytes of a further request are there."""
        self.known = False
        """Whether it showed a right token, a session, or a user that needs neither."""
        self.since = self._loop.time()
        """When it was active last: connected, began to ask, or was answered."""

    @property
    def silent(self) -> bool:
        """Whether it is its turn to speak: no request is there, or not the whole of its body."""
        return not self._asking or (self._body is not None and not self._body.is_eof())

    def hang_up(self) -> None:
        """End it at once, whatever is under way."""
        self._gone()
        if self._raw is not None:
            self._raw.abort()

    # What the transport reports

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._raw = cast("asyncio.Transport", transport)
        if not self._crowd.admit(self):
            self._raw.abort()
            return
        self._wait(self._crowd.limits.head)
        if self._tls is None:
            self._begin(self._raw)
        else:
            self._raw.pause_reading()  # until TLS reads it
            self._shaking = self._loop.create_task(self._shake(self._raw, self._tls))

    async def _shake(self, raw: asyncio.Transport, tls: ssl.SSLContext) -> None:
        """Speak TLS from here on. A handshake counts as silence: without it a door of TLS would have no bound."""
        limit = self._crowd.limits.head
        try:
            made = await self._loop.start_tls(raw, self, tls, server_side=True, ssl_handshake_timeout=limit)
        except OSError:
            made = None
        self._shaking = None
        if made is None or raw.is_closing():
            self.hang_up()
        else:
            self._begin(made)

    def _begin(self, transport: asyncio.Transport) -> None:
        self._open = transport
        self._inner.connection_made(transport)
        early, self._early = self._early, b""
        if early:
            self.data_received(early)

    def data_received(self, data: bytes) -> None:
        if self._open is None:
            self._early += data
            return
        if not self._begun and (self._body is None or self._body.is_eof()):
            self._begun = True
            if not self._asking and self._served:
                self._wait(self._crowd.limits.head)
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone()
        if self._open is not None:
            self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        """More of an answer waits than the transport likes to hold."""
        self._inner.pause_writing()
        self._look(None)

    def resume_writing(self) -> None:
        if self._full is not None:
            self._full.cancel()
            self._full = None
        self._inner.resume_writing()

    def _look(self, before: int | None) -> None:
        """Hang up on who takes nothing of what waits for it."""
        if self._open is None:
            return
        waits = self._open.get_write_buffer_size()
        if before is not None and waits >= before:
            self.hang_up()
            return
        self._full = self._loop.call_later(self._crowd.limits.unread, self._look, waits)

    # What is asked

    def asks(self, body: StreamReader) -> None:
        """A request is there with all its headers; `body` is what comes after them."""
        self._asking, self._begun, self._body = True, False, body
        self.since = self._loop.time()
        self._stop_waiting()

    def answered(self) -> None:
        """The whole answer is written, and it is the guest's turn again."""
        self._asking, self._served, self._body = False, True, None
        self.since = self._loop.time()
        self._wait(self._crowd.limits.head if self._begun else self._crowd.limits.idle)

    def _wait(self, limit: float) -> None:
        self._stop_waiting()
        self._due = self._loop.call_later(limit, self.hang_up)

    def _stop_waiting(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _gone(self) -> None:
        self._crowd.leave(self)
        self._stop_waiting()
        if self._full is not None:
            self._full.cancel()
            self._full = None
        if self._shaking is not None:
            self._shaking.cancel()
            self._shaking = None


@web.middleware
async def attend(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Report a request to its connection when it is there. Wraps all others."""
    if (guest := _of(request)) is not None:
        guest.asks(request.content)
    return await handler(request)


class AnswerLogger(AbstractAccessLogger):
    """Reports to the connection of a request that its answer was written; called as an access log is."""

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        if (guest := _of(request)) is not None:
            guest.answered()


def know(request: web.Request) -> None:
    """Who asks this may be here, and is hung up after all others."""
    if (guest := _of(request)) is not None:
        guest.known = True


def _of(request: web.BaseRequest) -> GuardedConnection | None:
    """The guest who asks; None where an application is tried without its doors, or when they have gone."""
    if request.transport is None:
        return None
    protocol = request.transport.get_protocol()
    return protocol if isinstance(protocol, GuardedConnection) else None
