"""What comes after a request's headers, read within a time limit: a body that never ends must hold nothing up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from aiohttp import web

from olhubd.control.http.problem import Refusal

__all__ = ["content", "form"]

T = TypeVar("T")
_PATIENCE = 8.0
"""Seconds in which a body must have come."""


async def content(request: web.Request) -> bytes:
    """The whole body. Raises Refusal when it does not come in time or is packed otherwise than declared."""
    return await _within(request.read())


async def form(request: web.Request) -> dict[str, str]:
    """The fields of a form, without its files. Raises Refusal like `content`, and for what is no form."""
    try:
        fields = await _within(request.post())
    except (ValueError, LookupError):  # parts that do not fit, a charset that is none
        raise Refusal(400, "body", "the body is no form") from None
    return {name: value for name, value in fields.items() if isinstance(value, str)}


async def _within(reading: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(_PATIENCE):
            return await reading
    except TimeoutError:
        raise Refusal(408, "request", f"the body was not there within {_PATIENCE:g} seconds") from None
    except web.RequestPayloadError:
        raise Refusal(400, "body", "the body is not packed as its header says") from None
