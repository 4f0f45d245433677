"""The settings of one account as a form. What the file pins is shown and cannot be changed there."""

from __future__ import annotations

from typing import Any

from olhubd.control.api import account_settings
from olhubd.control.api.schema.account_settings import SettingsRequest
from olhubd.control.dashboard.page import PageRequest, button, page
from olhubd.control.dashboard.state import Notice

__all__ = ["ROUTES"]

_SET, _WAS = "set.", "was."
"""Before the key of a setting: what somebody wrote, and what the form was shown with."""


async def listing(visit: PageRequest) -> dict[str, Any]:
    found = await visit.ask(account_settings.listing)
    title = visit.hub.configuration.accounts[found.account].title
    row = visit.hub.units[found.account].row if found.account in visit.hub.units else None
    return {"account": found.account, "title": (row.title if row else None) or title, "items": found.items}


async def change(visit: PageRequest) -> tuple[str, Notice | None]:
    """Only what somebody changed in the form is set; an empty field lets the weaker places count again."""
    account, form = visit.path["account"], visit.form
    written = {name.removeprefix(_SET): text.strip() for name, text in form.items() if name.startswith(_SET)}
    values = {key: text or None for key, text in written.items() if text != form.get(_WAS + key, "").strip()}
    back = visit.form.get("back", f"/accounts/{account}/settings")
    if not values:
        return back, Notice("note.nothing-set", {"account": account})
    given = {key: text for key, text in values.items() if text is not None}
    body = visit.checked(SettingsRequest, values=given, unset=[key for key in values if key not in given])
    await visit.ask(account_settings.change, body=body)
    return back, Notice("note.settings", {"account": account, "keys": ", ".join(values)})


ROUTES = (
    page("/accounts/{account}/settings", "account_settings.html", listing),
    button("/accounts/{account}/settings", change, limit=60.0),
)
