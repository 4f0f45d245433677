"""Signing in to an account: by a code on another device, or by this browser, which comes back here."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from aiohttp import web

from olhubd.control.api import sign_in
from olhubd.control.api.schema.sign_in import CallbackRequest, SignInQuery, SignInRequest, SignInState
from olhubd.control.dashboard.page import PageRequest, button, html, page, speech
from olhubd.control.dashboard.route import PageRoute
from olhubd.control.dashboard.state import Notice
from olhubd.control.http.context import CONTEXT
from olhubd.engine.access.redirect import CALLBACK, CallbackRefused
from olhubd.model import Scope

__all__ = ["ROUTES"]


async def begin(visit: PageRequest) -> tuple[str, Notice | None]:
    await visit.ask(sign_in.begin, body=visit.checked(SignInRequest, **visit.filled("flow")))
    return _page(visit), None


async def signing_in(visit: PageRequest) -> dict[str, Any]:
    found = await visit.ask(sign_in.state, SignInQuery())
    return {"signing": found, "pending": found.state is SignInState.PENDING}


async def returned(visit: PageRequest) -> tuple[str, Notice | None]:
    """The address that the browser was sent back to, by hand."""
    await visit.ask(sign_in.returned, body=visit.checked(CallbackRequest, **visit.filled("address")))
    return _page(visit), None


def _page(visit: PageRequest) -> str:
    return f"/accounts/{quote(visit.path['account'])}/sign-in"


async def callback(request: web.Request) -> web.StreamResponse:
    """Where a browser comes back to. No session is asked for: browsers send its cookie with nothing that another
    site led to, and the state of the sign-in says more than a cookie could."""
    signins = request.app[CONTEXT].signins
    words = speech(request)
    try:
        account = await signins.bring(request.query_string)
    except CallbackRefused as error:
        problem = words.voice.reason(str(error))
        answer = html(words, "callback.html", {"signing": None, "problem": problem}, 400)
    else:
        answer = html(words, "callback.html", {"signing": await signins.settled(account, sign_in.EXCHANGE)})
    # The address holds the code, which is of no use any more, and of no concern to whatever is opened next.
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


ROUTES = (
    page("/accounts/{account}/sign-in", "signin.html", signing_in, scope=Scope.OPERATE),
    button("/accounts/{account}/sign-in", begin, limit=60.0),
    button("/accounts/{account}/sign-in/return", returned, limit=60.0),
    PageRoute("GET", CALLBACK, callback),
)
