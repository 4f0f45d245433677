"""What an operator does about one order, as forms on its card: note, status, parcel, address, sending it on.

Which of them are offered is the card's own answer; why one is not possible now is shown beside it.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from olhubd.control.api import order_commands
from olhubd.control.api.schema.orders import (
    AddressRequest,
    ForwardRequest,
    OwnStatusChoice,
    ShipmentRequest,
    StatusRequest,
)
from olhubd.control.api.schema.orders import NoteRequest as NoteText
from olhubd.control.dashboard.page import PageRequest, button
from olhubd.control.dashboard.state import Notice

__all__ = ["ROUTES"]


async def note(visit: PageRequest) -> tuple[str, Notice | None]:
    """An empty text removes it."""
    done = await visit.ask(order_commands.note, body=visit.checked(NoteText, **visit.filled("note")))
    return _back(visit), Notice("note.noted" if done.note else "note.note-removed", {"order": done.id})


async def status(visit: PageRequest) -> tuple[str, Notice | None]:
    done = await visit.ask(order_commands.status, body=visit.checked(StatusRequest, **visit.filled("status")))
    return _back(visit), Notice("note.status", {"order": done.id})


async def own_status(visit: PageRequest) -> tuple[str, Notice | None]:
    """The empty choice takes it away."""
    done = await visit.ask(order_commands.own_status, body=visit.checked(OwnStatusChoice, **visit.filled("status")))
    return _back(visit), Notice("note.status", {"order": done.id})


async def ship(visit: PageRequest) -> tuple[str, Notice | None]:
    given: dict[str, Any] = visit.filled("carrier", "waybill", "carrier_name", "url")
    done = await visit.ask(order_commands.ship, body=visit.checked(ShipmentRequest, **given))
    return _back(visit), Notice("note.shipped", {"order": done.id, "waybill": given["waybill"]})


async def address(visit: PageRequest) -> tuple[str, Notice | None]:
    """Fields that were emptied stay as they are, for the hub knows no address with less than it has."""
    given = visit.filled(*AddressRequest.__struct_fields__)
    if "country" in given:
        given["country"] = given["country"].upper()
    done = await visit.ask(order_commands.address, body=visit.checked(AddressRequest, **given))
    return _back(visit), Notice("note.address", {"order": done.id})


async def forward(visit: PageRequest) -> tuple[str, Notice | None]:
    given = visit.filled("target")
    done = await visit.ask(order_commands.forward, body=visit.checked(ForwardRequest, **given))
    return _back(visit), Notice("note.forwarded", {"order": done.id})


def _back(visit: PageRequest) -> str:
    return visit.form.get("back", f"/orders/{quote(visit.path['order'])}")


ROUTES = (
    button("/orders/{order}/note", note),
    button("/orders/{order}/status", status),
    button("/orders/{order}/own-status", own_status),
    button("/orders/{order}/shipments", ship),
    button("/orders/{order}/address", address),
    button("/orders/{order}/forward", forward),
)
