"""What waits for a person: held deliveries with their buttons, parked accounts, and records in quarantine."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from olhubd.control.api import deliveries, hold_causes, quarantine, stock_plans
from olhubd.control.api.accounts import standing
from olhubd.control.api.schema.accounts import AccountState
from olhubd.control.api.schema.base import DiscardRequest
from olhubd.control.api.schema.deliveries import AdoptRequest, DeliveriesQuery
from olhubd.control.api.schema.hold_causes import (
    CauseDecisionRow,
    DecideCauseRequest,
    DiscardCauseRequest,
    HoldCausesQuery,
)
from olhubd.control.api.schema.quarantine import QuarantineQuery
from olhubd.control.api.schema.stock_plans import StockPlansQuery
from olhubd.control.dashboard.page import PageRequest, button, older, page
from olhubd.control.dashboard.state import Notice
from olhubd.model import DeliveryState

__all__ = ["ROUTES"]


async def listing(visit: PageRequest) -> dict[str, Any]:
    """Two lists, each with its own place: `before` is that of the deliveries, `records` that of the quarantine."""
    asked = dict(visit.query)
    place = asked.pop("records", None)
    query = visit.checked(DeliveriesQuery, state=(DeliveryState.HOLD,), **asked)
    held = await visit.ask(deliveries.listing, query)
    causes = await visit.ask(hold_causes.listing, HoldCausesQuery(target=query.target))
    records = await visit.ask(
        quarantine.listing, visit.checked(QuarantineQuery, **({} if place is None else {"before": place}))
    )
    return {
        "causes": causes,
        "chosen": query.cause,
        "held": held.items,
        "older": older("/waiting", visit.query, held.next),
        "quarantine": records.items,
        "older_records": _older(visit.query, records.next),
        "plans": (await visit.ask(stock_plans.listing, StockPlansQuery(open=True))).items,
        "parked": [one for one in await standing(visit.hub) if one.state is AccountState.PARKED],
    }


def _older(asked: dict[str, str], records: int | None) -> str | None:
    return None if records is None else f"/waiting?{urlencode({**asked, 'records': str(records)})}#quarantine"


async def retry(visit: PageRequest) -> tuple[str, Notice | None]:
    done = await visit.ask(deliveries.retry)
    return visit.form.get("back", "/waiting"), Notice("note.retry", {"delivery": done.id})


async def release(visit: PageRequest) -> tuple[str, Notice | None]:
    done = await visit.ask(deliveries.release)
    return visit.form.get("back", "/waiting"), Notice("note.release", {"delivery": done.id})


async def adopt(visit: PageRequest) -> tuple[str, Notice | None]:
    """Another total needs a word, which is a box to tick."""
    body = visit.checked(AdoptRequest, **visit.filled("number", "despite_total"))
    done = await visit.ask(deliveries.adopt, body=body)
    return visit.form.get("back", "/waiting"), Notice("note.adopt", {"delivery": done.id, "number": body.number})


async def accept(visit: PageRequest) -> tuple[str, Notice | None]:
    done = await visit.ask(deliveries.accept)
    return visit.form.get("back", "/waiting"), Notice("note.accept", {"delivery": done.id})


async def discard(visit: PageRequest) -> tuple[str, Notice | None]:
    body = visit.checked(DiscardRequest, reason=visit.form.get("reason", "").strip())
    done = await visit.ask(deliveries.discard, body=body)
    return visit.form.get("back", "/waiting"), Notice("note.discard", {"delivery": done.id})


async def retry_all(visit: PageRequest) -> tuple[str, Notice | None]:
    return _told("note.all-retry", await visit.ask(hold_causes.retry, body=_until(visit)))


async def release_all(visit: PageRequest) -> tuple[str, Notice | None]:
    return _told("note.all-release", await visit.ask(hold_causes.release, body=_until(visit)))


async def discard_all(visit: PageRequest) -> tuple[str, Notice | None]:
    given: dict[str, Any] = visit.filled("until", "reason")
    body = visit.checked(DiscardCauseRequest, **given)
    return _told("note.all-discard", await visit.ask(hold_causes.discard, body=body))


def _until(visit: PageRequest) -> DecideCauseRequest:
    """The page says up to where it showed them: what came since is nobody's decision."""
    return visit.checked(DecideCauseRequest, **visit.filled("until"))


def _told(note: str, answer: CauseDecisionRow) -> tuple[str, Notice | None]:
    said = "note.all-some" if answer.refused or answer.left else note
    facts = {"done": answer.done, "refused": len(answer.refused), "left": answer.left}
    return "/waiting", Notice(said, facts)


async def read_again(visit: PageRequest) -> tuple[str, Notice | None]:
    done = await visit.ask(quarantine.retry)
    return "/waiting#quarantine", Notice("note.read-again", {"record": done.called})


async def give_up(visit: PageRequest) -> tuple[str, Notice | None]:
    body = visit.checked(DiscardRequest, reason=visit.form.get("reason", "").strip())
    done = await visit.ask(quarantine.discard, body=body)
    return "/waiting", Notice("note.given-up", {"record": done.called})


ROUTES = (
    page("/waiting", "waiting.html", listing),
    button("/deliveries/{delivery}/retry", retry),
    button("/deliveries/{delivery}/accept", accept),
    button("/deliveries/{delivery}/discard", discard),
    button("/deliveries/{delivery}/release", release),
    button("/deliveries/{delivery}/adopt", adopt, limit=20.0),
    button("/hold-causes/{cause}/retry", retry_all, limit=60.0),
    button("/hold-causes/{cause}/release", release_all, limit=60.0),
    button("/hold-causes/{cause}/discard", discard_all, limit=60.0),
    button("/quarantine/{record}/retry", read_again),
    button("/quarantine/{record}/discard", give_up),
)
