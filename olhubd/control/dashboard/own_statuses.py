"""The seller's own statuses as a page: the list with its words at accounts, and which side leads."""

from __future__ import annotations

from typing import Any

from olhubd.control.api import own_statuses
from olhubd.control.api.schema.own_statuses import OwnStatusRequest
from olhubd.control.dashboard.page import PageRequest, button, page
from olhubd.control.dashboard.state import Notice
from olhubd.control.http.problem import Refusal
from olhubd.model import Reason

__all__ = ["ROUTES"]

_SENDS, _FOLLOWS = "sends.", "follows."
"""Before the name of an account, in the fields of its words."""


async def listing(visit: PageRequest) -> dict[str, Any]:
    found = await visit.ask(own_statuses.listing)
    accounts = visit.hub.configuration.accounts
    return {
        "found": found,
        "sinks": [name for name, one in accounts.items() if "StatusSink" in one.connector.capabilities()],
        "feeds": [name for name, one in accounts.items() if "OrderFeed" in one.connector.capabilities()],
    }


async def add(visit: PageRequest) -> tuple[str, Notice | None]:
    """The field that names it is the only one that must be filled in."""
    name = visit.form.get("status", "").strip()
    if not name:
        raise Refusal(400, "parameter", Reason("request.status-name"), parameter="status")
    await visit.ask(own_statuses.change, body=visit.checked(OwnStatusRequest, **_given(visit)), status=name)
    return "/statuses", Notice("note.status-kept", {"status": name})


async def change(visit: PageRequest) -> tuple[str, Notice | None]:
    """All fields of the form are sent, so that one which was emptied is mapped no more."""
    await visit.ask(own_statuses.change, body=visit.checked(OwnStatusRequest, **_given(visit)))
    return "/statuses", Notice("note.status-kept", {"status": visit.path["status"]})


async def remove(visit: PageRequest) -> tuple[str, Notice | None]:
    await visit.ask(own_statuses.remove)
    return "/statuses", Notice("note.status-removed", {"status": visit.path["status"]})


def _given(visit: PageRequest) -> dict[str, Any]:
    form = {name: text.strip() for name, text in visit.form.items()}
    given: dict[str, Any] = dict(visit.filled("title", "position"))
    given["sends"] = {name.removeprefix(_SENDS): text for name, text in form.items() if name.startswith(_SENDS)}
    given["follows"] = {
        name.removeprefix(_FOLLOWS): [word for part in text.split(",") if (word := part.strip())]
        for name, text in form.items()
        if name.startswith(_FOLLOWS)
    }
    return given


ROUTES = (
    page("/statuses", "own_statuses.html", listing),
    button("/statuses", add),
    button("/statuses/{status}", change),
    button("/statuses/{status}/remove", remove),
)
