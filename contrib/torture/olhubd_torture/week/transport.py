"""HTTP without a network: the real client and the real servers, joined in memory.

Each connection is a pair of transports. What one end writes, the other end receives a little later by the loop's
own time, so that a week of calls passes as fast as the machine can work, and in the same order each time.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler

__all__ = ["LoopbackConnector"]

Server = Callable[[], asyncio.BaseProtocol]
"""Makes the protocol that serves one connection, as `aiohttp.web.Server` does."""


class LoopbackConnector(aiohttp.BaseConnector):
    """Connects to `servers` by their port; a call takes `delay` seconds there and as many back."""

    def __init__(self, servers: Mapping[int, Server], delay: float) -> None:
        super().__init__(limit=0, keepalive_timeout=120.0)
        self._servers = servers
        self._delay = delay

    async def _create_connection(
        self, req: aiohttp.ClientRequest, traces: Any, timeout: aiohttp.ClientTimeout
    ) -> ResponseHandler:
        port = req.url.port or 0
        if port not in self._servers:
            raise aiohttp.ClientConnectorError(req.connection_key, OSError(111, "nobody listens there"))
        client: ResponseHandler = self._factory()
        server = self._servers[port]()
        near, far = _End(client, self._delay), _End(server, self._delay)
        near.other, far.other = far, near
        server.connection_made(far)
        client.connection_made(near)
        return client


class _End(asyncio.Transport):
    """One end of a connection. `other` is the end that receives what is written here."""

    other: _End

    def __init__(self, protocol: Any, delay: float) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self._protocol = protocol
        self._delay = delay
        self._loop = asyncio.get_running_loop()
        self._closing = self._over = self._paused = False
        self._waiting: deque[bytes] = deque()
        self.coming: deque[bytes | None] = deque()
        """What is under way to here, in the order in which it was sent; None where the other end closed."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._closing:
            self._send(bytes(data))

    def _send(self, data: bytes | None) -> None:
        # Calls of a loop that are due at the same moment come in any order, so none of them carries its data.
        self.other.coming.append(data)
        self._loop.call_later(self._delay, self.other.arrive)

    def arrive(self) -> None:
        """What was sent first of what is under way to here has come."""
        data = self.coming.popleft()
        if data is not None:
            self.receive(data)
        else:
            self.ended()

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.write(b"".join(bytes(data) for data in list_of_data))

    def receive(self, data: bytes) -> None:
        """Data from the other end arrive."""
        if self._paused:
            self._waiting.append(data)
        elif not self._over:
            self._protocol.data_received(data)

    def pause_reading(self) -> None:
        self._paused = True

    def resume_reading(self) -> None:
        self._paused = False
        while self._waiting and not self._paused:
            self.receive(self._waiting.popleft())

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._send(None)
            self._loop.call_soon(self._lost)

    abort = close

    def ended(self) -> None:
        """The other end closed the connection."""
        if not self._over:
            self._closing = True
            self._protocol.eof_received()
            self._lost()

    def _lost(self) -> None:
        if not self._over:
            self._over = True
            self._protocol.connection_lost(None)

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        return

    def can_write_eof(self) -> bool:
        return False
