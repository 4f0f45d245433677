"""How the simulated Allegro answers, and how it reads a number of an address."""

from __future__ import annotations

import msgspec
from aiohttp import web

from olhubd_kit.simulators.allegro.population import Json

__all__ = ["MEDIA", "answer", "number", "raw", "refused"]

MEDIA = "application/vnd.allegro.public.v1+json"


def number(request: web.Request, name: str, default: int) -> int | None:
    """A parameter as a whole number; None where it is none."""
    text = request.query.get(name)
    if text is None:
        return default
    return int(text) if text.isdecimal() else None


def raw(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, headers={"Content-Type": MEDIA})


def answer(body: Json, status: int = 200) -> web.Response:
    return raw(msgspec.json.encode(body), status)


def refused(status: int, code: str, message: str, path: str | None = None) -> web.Response:
    error = {"code": code, "message": message, "details": None, "path": path, "userMessage": message}
    return answer({"errors": [error]}, status)
