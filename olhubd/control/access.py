"""Who may ask: everybody about health, the holders of the token over TCP, local users over the Unix socket.

The socket asks the kernel who is there: the daemon's own user, root, and members of the daemon's group need no
token. A browser is never trusted to speak for the person before it: writes from other sites are refused.
"""

from __future__ import annotations

import array
import contextlib
import hmac
import os
import pwd
import secrets
import socket
import stat
import struct
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler
from yarl import URL

from olhubd.config import Configuration
from olhubd.control.context import CONTEXT
from olhubd.control.problem import Refusal

__all__ = ["OPEN", "PAGES", "TOKEN_FILE", "guard", "load_or_make_token", "who"]

TOKEN_FILE = "control.token"
OPEN = frozenset({"/healthz", "/readyz"})
PAGES: web.AppKey[frozenset[str]] = web.AppKey("pages", frozenset)
"""Routes for browsers, which have a door of their own: a session, and never the mere fact of the socket."""
_SAFE = frozenset({"GET", "HEAD"})
_SO_PEERGROUPS = 59
_WHO = web.RequestKey("who", str)


def load_or_make_token(configuration: Configuration) -> str:
    """The token of the configuration, or one of our own making that is kept in the data directory."""
    if configuration.control.token is not None:
        return configuration.control.token.get_secret_value()
    path = configuration.daemon.data / TOKEN_FILE
    with contextlib.suppress(FileNotFoundError):
        if stat.S_IMODE(path.stat().st_mode) != 0o600:
            path.chmod(0o600)
        token = path.read_text(encoding="ascii", errors="replace").strip()
        if not (token.isascii() and token.isprintable()):
            raise OSError(f"{path} holds no token: remove it, and a new one is made")
        if token:
            return token
        path.unlink()
    return _make(path)


def _make(path: Path) -> str:
    token = secrets.token_urlsafe(32)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(token + "\n")
        file.flush()
        os.fsync(descriptor)
    return token


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse who may not ask, and writes that a foreign page made a browser send."""
    resource = request.match_info.route.resource
    pages = request.app[PAGES]
    if resource is None or resource.canonical not in OPEN | pages:
        request[_WHO] = _authenticate(request)
    if request.method not in _SAFE:
        _same_site(request)
    return await handler(request)


def who(request: web.Request) -> str:
    """Who asks, as it stands in the log of events."""
    name: str = request.get(_WHO, "nobody")
    return name


def _authenticate(request: web.Request) -> str:
    peer = _peer(request)
    if peer is not None and _trusted(*peer):
        return _name(peer[0])
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not shown:
        raise Refusal(401, "token", "a bearer token is needed", {"WWW-Authenticate": "Bearer"})
    if not hmac.compare_digest(shown.strip().encode(errors="surrogateescape"), request.app[CONTEXT].token.encode()):
        wrong = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        raise Refusal(401, "token", "the bearer token is wrong", wrong)
    return "token"


def _peer(request: web.Request) -> tuple[int, frozenset[int]] | None:
    """User and groups at the other end of a Unix socket; None over TCP."""
    end = request.transport.get_extra_info("socket") if request.transport else None
    if end is None or end.family != socket.AF_UNIX:
        return None
    size = struct.calcsize("3i")
    _pid, uid, gid = struct.unpack("3i", end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    groups = array.array("I")
    with contextlib.suppress(OSError):  # more than fit: then only the first group counts
        groups.frombytes(end.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, 1024))
    return uid, frozenset({gid, *groups})


def _trusted(uid: int, groups: frozenset[int]) -> bool:
    return uid in (0, os.geteuid()) or os.getegid() in groups


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _same_site(request: web.Request) -> None:
    site = request.headers.get("Sec-Fetch-Site", "none")
    origin = request.headers.get("Origin")
    if site not in ("none", "same-origin") or (origin is not None and not _ours(origin, request.host)):
        raise Refusal(403, "cross-site", "a page of another site may not do this")


def _ours(origin: str, host: str) -> bool:
    with contextlib.suppress(ValueError):
        return URL(origin).raw_authority == host
    return False
