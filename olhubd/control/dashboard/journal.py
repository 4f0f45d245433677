"""The journal: everything that happened in words, with a tab for each account."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import msgspec

from olhubd.control.api import filters, journal
from olhubd.control.api.schema.journal import JournalQuery
from olhubd.control.dashboard.page import PageRequest, page
from olhubd.control.text.event_text import Severity
from olhubd.control.text.formatter import Formatter

__all__ = ["ROUTES"]


async def listing(visit: PageRequest) -> dict[str, Any]:
    asked = {name: value.strip() for name, value in visit.query.items()}
    found = await journal.pages(visit.hub, visit.checked(JournalQuery, **asked), visit.speech.voice)
    kept = {name: value for name, value in asked.items() if name not in ("account", "before")}
    return {
        "rows": [(entry, _facts(entry.data, visit.speech.voice)) for entry in found.items],
        "asked": asked,
        "accounts": sorted(await filters.known(visit.hub)),
        "severities": tuple(Severity),
        "tab": lambda name: "/journal" + (f"?{urlencode(both)}" if (both := _with(kept, name)) else ""),
        "looked_back_to": found.looked_back_to,
        "older": f"/journal?{urlencode({**asked, 'before': found.next})}" if found.next else None,
    }


def _with(kept: dict[str, str], account: str | None) -> dict[str, str]:
    return kept if account is None else {**kept, "account": account}


def _facts(data: msgspec.Raw, voice: Formatter) -> list[tuple[str, str]]:
    """What an event holds, as it was written but for reasons of ours."""
    facts: dict[str, Any] = msgspec.json.decode(data)
    return [
        (name, voice.reason_in(facts, name) if isinstance(value, str) else msgspec.json.encode(value).decode())
        for name, value in facts.items()
        if not name.endswith(("_code", "_values"))
    ]


ROUTES = (page("/journal", "journal.html", listing),)
