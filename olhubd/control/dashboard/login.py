"""The door: a token opens it for twelve hours at most, and a client that shows too many wrong ones must wait."""

from __future__ import annotations

import structlog
from aiohttp import web

from olhubd.control.dashboard.page import HEADERS, PageRequest, button, html, local, speech, visitor
from olhubd.control.dashboard.route import PageRoute
from olhubd.control.dashboard.session import LIFETIME
from olhubd.control.dashboard.state import DESK, Notice
from olhubd.control.http import bodies
from olhubd.control.http.context import CONTEXT
from olhubd.model import Scope

__all__ = ["ROUTES"]

_LOG = structlog.get_logger("olhubd.control")


async def form(request: web.Request) -> web.StreamResponse:
    back = local(request.query.get("next"))
    if visitor(request) is not None:
        return web.Response(status=303, headers={**HEADERS, "Location": back})
    return _form(request, back)


def _form(request: web.Request, back: str, problem: str | None = None, status: int = 200) -> web.Response:
    # Who has not logged in learns nothing of this machine, not even where its files are.
    return html(speech(request), "login.html", {"back": back, "problem": problem}, status)


async def enter(request: web.Request) -> web.StreamResponse:
    """Begin a session for who shows the token."""
    desk, words = request.app[DESK], speech(request)
    fields = await bodies.form(request)
    back = local(fields.get("next"))
    holder = request.app[CONTEXT].keyring.shown(fields.get("token", ""))
    if holder is None:
        source = request.remote or "the socket"
        if wait := desk.attempts.wait(source):
            refused = _form(request, back, words.t("login.limited", span=words.span(wait)), 429)
            refused.headers["Retry-After"] = str(wait)
            return refused
        desk.attempts.failed(source)
        _LOG.warning("a wrong token was shown to the dashboard", source=source)
        return _form(request, back, words.t("login.wrong"), 401)
    await request.app[CONTEXT].keyring.use(holder)
    response = web.Response(status=303, headers={**HEADERS, "Location": back})
    response.set_cookie(
        desk.sessions.cookie,
        desk.sessions.begin(holder),
        max_age=int(LIFETIME.total_seconds()),
        path="/",
        httponly=True,
        samesite="Strict",
        secure=request.secure,
    )
    return response


async def leave(visit: PageRequest) -> tuple[str, Notice | None]:
    """End the session, in every browser that has its cookie."""
    visit.request.app[DESK].sessions.end(visit.session)
    return "/login", None


ROUTES = (
    PageRoute("GET", "/login", form),
    PageRoute("POST", "/login", enter),
    button("/logout", leave, scope=Scope.READ),
)
