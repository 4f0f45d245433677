"""Access: the tokens that people made, making one and taking one away. For administrators alone.

The text of a new token is in the answer to the form and nowhere else, so a reload does not bring it again.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from olhubd.control.api import tokens
from olhubd.control.api.schema.tokens import TokenRequest
from olhubd.control.dashboard.page import PageRequest, button, page, shown
from olhubd.control.dashboard.state import Notice
from olhubd.model import Scope

__all__ = ["ROUTES"]

_DAY = 86_400
_LIFETIMES = (1, 7, 30, 90, 365)
"""Days that are offered; none of them is for good."""


async def listing(visit: PageRequest) -> dict[str, Any]:
    found = (await visit.ask(tokens.listing)).items
    return {"rows": found, "kinds": tuple(Scope), "lifetimes": _LIFETIMES, "made": None}


async def make(visit: PageRequest) -> web.Response:
    given: dict[str, Any] = visit.filled("name", "scope")
    if days := visit.filled("days"):
        given["lifetime"] = int(days["days"]) * _DAY if days["days"].isdecimal() else days["days"]
    done = (await visit.ask(tokens.make, body=visit.checked(TokenRequest, **given))).content
    values = {**await listing(visit), "made": done, "at": "/tokens", "here": "/tokens"}
    return await shown(visit, "tokens.html", values)


async def revoke(visit: PageRequest) -> tuple[str, Notice | None]:
    await visit.ask(tokens.revoke)
    return "/tokens", Notice("note.revoked", {"token": visit.path["token"]})


ROUTES = (
    page("/tokens", "tokens.html", listing, scope=Scope.ADMIN),
    button("/tokens", make, scope=Scope.ADMIN),
    button("/tokens/{token}/revoke", revoke, scope=Scope.ADMIN),
)
