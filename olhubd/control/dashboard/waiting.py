"""What waits for a person: held deliveries with their buttons, parked accounts, and records in quarantine."""

from __future__ import annotations

from typing import Any

from olhubd.control import deliveries, runs
from olhubd.control.accounts import standing
from olhubd.control.asked import DeliveriesQuery, QuarantineQuery, Reason
from olhubd.control.dashboard.desk import Note
from olhubd.control.dashboard.page import Visit, button, older, page
from olhubd.control.records import AccountState, DeliveryRow
from olhubd.model import Action, Delivery, DeliveryState

__all__ = ["ROUTES", "advice"]


async def listing(visit: Visit) -> dict[str, Any]:
    asked = visit.query
    query = visit.checked(DeliveriesQuery, state=(DeliveryState.HOLD,), **asked)
    held = await visit.ask(deliveries.listing, query)
    return {
        "held": held.items,
        "older": older("/waiting", asked, held.next),
        "quarantine": (await visit.ask(runs.refused, QuarantineQuery())).items,
        "parked": [one for one in await standing(visit.hub) if one.state is AccountState.PARKED],
        "advice": advice,
    }


def advice(delivery: DeliveryRow | Delivery) -> str:
    """What to do about a held delivery: a key of the catalogue. The reason itself says what is wrong."""
    if delivery.action is Action.AMEND_ORDER:
        return "advice.amend"
    if delivery.action is Action.CANCEL_ORDER:
        return "advice.cancel"
    return "advice.retry" if delivery.external_id is None else "advice.accept"


async def retry(visit: Visit) -> tuple[str, Note | None]:
    done = await visit.ask(deliveries.retry)
    return visit.form.get("back", "/waiting"), Note("note.retry", {"delivery": done.id})


async def accept(visit: Visit) -> tuple[str, Note | None]:
    done = await visit.ask(deliveries.accept)
    return visit.form.get("back", "/waiting"), Note("note.accept", {"delivery": done.id})


async def discard(visit: Visit) -> tuple[str, Note | None]:
    body = visit.checked(Reason, reason=visit.form.get("reason", "").strip())
    done = await visit.ask(deliveries.discard, body=body)
    return visit.form.get("back", "/waiting"), Note("note.discard", {"delivery": done.id})


ROUTES = (
    page("/waiting", "waiting.html", listing),
    button("/deliveries/{delivery}/retry", retry),
    button("/deliveries/{delivery}/accept", accept),
    button("/deliveries/{delivery}/discard", discard),
)
