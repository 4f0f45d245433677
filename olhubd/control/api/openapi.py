"""The description of the endpoint for programs, OpenAPI 3.1, made of the routes and the types that check requests.

Nothing is written here about any route: what a handler takes and answers is in its annotations, what it does in its
docstring. Routes of plugins are left out by rule: they check what they get themselves, and describe it themselves.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from functools import cache
from http import HTTPStatus
from types import UnionType
from typing import Any, get_args, get_origin

import msgspec
from aiohttp import web

from olhubd import __version__
from olhubd.control.api.schema.base import Nothing
from olhubd.control.api.schema.problem import Problem
from olhubd.control.http.idempotency import HEADER
from olhubd.control.http.routes import Call, Endpoint, Reply, route
from olhubd.model import plain

__all__ = ["DOCUMENT", "document", "routes"]

DOCUMENT: web.AppKey[Callable[[], dict[str, Any]]] = web.AppKey("openapi", Callable)  # type: ignore[arg-type]
"""Gives the description; it is made when somebody first asks."""

_PREFIX = "#/components/schemas/"
_ALWAYS = (400, 429, 500, 503, 504)
_GUARDED = (401, 403)
_WRITES = (408, 409, 413, 415, 422)
_NAMED = (404, 409)
"""Where the path names something: it is not there, the name is ambiguous, or it is not possible now."""
_ABOUT = """The control endpoint of olhubd: how it stands, what it does, and steering it.

Errors are problem+json. Times are UTC, money is an exact decimal text with its currency. Unknown parameters and
fields are refused. Answers may get further fields; ignore those you do not know."""


def routes(every: Callable[[], Sequence[Endpoint]]) -> tuple[Endpoint, ...]:
    """The route of the description itself. `every` gives all routes that it describes."""

    async def description(call: Call[Nothing, Nothing]) -> web.Response:
        """This description, OpenAPI 3.1."""
        return web.Response(body=_encoded(tuple(every())), content_type="application/json")

    return (route("GET", "/api/v1/openapi.json", description),)


@cache
def _encoded(described: tuple[Endpoint, ...]) -> bytes:
    return msgspec.json.encode(document(described), enc_hook=plain)


@cache
def document(described: tuple[Endpoint, ...]) -> dict[str, Any]:
    """The description of these routes."""
    types = {kind for one in described for kind in (_answer(one), one.body, one.query) if _is_schema(kind)}
    ordered = sorted(types | {Problem}, key=str)
    schemas, components = msgspec.json.schema_components(ordered, ref_template=_PREFIX + "{name}")
    refs = dict(zip(ordered, schemas, strict=True))
    paths: dict[str, Any] = {}
    for one in described:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, refs, components)
    for kind in {one.query for one in described}:  # their fields are in the routes
        components.pop(refs[kind]["$ref"].removeprefix(_PREFIX), None)
    made = {
        "openapi": "3.1.0",
        "info": {"title": "olhubd", "version": __version__, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": {name: _clean(schema) for name, schema in sorted(components.items())},
            "responses": {str(status): _problem(status) for status in sorted(_statuses(described))},
            "parameters": {
                "IdempotencyKey": {
                    "name": HEADER,
                    "in": "header",
                    "description": "Asked again with the same key within a day, it is answered and not done again.",
                    "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
                }
            },
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token of `olhubd token create`, or the control token of the configuration.",
                }
            },
        },
    }
    # Tuples are no arrays to who checks it.
    whole: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(made, enc_hook=plain))
    return whole


def _operation(one: Endpoint, refs: dict[Any, Any], components: dict[str, Any]) -> dict[str, Any]:
    summary, _, more = one.text.partition("\n\n")
    summary = " ".join(summary.split())
    operation: dict[str, Any] = {
        "operationId": _name(one),
        "tags": [_tag(one.path)],
        "summary": summary or _name(one).replace("_", " "),
        "responses": {
            **{str(status): _done(one, status, refs) for status in one.statuses},
            **{
                str(status): {"$ref": f"#/components/responses/{status}"}
                for status in _refusals(one)
                if status not in one.statuses
            },
        },
    }
    if more:
        operation["description"] = more
    operation["security"] = [] if one.scope is None else [{"bearer": [one.scope.value]}]
    if parameters := [*_parts(one.path), *_query(components[refs[one.query]["$ref"].removeprefix(_PREFIX)])]:
        operation["parameters"] = parameters
    if one.method not in ("GET", "HEAD"):
        operation.setdefault("parameters", []).append({"$ref": "#/components/parameters/IdempotencyKey"})
    elif one.statuses == (200,):
        operation["responses"]["304"] = {"description": "Not changed since it had the ETag in If-None-Match"}
    if one.body is not Nothing:
        required = any(field.required for field in msgspec.structs.fields(one.body))
        operation["requestBody"] = {
            "required": required,
            "content": {"application/json": {"schema": refs[one.body]}},
        }
    return operation


def _name(one: Endpoint) -> str:
    """`accounts_fetch`: the handler's module and name."""
    return f"{one.handler.__module__.rpartition('.')[2]}_{one.handler.__name__}"


