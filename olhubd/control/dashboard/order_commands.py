"""What an operator does about one order, as forms on its card: note, status, parcel, edit, payment, sending it on.

Which of them are offered is the card's own answer; why one is not possible now is shown beside it.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from olhubd.control.api import order_commands, orders
from olhubd.control.api.schema.orders import (
    AddressRequest,
    BookingRequest,
    EditRequest,
    ForwardRequest,
    OrderCard,
    OwnStatusChoice,
    ShipmentRequest,
    StatusRequest,
    UndoBookingRequest,
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


async def edit(visit: PageRequest) -> tuple[str, Notice | None]:
    """The lines with a new one below them, or the invoice party, or the undoing of an edit, whichever form it is.

    A field that shows what the order has already is left out, so that an odd price of the source's stays as it is.
    """
    seen = await visit.ask(orders.card)
    given: dict[str, Any] = {"version": visit.form.get("version", ""), **visit.filled("tax_number")}
    if "undo" in visit.form:
        given["undo"] = (visit.form["undo"],)
    if lines := _lines(visit, seen):
        given["lines"] = lines
    if invoice := _invoice(visit):
        given["invoice"] = invoice
    done = await visit.ask(order_commands.edit, body=visit.checked(EditRequest, **given))
    return _back(visit), Notice("note.edited", {"order": done.id})


def _lines(visit: PageRequest, seen: OrderCard) -> list[dict[str, Any]]:
    """The lines as the form has them; without any where it is another form."""
    known = {line.external_id: line for line in seen.order.lines}
    rows: list[dict[str, Any]] = []
    for position in range(len(visit.form)):
        number = visit.form.get(f"id.{position}")
        if number is None:
            break
        row: dict[str, Any] = {"id": number}
        if (filled := _row(visit, str(position))).get("quantity") == "0":
            continue
        if (line := known.get(number)) is not None:
            shown = {
                "name": line.name,
                "quantity": str(line.quantity),
                "price": str(line.price.amount),
                "sku": line.sku,
            }
            filled = {name: value for name, value in filled.items() if value != shown[name]}
        rows.append(row | filled)
    if "id.0" in visit.form and len(new := _row(visit, "new")) > 0:
        rows.append(new)
    return rows


def _row(visit: PageRequest, where: str) -> dict[str, str]:
    filled = visit.filled(*(f"{name}.{where}" for name in ("name", "quantity", "price", "sku")))
    row = {name.partition(".")[0]: value for name, value in filled.items()}
    return _decimal(row, "price")


def _decimal(row: dict[str, str], name: str) -> dict[str, str]:
    """An amount may be written as it is in the person's language."""
    return {**row, name: row[name].replace(",", ".")} if name in row else row


def _invoice(visit: PageRequest) -> dict[str, str]:
    filled = visit.filled(*(f"invoice.{name}" for name in AddressRequest.__struct_fields__))
    address = {name.partition(".")[2]: value for name, value in filled.items()}
    return {**address, "country": address["country"].upper()} if "country" in address else address


async def book(visit: PageRequest) -> tuple[str, Notice | None]:
    given = _decimal(visit.filled("amount", "comment"), "amount")
    done = await visit.ask(order_commands.book, body=visit.checked(BookingRequest, **given))
    return _back(visit), Notice("note.booked", {"order": done.id})


async def unbook(visit: PageRequest) -> tuple[str, Notice | None]:
    body = visit.checked(UndoBookingRequest, **visit.filled("comment"))
    done = await visit.ask(order_commands.unbook, body=body)
    return _back(visit), Notice("note.unbooked", {"order": done.id})


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
    button("/orders/{order}/edit", edit),
    button("/orders/{order}/payments", book),
    button("/orders/{order}/payments/{booking}/undo", unbook),
    button("/orders/{order}/forward", forward),
)
