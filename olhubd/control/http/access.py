"""Who may ask what: everybody about health, holders of a token over TCP, local users over the Unix socket.

The socket asks the kernel who is there: the daemon's own user and root may do everything, members of the daemon's
group what the configuration says. A browser is never trusted to speak for the person before it: writes from other
sites are refused.
"""

from __future__ import annotations

import array
import contextlib
import os
import pwd
import secrets
import socket
import stat
import struct
from collections.abc import Mapping
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler
from yarl import URL

from olhubd.config import Configuration
from olhubd.control.http import connections, host_names
from olhubd.control.http.api_tokens import TokenHolder
from olhubd.control.http.context import CONTEXT
from olhubd.control.http.problem import Refusal
from olhubd.model import Reason, Scope

__all__ = ["PAGES", "SCOPES", "TOKEN_FILE", "guard", "load_or_make_token", "still", "too_narrow", "who"]

TOKEN_FILE = "control.token"
PAGES: web.AppKey[frozenset[str]] = web.AppKey("pages", frozenset)
"""Routes for browsers, which have a door of their own: a session, and never the mere fact of the socket."""
SCOPES: web.AppKey[Mapping[tuple[str, str], Scope | None]] = web.AppKey("scopes", Mapping)
"""What a token must allow for a method and path of ours; None where nobody is asked for one."""
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_SO_PEERGROUPS = 59
_HOLDER = web.RequestKey("holder", TokenHolder)


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
    """Refuse who may not ask, what they may not do, and what a foreign page made a browser send."""
    host_names.check(request, request.app[CONTEXT].hub.configuration.control)
    resource = request.match_info.route.resource
    if resource is None or resource.canonical not in request.app[PAGES]:
        needed = _needed(request)
        if needed is not None:
            holder = await _authenticate(request)
            if not holder.scope.allows(needed):
                raise too_narrow(holder, needed)
            request[_HOLDER] = holder
            connections.know(request)
    if request.method not in _SAFE:
        _same_site(request)
    return await handler(request)


def _needed(request: web.Request) -> Scope | None:
    """What a token must allow here. A route that says nothing of itself, a plugin's, goes by its method."""
    resource = request.match_info.route.resource
    default = Scope.READ if resource is None or request.method in _SAFE else Scope.OPERATE
    return request.app[SCOPES].get((request.method, resource.canonical if resource else ""), default)


def too_narrow(holder: TokenHolder, needed: Scope) -> Refusal:
    """The refusal of somebody who may do less than this."""
    challenge = {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{needed.value}"'}
    detail = Reason("request.scope", needed=needed.value, who=_called(holder), scope=holder.scope.value)
    return Refusal(403, "scope", detail, challenge)


def _called(holder: TokenHolder) -> str:
    return holder.who if holder.name is None else Reason("token-named", token=holder.name)


def who(request: web.Request) -> str:
    """Who asks, as written in the log of events."""
    holder = request.get(_HOLDER)
    return holder.who if holder else "nobody"


def still(request: web.Request) -> bool:
    """Whether who asked might ask now: a token may be revoked or expire while a long answer goes on."""
    holder = request.get(_HOLDER)
    return holder is None or not holder.mark or request.app[CONTEXT].keyring.marked(holder.mark) is not None


async def _authenticate(request: web.Request) -> TokenHolder:
    context = request.app[CONTEXT]
    peer = _peer(request)
    if peer is not None:
        scope = _granted(*peer, context.hub.configuration.control.group_scope)
        if scope is not None:
            return TokenHolder(name=None, who=_name(peer[0]), scope=scope, mark="")
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not shown.strip():
        raise Refusal(401, "token", "a bearer token is needed", {"WWW-Authenticate": "Bearer"})
    source = request.remote or f"user {peer[0] if peer else 'unknown'}"
    holder = context.keyring.shown(shown)
    if holder is None:
        # The right one opens always: strangers can come from the same address, as all do behind a proxy.
        if wait := context.attempts.wait(source):
            raise Refusal(429, "limited", "too many wrong tokens came from there", {"Retry-After": str(wait)})
        context.attempts.failed(source)
        wrong = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        raise Refusal(401, "token", "the bearer token is wrong, expired or revoked", wrong)
    await context.keyring.use(holder)
    return holder


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


def _granted(uid: int, groups: frozenset[int], group_scope: Scope) -> Scope | None:
    """What somebody at the socket may do without a token; None for strangers."""
    if uid in (0, os.geteuid()):
        return Scope.ADMIN
    return group_scope if os.getegid() in groups else None


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
