"""A page and a button: what surrounds every handler of the dashboard.

A page is a GET that gives a template with its values. A button is a POST of a form; it does one thing through the
API's own handler, leaves a note and sends the browser back. Whatever goes wrong becomes a page with its sentence.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec
from aiohttp import web

from olhubd import __version__
from olhubd.control.api.schema.base import Nothing
from olhubd.control.dashboard import rendering
from olhubd.control.dashboard.locale import PageLocale, chosen
from olhubd.control.dashboard.pictures import PagePictures
from olhubd.control.dashboard.route import PageRoute
from olhubd.control.dashboard.session import DashboardSession
from olhubd.control.dashboard.state import DESK, Notice, PageState
from olhubd.control.http import access, bodies, connections
from olhubd.control.http.context import CONTEXT
from olhubd.control.http.problem import Refusal, refusal
from olhubd.control.http.request_errors import wrong
from olhubd.control.http.routes import Call
from olhubd.engine.hub import Hub
from olhubd.model import DeliveryState, Scope
from olhubd.store import deliveries, quarantine, stock_plans
from olhubd.store.accounts import AccountState

__all__ = [
    "HEADERS",
    "PageRequest",
    "button",
    "file",
    "html",
    "local",
    "older",
    "page",
    "shown",
    "speech",
    "visitor",
]

A = TypeVar("A")
S = TypeVar("S", bound=msgspec.Struct)
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src {};"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": _POLICY.format("'self'"),
    # With no-referrer a browser sends `Origin: null` with our own forms too.
    "Referrer-Policy": "same-origin",
    "Vary": "Accept-Language, Cookie",
}


@dataclass(frozen=True)
class PageRequest:
    """One request of somebody who is logged in."""

    request: web.Request
    session: DashboardSession
    speech: PageLocale
    form: Mapping[str, str]

    @property
    def hub(self) -> Hub:
        return self.request.app[CONTEXT].hub

    @property
    def path(self) -> Mapping[str, str]:
        return self.request.match_info

    @property
    def query(self) -> dict[str, str]:
        """The parameters that say something; a form sends its empty fields too."""
        return {name: value for name, value in self.request.query.items() if value.strip()}

    async def ask(
        self,
        handler: Callable[[Call[Any, Any]], Awaitable[A]],
        query: msgspec.Struct | None = None,
        body: msgspec.Struct | None = None,
        **path: str,
    ) -> A:
        """What the API answers to the same question."""
        return await handler(
            Call(
                context=self.request.app[CONTEXT],
                query=query or Nothing(),
                body=body or Nothing(),
                path=_exact(path or self.path),
                who=self.session.who,
                headers=self.request.headers,
            )
        )

    def checked(self, into: type[S], **given: object) -> S:
        """Parameters of the API's own type. Raises Refusal with what is wrong."""
        try:
            return msgspec.convert(given, into, strict=False)
        except msgspec.ValidationError as error:
            raise wrong(error, "field", into) from None

    def may(self, scope: Scope) -> bool:
        """Whether the session allows as much; what it does not is not offered."""
        return self.session.holder.scope.allows(scope)

    def needs(self, scope: Scope) -> None:
        """Raises Refusal where the session allows less."""
        if not self.may(scope):
            raise access.too_narrow(self.session.holder, scope)

    def filled(self, *names: str) -> dict[str, str]:
        """Those fields of the form that somebody filled in."""
        return {name: text for name in names if (text := self.form.get(name, "").strip())}


def _exact(path: Mapping[str, str]) -> Mapping[str, str]:
    """A number in an address of ours is the hub's own, though a shop may have an order or product of it."""
    own = {name: f"#{path[name]}" for name in ("order", "product") if path.get(name, "").isdecimal()}
    return {**path, **own}


Button = Callable[[PageRequest], Awaitable[tuple[str, Notice | None] | web.Response]]
"""Gives where to go on and what to say there, or a page that can be seen this once."""


def page(
    path: str,
    template: str,
    handler: Callable[[PageRequest], Awaitable[dict[str, Any]]],
    *,
    scope: Scope = Scope.READ,
) -> PageRoute:
    """A page for anybody who is logged in. `scope` is what the session must allow."""

    async def handle(request: web.Request) -> web.StreamResponse:
        session = visitor(request)
        if session is None:
            return _to_login(request)
        visit = PageRequest(request, session, speech(request), {})
        try:
            visit.needs(scope)
            async with asyncio.timeout(10):
                return await shown(visit, template, await handler(visit))
        except Exception as error:
            return await _failed(visit, refusal(error, request))

    return PageRoute("GET", path, handle)


