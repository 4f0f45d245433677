"""Style, script and icon, read once. Their addresses change with their content, so browsers keep them for good."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from aiohttp import web

from olhubd.control.dashboard.route import PageRoute

__all__ = ["ROUTES", "STATIC", "address"]

STATIC = Path(__file__).parent / "static"
_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@cache
def _file(name: str) -> tuple[bytes, str]:
    content = (STATIC / name).read_bytes()
    return content, hashlib.blake2b(content, digest_size=8).hexdigest()


def address(name: str) -> str:
    """Where a browser finds the file as it is now."""
    return f"/static/{name}?v={_file(name)[1]}"


async def static(request: web.Request) -> web.StreamResponse:
    """Open to all: the login page needs them."""
    name = request.match_info["name"]
    if name not in {path.name for path in STATIC.iterdir()}:
        raise web.HTTPNotFound
    content, digest = _file(name)
    response = web.Response(body=content, content_type=_KINDS[Path(name).suffix], charset="utf-8")
    if request.query.get("v") == digest:
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    response.enable_compression()
    return response


ROUTES = (PageRoute("GET", "/static/{name}", static),)
