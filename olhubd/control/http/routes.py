"""A route: method, path and a typed handler. What it takes and answers is read from the handler's annotations.

    async def listing(call: Call[OrdersQuery, Nothing]) -> OrderPage: ...

    ROUTES = (route("GET", "/api/v1/orders", listing),)

Parameters and bodies are checked strictly before the handler runs: an unknown name or an impossible value is
refused with its name, since a filter that is silently ignored shows the wrong orders.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, get_args, get_type_hints

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from olhubd.control.http import access, bodies
from olhubd.control.http.context import CONTEXT, Context
from olhubd.control.http.idempotency import once
from olhubd.control.http.problem import Refusal
from olhubd.control.http.request_errors import wrong
from olhubd.engine.hub import Hub
from olhubd.model import Reason, Scope, plain

__all__ = ["Call", "Endpoint", "Reply", "endpoint", "route"]

Q = TypeVar("Q", bound=msgspec.Struct)
B = TypeVar("B", bound=msgspec.Struct)
A = TypeVar("A", bound=msgspec.Struct)

_encode = msgspec.json.Encoder(enc_hook=plain).encode


@dataclass(frozen=True, kw_only=True)
class Call(Generic[Q, B]):
    """One request, checked. `who` is who asks, as written in the log of events.

    `still()` checks the permission again: a long answer (a stream) calls it, because the first check may be out of
    date.
    """

    context: Context
    query: Q
    body: B
    path: Mapping[str, str]
    who: str
    headers: Mapping[str, str]
    still: Callable[[], bool] = lambda: True

    @property
    def hub(self) -> Hub:
        return self.context.hub

    def number(self, name: str) -> int:
        """A part of the path that is an id of ours."""
        text = self.path[name]
        if not text.isascii() or not text.isdecimal() or len(text) > 18:
            raise Refusal(404, "not-found", Reason("request.number", text=f"{text!r}", what=name))
        return int(text)


@dataclass(frozen=True, kw_only=True)
class Reply(Generic[A]):
    """An answer with another status than 200."""

    content: A
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One route with all that is known of it; its description for programs is made from this alone.

    `limit` is for how many seconds it may take, `scope` what a token must allow, None that all may ask. `statuses`
    are those of answers, `refusals` those of problems beside the ones that any route may give. `media` is what it
    answers with, `secret` that its answer is kept nowhere. `text` is the handler's docstring.
    """

    method: str
    path: str
    handler: Callable[[Any], Awaitable[Any]]
    query: type[msgspec.Struct]
    body: type[msgspec.Struct]
    answer: Any
    limit: float
    scope: Scope | None
    text: str
    statuses: tuple[int, ...]
    refusals: tuple[int, ...]
    media: tuple[str, ...]
    secret: bool

    @property
    def summary(self) -> str:
        """The first sentence of its description."""
        return self.text.partition("\n")[0]


def route(
    method: str,
    path: str,
    handler: Callable[[Any], Awaitable[Any]],
    *,
    limit: float = 10.0,
    scope: Scope | None = None,
    open_to_all: bool = False,
    statuses: tuple[int, ...] = (200,),
    refusals: tuple[int, ...] = (),
    media: tuple[str, ...] = ("application/json",),
    secret: bool = False,
) -> Endpoint:
    """Describe a route. Without `scope`, what reads needs the scope read and all else operate."""
    hints = get_type_hints(handler)
    query, body = get_args(hints["call"])
    default = Scope.READ if method in ("GET", "HEAD") else Scope.OPERATE
    return Endpoint(
        method=method,
        path=path,
        handler=handler,
        query=query,
        body=body,
        answer=hints["return"],
        limit=limit,
        scope=None if open_to_all else scope or default,
        text=inspect.getdoc(handler) or "",
        statuses=statuses,
        refusals=refusals,
        media=media,
        secret=secret,
    )


def endpoint(route: Endpoint) -> Handler:
    """The handler as the web framework wants it."""

    async def handle(request: web.Request) -> web.StreamResponse:
        async with asyncio.timeout(route.limit):
            call: Call[Any, Any] = Call(
                context=request.app[CONTEXT],
                query=_query(request, route.query),
                body=await _body(request, route.body),
                path=request.match_info,
                who=access.who(request),
                headers=request.headers,
                still=functools.partial(access.still, request),
            )

            async def produce() -> web.Response:
                return _response(await route.handler(call))

            response = await once(request, call.who, route.secret, produce)
        return _tagged(request, response)

    return handle


def _response(result: Any) -> web.Response:
    if isinstance(result, web.Response):
        return result
    if isinstance(result, Reply):
        return _json(result.content, result.status, result.headers)
    return _json(result)


def _tagged(request: web.Request, response: web.Response) -> web.Response:
    """With a tag of its content, or 304 where who asks again has that already."""
    if request.method != "GET" or response.status != 200 or not isinstance(response.body, bytes):
        return response
    tag = hashlib.blake2b(response.body, digest_size=12).hexdigest()
    if {known.value for known in request.if_none_match or ()} & {tag, "*"}:
        response = web.Response(status=304)
    response.etag = tag
    return response


def _json(content: msgspec.Struct, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(
        body=_encode(content), status=status, headers=dict(headers or {}), content_type="application/json"
    )


def _query(request: web.Request, into: type[Q]) -> Q:
    many = _many(into)
    values: dict[str, str | Sequence[str]] = {}
    for name in request.query:
        found = request.query.getall(name)
        if name in many:
            values[name] = found
        elif len(found) > 1:
            raise Refusal(400, "parameter", f"{name} is given more than once", parameter=name)
        else:
            values[name] = found[0]
    try:
        return msgspec.convert(values, into, strict=False)
    except msgspec.ValidationError as error:
        raise wrong(error, "parameter", into) from None


@functools.cache
def _many(into: type[msgspec.Struct]) -> frozenset[str]:
    """The parameters that may be given more than once."""
    fields = msgspec.structs.fields(into)
    return frozenset(f.name for f in fields if getattr(f.type, "__origin__", None) is tuple)


async def _body(request: web.Request, into: type[B]) -> B:
    content = await bodies.content(request)
    if content and request.content_type != "application/json":
        raise Refusal(415, "content-type", "the body must be application/json")
    try:
        return msgspec.json.decode(content or b"{}", type=into)
    except msgspec.ValidationError as error:
        raise wrong(error, "field", into) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refusal(400, "body", "the body is not JSON") from None