def file(path: str, handler: Callable[[PageRequest], Awaitable[web.Response]]) -> PageRoute:
    """A file to save, for anybody who is logged in."""

    async def handle(request: web.Request) -> web.StreamResponse:
        session = visitor(request)
        if session is None:
            return _to_login(request)
        visit = PageRequest(request, session, speech(request), {})
        try:
            async with asyncio.timeout(10):
                return await handler(visit)
        except Exception as error:
            return await _failed(visit, refusal(error, request))

    return PageRoute("GET", path, handle)


def button(
    path: str, handler: Button, *, limit: float = 10.0, scope: Scope = Scope.OPERATE, largest: int | None = None
) -> PageRoute:
    """Something that somebody who is logged in does. `limit` is in seconds, `scope` what the session must allow,
    `largest` how many bytes its form may have where it brings a file."""

    async def handle(request: web.Request) -> web.StreamResponse:
        session = visitor(request)
        if session is None:
            return _to_login(request)
        visit = PageRequest(request, session, speech(request), {})
        try:
            form = await bodies.form(request, largest)
            visit = replace(visit, form=form)
            if not hmac.compare_digest(form.get("form", "").encode(), session.form.encode()):
                raise Refusal(403, "cross-site", visit.speech.t("form.stale"))
            visit.needs(scope)
            async with asyncio.timeout(limit):
                done = await handler(visit)
        except Exception as error:
            return await _failed(visit, refusal(error, request))
        if isinstance(done, web.Response):
            return done
        back, note = done
        if note is not None:
            desk(request).leave(session.number, note)
        return web.Response(status=303, headers={**HEADERS, "Location": local(back)})

    return PageRoute("POST", path, handle)


def visitor(request: web.Request) -> DashboardSession | None:
    """Who is logged in, by the cookie."""
    sessions = desk(request).sessions
    session = sessions.check(request.cookies.get(sessions.cookie))
    if session is not None:
        connections.know(request)
    return session


def desk(request: web.Request) -> PageState:
    return request.app[DESK]


def speech(request: web.Request) -> PageLocale:
    zone = request.app[CONTEXT].hub.configuration.daemon.zone
    return PageLocale(
        chosen(request.headers.get("Accept-Language", "")), zone, request.app[CONTEXT].hub.clock.now()
    )


def local(target: str | None) -> str:
    """A path of ours, whatever a form or an address says."""
    if not target or not target.startswith("/") or target[1:2] in ("/", "\\") or not target.isprintable():
        return "/"
    return target


def older(path: str, asked: dict[str, str], before: int | None) -> str | None:
    """The address of the next page."""
    return None if before is None else f"{path}?{urlencode({**asked, 'before': str(before)})}"


def html(speech: PageLocale, template: str, values: dict[str, Any], status: int = 200) -> web.Response:
    pictures = PagePictures()
    text = rendering.render(template, speech, {"version": __version__, "pictures": pictures, **values})
    headers = {**HEADERS, "Content-Security-Policy": _POLICY.format(pictures.sources)}
    return web.Response(text=text, status=status, content_type="text/html", headers=headers)


def _to_login(request: web.Request) -> web.Response:
    back = "" if request.method != "GET" or request.path == "/" else f"?next={quote(request.path_qs, safe='')}"
    return web.Response(status=303, headers={**HEADERS, "Location": f"/login{back}"})


async def shown(visit: PageRequest, template: str, values: dict[str, Any], status: int = 200) -> web.Response:
    """The page with its frame."""
    fresh = "X-Live" in visit.request.headers  # the script asks again and shows no notes
    return html(
        visit.speech,
        template,
        {
            "at": visit.request.path,
            "here": visit.request.path_qs,
            "form": visit.session.form,
            "note": None if fresh else desk(visit.request).take(visit.session.number),
            "waits": await _waits(visit.hub),
            "sells": bool(visit.hub.in_force.stock()),
            "imports": any(one.products.read for one in visit.hub.configuration.accounts.values()),
            "may": visit.may,
            "scopes": Scope,
            "holder": visit.session.holder.name,
            **values,
        },
        status,
    )


async def _waits(hub: Hub) -> int:
    """How many things wait for a person."""
    reader = hub.database.reader
    owed = await deliveries.tally(reader)
    held = sum(count for (_, state), count in owed.items() if state is DeliveryState.HOLD)
    parked = sum(unit.row.state is AccountState.PARKED for unit in hub.units.values())
    plans = await stock_plans.open_count(reader) if hub.in_force.stock() else 0
    return held + parked + plans + sum((await quarantine.tally(reader)).values())


async def _failed(visit: PageRequest, problem: Refusal) -> web.Response:
    back = local(visit.form.get("back"))
    values = {
        "status": problem.status,
        "kind": problem.kind,
        "detail": visit.speech.voice.reason(str(problem)),
        "candidates": problem.extra.get("candidates", ()),
    }
    try:
        response = await shown(visit, "problem.html", {**values, "back": back}, problem.status)
    except Exception as error:  # the database itself, perhaps
        response = refusal(error, visit.request).response()
    response.headers.update(problem.headers)
    return response
