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


async def form(request: web.Request, largest: int | None = None) -> dict[str, str]:
    """The fields of a form, and its files as text. Raises Refusal like `content`, for what is no form, for one of
    more than `largest` bytes (None: than any body may have), and for a file that is no text in UTF-8."""
    source = request if largest is None else request.clone(client_max_size=largest)
    try:
        fields = await _within(source.post())
    except web.HTTPRequestEntityTooLarge:
        raise Refusal(413, "too-large", "the body is too large") from None
    except (ValueError, LookupError):  # parts that do not fit, a charset that is none
        raise Refusal(400, "body", "the body is no form") from None
    return {name: text for name, value in fields.items() if (text := _text(name, value)) is not None}


def _text(name: str, value: str | bytes | bytearray | web.FileField) -> str | None:
    """A field as text; None of a file that nobody has chosen."""
    if isinstance(value, str):
        return value
    if not isinstance(value, web.FileField):
        return None
    with value.file as file:
        found = file.read()
    if not value.filename and not found:
        return None
    try:
        return found.decode("utf-8-sig")
    except UnicodeDecodeError:
        why = f"{value.filename} is no text in UTF-8: save it as CSV UTF-8"
        raise Refusal(400, "parameter", why, parameter=name) from None


async def _within(reading: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(_PATIENCE):
            return await reading
    except TimeoutError:
        raise Refusal(408, "request", f"the body was not there within {_PATIENCE:g} seconds") from None
    except web.RequestPayloadError:
        raise Refusal(400, "body", "the body is not packed as its header says") from None
