"""Idempotency keys: a write that is asked again with its key is answered again and not done again.

The key is stored before the write begins and its answer after, for a day. One whose end is not known, since the
daemon was killed in between or gave up waiting, is refused: the client must look before it asks again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable

from aiohttp import web

from olhubd.config import ConfigurationError
from olhubd.control.http.context import CONTEXT
from olhubd.control.http.problem import Refusal
from olhubd.engine.errors import NotPossible
from olhubd.engine.feed.poller import FetchRefused
from olhubd.store import Transaction, idempotency_keys

__all__ = ["HEADER", "once"]

HEADER = "Idempotency-Key"
_LONGEST = 200
_REFUSED = (Refusal, NotPossible, FetchRefused, ConfigurationError)
"""Errors after which nothing was done."""

Produce = Callable[[], Awaitable[web.Response]]


async def once(request: web.Request, who: str, secret: bool, produce: Produce) -> web.Response:
    """The answer of `produce`, or what it was the last time. One that is `secret` is not kept."""
    key = request.headers.get(HEADER)
    if key is None or request.method in ("GET", "HEAD"):
        return await produce()
    if not (0 < len(key) <= _LONGEST and key.isascii() and key.isprintable()):
        raise Refusal(400, "parameter", f"{HEADER}: 1 to {_LONGEST} printable letters", parameter=HEADER)
    context = request.app[CONTEXT]
    if (who, key) in context.under_way:
        raise _under_way()
    context.under_way.add((who, key))
    try:
        return await _once(request, who, key, secret, produce)
    finally:
        context.under_way.discard((who, key))


async def _once(request: web.Request, who: str, key: str, secret: bool, produce: Produce) -> web.Response:
    hub = request.app[CONTEXT].hub
    database, now = hub.database, hub.clock.now()
    digest = hashlib.sha256(f"{request.method} {request.path_qs}\n".encode() + await request.read()).digest()
    known = await idempotency_keys.get(database.reader, who, key)
    if known is not None and known.at >= now - idempotency_keys.KEPT:
        return _again(known, digest)

    async def begin(tx: Transaction) -> bool:
        return await idempotency_keys.begin(tx, who, key, digest, now)

    if not await database.write(begin):  # another process was quicker
        raise _under_way()
    try:
        response = await produce()
    except _REFUSED:
        await database.write(lambda tx: idempotency_keys.forget(tx, who, key))
        raise
    body = response.body if isinstance(response.body, bytes) and not secret else None
    await database.write(lambda tx: idempotency_keys.end(tx, who, key, response.status, body))
    return response


def _under_way() -> Refusal:
    return Refusal(409, "under-way", "the same is being done just now", {"Retry-After": "1"})


def _again(known: idempotency_keys.RequestRow, digest: bytes) -> web.Response:
    if known.digest != digest:
        raise Refusal(422, "key-used", f"something else was asked with this {HEADER}: take another")
    if known.status is None:
        detail = "whether this was done is not known: look first, then ask again with another key"
        raise Refusal(409, "not-known", detail)
    if known.body is None:
        raise Refusal(409, "told-once", "this was done; its answer was shown once and is not kept")
    headers = {"Idempotency-Replayed": "true"}
    return web.Response(body=known.body, status=known.status, content_type="application/json", headers=headers)