def _tag(path: str) -> str:
    parts = path.removeprefix("/api/v1").strip("/").split("/")
    return parts[0] if path.startswith("/api/v1/") else "health"


def _answer(one: Endpoint) -> Any:
    """What a handler answers, without the wrapping that carries its status, and without a stream beside it."""
    if isinstance(one.answer, UnionType):
        return next(kind for kind in get_args(one.answer) if _is_schema(kind))
    return get_args(one.answer)[0] if get_origin(one.answer) is Reply else one.answer


def _is_schema(kind: Any) -> bool:
    return not (inspect.isclass(kind) and issubclass(kind, web.StreamResponse))


def _done(one: Endpoint, status: int, refs: dict[Any, Any]) -> dict[str, Any]:
    answer = _answer(one)
    schema = refs[answer] if _is_schema(answer) else None
    return {
        "description": HTTPStatus(status).phrase,
        "content": {
            media: {"schema": ({} if schema is None else schema) if "json" in media else {"type": "string"}}
            for media in one.media
        },
    }


def _refusals(one: Endpoint) -> list[int]:
    found = {*_ALWAYS, *one.refusals}
    if one.scope is not None:
        found.update(_GUARDED)
    if one.method not in ("GET", "HEAD"):
        found.update(_WRITES)
    if "{" in one.path:
        found.update(_NAMED)
    return sorted(found)


def _statuses(described: Sequence[Endpoint]) -> set[int]:
    return {status for one in described for status in _refusals(one)}


def _problem(status: int) -> dict[str, Any]:
    response: dict[str, Any] = {
        "description": HTTPStatus(status).phrase,
        "content": {"application/problem+json": {"schema": {"$ref": f"{_PREFIX}Problem"}}},
    }
    if status == HTTPStatus.BAD_REQUEST:  # what is no HTTP, or has a line that is too long, reaches no route
        response["content"]["text/plain"] = {"schema": {"type": "string"}}
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        seconds = {"type": "integer", "minimum": 1}
        response["headers"] = {"Retry-After": {"description": "Seconds to wait.", "schema": seconds}}
    return response


def _parts(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in re.findall(r"{(\w+)}", path)
    ]


def _query(schema: dict[str, Any]) -> list[dict[str, Any]]:
    required = schema.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _without_null(_clean(of))}
        for name, of in schema.get("properties", {}).items()
    ]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is left out and never null."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key != "anyOf" and (key, value) != ("default", None)}
    if not kinds:
        return rest
    return {**rest, **kinds[0]} if len(kinds) == 1 else {**rest, "anyOf": kinds}


def _clean(schema: dict[str, Any]) -> dict[str, Any]:
    """Docstrings as they read, without their indentation."""
    if "description" in schema:
        return {**schema, "description": inspect.cleandoc(schema["description"])}
    return schema
