"""The description of the endpoint as a page, for authors of programs. Its words are those of the API."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from aiohttp import web

from olhubd.control.api.openapi import DOCUMENT
from olhubd.control.dashboard.page import HEADERS, PageRequest, file, page

__all__ = ["ROUTES"]


async def manual(visit: PageRequest) -> dict[str, Any]:
    """All routes by what they are about, each with what it takes, answers and refuses."""
    document = visit.request.app[DOCUMENT]()
    told = sorted(_operations(document), key=lambda one: one["tag"])
    return {
        "about": document["info"]["description"],
        "groups": [(tag, list(group)) for tag, group in groupby(told, key=lambda one: one["tag"])],
        "schemas": [
            (name, schema.get("description", ""), _fields(schema), schema.get("enum"))
            for name, schema in document["components"]["schemas"].items()
        ],
    }


async def download(visit: PageRequest) -> web.Response:
    """The same as a file; the API's own route of it asks for a token, which a browser does not show."""
    return web.json_response(visit.request.app[DOCUMENT](), headers=HEADERS)


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            yield {
                "tag": operation["tags"][0],
                "id": operation["operationId"],
                "method": method.upper(),
                "path": path,
                "summary": operation["summary"],
                "more": operation.get("description", ""),
                "scope": next((scope for one in operation["security"] for scope in one["bearer"]), None),
                "parameters": [
                    (one["name"], one["in"], _type(one["schema"]), one["required"], one["schema"].get("default"))
                    for one in operation.get("parameters", ())
                    if "$ref" not in one
                ],
                "body": _type(body) if body else None,
                "answers": [
                    (status, media, _type(content["schema"]))
                    for status, answer in operation["responses"].items()
                    for media, content in answer.get("content", {}).items()
                ],
                "refusals": [status for status, answer in operation["responses"].items() if "$ref" in answer],
            }


def _fields(schema: dict[str, Any]) -> list[tuple[str, str, bool, Any]]:
    required = schema.get("required", ())
    return [
        (name, _type(of), name in required, of.get("default")) for name, of in schema.get("properties", {}).items()
    ]


def _type(schema: dict[str, Any]) -> str:
    """A schema in a few words: `OrderRow`, `array of string`, `integer or null`, `string (date-time)`."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(map(_type, schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    kind = str(schema.get("type", "any"))
    if kind == "array" and isinstance(schema.get("items"), dict):
        return f"array of {_type(schema['items'])}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_type(schema['additionalProperties'])}"
    return f"{kind} ({schema['format']})" if "format" in schema else kind


ROUTES = (page("/api", "manual.html", manual), file("/api/openapi.json", download))
