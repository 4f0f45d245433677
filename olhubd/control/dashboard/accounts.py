"""Accounts: how each stands, fetching by hand, pausing, and signing in by a code."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from olhubd.control import accounts
from olhubd.control.asked import Fetching, Pausing, Resuming, Waiting
from olhubd.control.dashboard import health
from olhubd.control.dashboard.desk import Note
from olhubd.control.dashboard.page import Visit, button, page
from olhubd.control.records import SignInState
from olhubd.model import RunState

__all__ = ["ROUTES"]


async def listing(visit: Visit) -> dict[str, Any]:
    found = await accounts.standing(visit.hub)
    return {
        "accounts": found,
        "level": health.level,
        "calendar": sorted(
            ((account.sign_in_ends_at, account) for account in found if account.sign_in_ends_at is not None),
            key=lambda entry: entry[0],
        ),
    }


async def fetch(visit: Visit) -> tuple[str, Note | None]:
    """Wait a moment for the end; a longer run is seen in the import log."""
    name = visit.path["account"]
    run = (await visit.ask(accounts.fetch, body=Fetching(wait=10))).content.run
    if run is None:
        return _back(visit), Note("note.fetching", {"account": name})
    if run.state is RunState.FAILED:
        return _back(visit), Note("note.fetch-failed", {"account": name, "reason": run.error})
    return _back(visit), Note("note.fetched", {"account": name, "seen": run.seen, "added": run.added})


async def pause(visit: Visit) -> tuple[str, Note | None]:
    reason = visit.form.get("reason", "").strip()
    body = visit.checked(Pausing, reason=reason) if reason else Pausing()
    done = await visit.ask(accounts.pause, body=body)
    return _back(visit), Note("note.pause", {"account": done.name})


async def resume(visit: Visit) -> tuple[str, Note | None]:
    done = await visit.ask(accounts.resume, body=Resuming())
    return _back(visit), Note("note.resume", {"account": done.name})


async def begin(visit: Visit) -> tuple[str, Note | None]:
    await visit.ask(accounts.sign_in)
    return f"/accounts/{quote(visit.path['account'])}/sign-in", None


async def signing_in(visit: Visit) -> dict[str, Any]:
    found = await visit.ask(accounts.signing_in, Waiting())
    return {"signing": found, "pending": found.state is SignInState.PENDING}


def _back(visit: Visit) -> str:
    return visit.form.get("back", "/accounts")


ROUTES = (
    page("/accounts", "accounts.html", listing),
    page("/accounts/{account}/sign-in", "signin.html", signing_in),
    button("/accounts/{account}/fetch", fetch, limit=30.0),
    button("/accounts/{account}/pause", pause),
    button("/accounts/{account}/resume", resume),
    button("/accounts/{account}/sign-in", begin, limit=60.0),
)
