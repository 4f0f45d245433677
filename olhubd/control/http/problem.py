"""Answers that are none: every failure becomes problem+json (RFC 9457), here and nowhere else.

What a person may read of an error is sent; an unforeseen error is logged, and answered without its text.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from olhubd.config import ConfigurationError
from olhubd.control.api.schema.problem import Problem
from olhubd.control.http.context import CONTEXT
from olhubd.engine.errors import NotPossible
from olhubd.engine.feed.poller import FetchRefused
from olhubd.engine.operator.deliveries import TotalDiffers
from olhubd.model import Reason, plain
from olhubd.plugin import PluginError
from olhubd.store import FAILURES

__all__ = ["Refusal", "middleware", "refusal"]

_KIND = "urn:olhubd:problem:"


class Refusal(Exception):
    """A request that is not carried out. `kind` is a word for programs; see docs/api.md for all of them."""

    def __init__(
        self, status: int, kind: str, detail: str, headers: Mapping[str, str] | None = None, **extra: Any
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.headers = headers or {}
        self.extra = extra

    def response(self) -> web.Response:
        problem = Problem(
            type=_KIND + self.kind,
            title=HTTPStatus(self.status).phrase,
            status=self.status,
            detail=str(self) or None,
            **self.extra,
        )
        return web.Response(
            status=self.status,
            body=msgspec.json.encode(problem, enc_hook=plain),
            content_type="application/problem+json",
            headers=dict(self.headers),
        )


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever goes wrong further in into a problem."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _http(error, request).response()
    except Exception as error:
        return refusal(error, request).response()


def refusal(error: Exception, request: web.Request) -> Refusal:
    """What an error of a handler means for who asked. One that nobody foresaw is logged here."""
    if isinstance(error, Refusal):
        return error
    known = _known(error, request)
    if known is None:
        log = request.app[CONTEXT].log
        log.error("request failed", method=request.method, route=_route(request), exc_info=error)
        known = Refusal(500, "internal", Reason("problem.internal"))
    return known


def _http(error: web.HTTPException, request: web.Request) -> Refusal:
    match error:
        case web.HTTPMethodNotAllowed():
            allowed = ", ".join(sorted(error.allowed_methods))
            return Refusal(
                405, "method", f"{request.method} is not possible here, only {allowed}", {"Allow": allowed}
            )
        case web.HTTPNotFound():
            return Refusal(404, "not-found", f"there is nothing at {request.path}")
        case web.HTTPRequestEntityTooLarge():
            return Refusal(413, "too-large", "the body is too large")
    return Refusal(error.status, "request", error.reason)


def _known(error: Exception, request: web.Request) -> Refusal | None:
    match error:
        case FetchRefused():
            seconds = (error.again_at - request.app[CONTEXT].hub.clock.now()).total_seconds()
            return Refusal(429, "limited", str(error), {"Retry-After": str(max(1, math.ceil(seconds)))})
        case TotalDiffers():
            return Refusal(409, "differs", str(error))
        case NotPossible():
            return Refusal(409, "not-possible", str(error))
        case ConfigurationError():
            found = tuple(map(str, error.problems))
            return Refusal(422, "configuration", "the configuration is wrong; the old one stays", problems=found)
        case PluginError():
            return Refusal(502, "remote", str(error))
        case TimeoutError():
            return Refusal(504, "time-out", Reason("problem.time-out"))
        case _ if isinstance(error, FAILURES):
            return Refusal(503, "database", Reason("problem.database"))
    return None


def _route(request: web.Request) -> str:
    """The route and not the path, which may hold somebody's order number."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else "unknown"
