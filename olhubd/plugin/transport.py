"""The exchange below the HTTP client: its limits, reading a body, and what a failure of it says.

A failure is reported by its kind alone. The transport's own texts hold whole addresses, and headers of the other
side.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import aiohttp
from aiohttp.http import HttpProcessingError
from aiohttp.http_exceptions import LineTooLong

__all__ = ["LONGEST_HEADER", "MOST_HEADERS", "NOT_SENT", "NO_ANSWER", "limits", "once", "read", "reason"]

LONGEST_HEADER = 64 * 1024
"""Bytes of one header that are taken: content security policies and cookies of shops fill more than 8 KiB."""
MOST_HEADERS = 512
_CHUNK = 2**16
_PIECE = 2**20
"""Bytes that are unpacked before others get their turn."""

NOT_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
    aiohttp.InvalidURL,
)
NO_ANSWER = (TimeoutError, aiohttp.ClientError, HttpProcessingError, OSError)


def limits(timeout: float) -> aiohttp.ClientTimeout:
    """Some of the time is kept for the exchange, so that one that never got a connection is known as not sent."""
    connect = 0.75 * timeout
    return aiohttp.ClientTimeout(total=timeout, connect=connect, sock_connect=min(10.0, connect))


async def read(response: aiohttp.ClientResponse, largest: int) -> bytes | None:
    """The body; None when it is too large. A packed one is measured as it unpacks."""
    length = response.content_length
    if length is not None and (length > largest or "Content-Encoding" not in response.headers):
        return None if length > largest else await response.read()
    body = bytearray()
    rest = _PIECE
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > largest:
            return None
        if len(body) > rest:
            # A few packed bytes unpack to all that is allowed without a wait in between.
            rest = len(body) + _PIECE
            await asyncio.sleep(0)
    return bytes(body)


class _Dropped(aiohttp.ClientError):
    """The connection dropped under a request that must not be repeated."""


async def once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    try:
        return await handler(request)
    except NOT_SENT:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _Dropped(reason(error)) from None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def reason(error: BaseException) -> str:
    """The kind of failure without addresses or bodies, which may hold keys."""
    if isinstance(error, _Dropped):
        return str(error)
    if any(isinstance(one, LineTooLong) for one in _causes(error)):
        return f"a header of it is longer than {LONGEST_HEADER // 1024} KiB"
    if isinstance(error, aiohttp.ClientConnectorError) and error.os_error.strerror:
        return error.os_error.strerror
    # aiohttp puts the address into the text of its own, with the query.
    number = getattr(error, "errno", None)
    return os.strerror(number) if number is not None and number > 0 else type(error).__name__
