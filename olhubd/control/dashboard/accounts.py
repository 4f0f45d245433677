"""Accounts: the state of each, fetching and comparing by hand, pausing, names and removing."""

from __future__ import annotations

from typing import Any

from olhubd.control.api import accounts, alarms
from olhubd.control.api.schema.accounts import FetchRequest, PauseRequest, RenameRequest, ResumeRequest
from olhubd.control.api.schema.alarms import ReconcileRequest
from olhubd.control.dashboard import health
from olhubd.control.dashboard.page import PageRequest, button, page
from olhubd.control.dashboard.state import Notice
from olhubd.model import RunState, Scope
from olhubd.plugin import PluginError

__all__ = ["ROUTES"]


async def listing(visit: PageRequest) -> dict[str, Any]:
    every = await visit.ask(accounts.listing)
    found = every.items
    return {
        "accounts": found,
        "gone": every.gone,
        "level": health.level,
        "calendar": sorted(
            ((account.sign_in_ends_at, account) for account in found if account.sign_in_ends_at is not None),
            key=lambda entry: entry[0],
        ),
    }


async def fetch(visit: PageRequest) -> tuple[str, Notice | None]:
    """Wait a moment for the end; a longer run is seen in the import log."""
    if "products" in visit.form:
        return await _products(visit)
    name = visit.path["account"]
    run = (await visit.ask(accounts.fetch, body=FetchRequest(wait=10))).content.run
    if run is None:
        return _back(visit), Notice("note.fetching", {"account": name})
    if run.state is RunState.FAILED:
        reason = visit.speech.voice.reason(run.error or "")
        return _back(visit), Notice("note.fetch-failed", {"account": name, "reason": reason})
    return _back(visit), Notice("note.fetched", {"account": name, "seen": run.seen, "added": run.added})


async def _products(visit: PageRequest) -> tuple[str, Notice | None]:
    """Read its products instead. One that fails says why where its history is, with the way out."""
    name, back = visit.path["account"], _back(visit)
    given: dict[str, Any] = visit.filled("products", "full", "accept_gone")
    try:
        run = (await visit.ask(accounts.fetch, body=visit.checked(FetchRequest, wait=10, **given))).content.run
    except PluginError as error:
        reason = visit.speech.voice.reason(str(error))
        return back, Notice("note.import-failed", {"account": name, "reason": reason})
    if run is None:
        return back, Notice("note.importing", {"account": name})
    values = {"account": name, "seen": run.seen, "added": run.added, "changed": run.changed}
    return back, Notice("note.imported", values)


async def pause(visit: PageRequest) -> tuple[str, Notice | None]:
    reason = visit.form.get("reason", "").strip()
    body = visit.checked(PauseRequest, reason=reason) if reason else PauseRequest()
    done = await visit.ask(accounts.pause, body=body)
    return _back(visit), Notice("note.pause", {"account": done.name})


async def resume(visit: PageRequest) -> tuple[str, Notice | None]:
    """`moved` is a box to tick, shown where another system answers than the account belongs to."""
    done = await visit.ask(accounts.resume, body=visit.checked(ResumeRequest, **visit.filled("moved")))
    return _back(visit), Notice("note.resume", {"account": done.name})


async def rename(visit: PageRequest) -> tuple[str, Notice | None]:
    """Without a title, that of the configuration is shown again."""
    done = await visit.ask(accounts.rename, body=visit.checked(RenameRequest, **visit.filled("title")))
    return _back(visit), Notice("note.rename", {"account": done.name, "title": done.title})


async def remove(visit: PageRequest) -> tuple[str, Notice | None]:
    await visit.ask(accounts.remove)
    return "/accounts", Notice("note.remove", {"account": visit.path["account"]})


async def reconcile(visit: PageRequest) -> tuple[str, Notice | None]:
    """Compare the last whole day with the source."""
    done = await visit.ask(alarms.reconcile, body=ReconcileRequest())
    values = {"account": done.account, "day": done.day, "source": done.source, "hub": done.hub}
    return _back(visit), Notice("note.reconcile", values)


def _back(visit: PageRequest) -> str:
    return visit.form.get("back", "/accounts")


ROUTES = (
    page("/accounts", "accounts.html", listing),
    button("/accounts/{account}/fetch", fetch, limit=30.0),
    button("/accounts/{account}/pause", pause),
    button("/accounts/{account}/resume", resume),
    button("/accounts/{account}/rename", rename),
    button("/accounts/{account}/remove", remove, scope=Scope.ADMIN),
    button("/accounts/{account}/reconcile", reconcile, limit=60.0),
)
