"""What an operator changes about an order: note, status, parcel, its parts, payments, and sending it on by hand.

Each answers with the card as it then is. What cannot be done now is refused with the reason that the card gives.
"""

from __future__ import annotations

from decimal import Decimal

from olhubd.control.api.lookup import known_account, one_order
from olhubd.control.api.orders import card_of
from olhubd.control.api.schema.base import Nothing
from olhubd.control.api.schema.orders import (
    AddressRequest,
    BookingRequest,
    EditRequest,
    ForwardRequest,
    LineRequest,
    NoteRequest,
    OrderCard,
    OwnStatusChoice,
    ShipmentRequest,
    StatusRequest,
    UndoBookingRequest,
)
from olhubd.control.http.problem import Refusal
from olhubd.control.http.routes import Call, route
from olhubd.decide.order_edit import EditRefused, LineEdit, OrderEdit
from olhubd.model import Address, Money, Reason, Shipment
from olhubd.store.orders import StoredOrder

__all__ = ["ROUTES"]


async def note(call: Call[Nothing, NoteRequest]) -> OrderCard:
    """Write the hub's own note on an order; without a text it is removed. It goes to nobody."""
    stored = await _order(call)
    await call.hub.order_actions.note(stored.id, call.body.note, call.who)
    return await card_of(call.hub, call.path["order"])


async def status(call: Call[Nothing, StatusRequest]) -> OrderCard:
    """Say how far the order has come. It goes to its source, and to the targets whose routes map the word."""
    stored = await _order(call)
    await call.hub.order_actions.status(stored.id, call.body.status, call.who)
    return await card_of(call.hub, call.path["order"])


async def own_status(call: Call[Nothing, OwnStatusChoice]) -> OrderCard:
    """Give it a status of the seller's own list, or none. It goes where the hub leads and a word is mapped."""
    stored = await _order(call)
    await call.hub.order_actions.own_status(stored.id, call.body.status, call.who)
    return await card_of(call.hub, call.path["order"])


async def ship(call: Call[Nothing, ShipmentRequest]) -> OrderCard:
    """Add a parcel with its tracking number. It goes to the source and to the targets that have the order."""
    stored = await _order(call)
    asked = call.body
    lines = {line.external_id for line in stored.order.lines}
    if unknown := [line for line in asked.lines if line not in lines]:
        raise Refusal(400, "parameter", Reason("request.line", line=unknown[0]), parameter="lines")
    shipment = Shipment(
        waybill=asked.waybill.strip(),
        carrier=asked.carrier.strip(),
        carrier_name=asked.carrier_name,
        url=asked.url,
        line_ids=asked.lines,
    )
    await call.hub.order_actions.ship(stored.id, shipment, call.who)
    return await card_of(call.hub, call.path["order"])


async def address(call: Call[Nothing, AddressRequest]) -> OrderCard:
    """Send it elsewhere. Fields that are left out stay as they are. A target that has the order is sent nothing."""
    stored = await _order(call)
    address = _address(call.body)
    if address == Address():
        raise Refusal(400, "parameter", Reason("request.no-address"), parameter="body")
    try:
        await call.hub.order_actions.address(stored.id, address, call.who)
    except EditRefused as error:
        raise _refused(error) from None
    return await card_of(call.hub, call.path["order"])


async def edit(call: Call[Nothing, EditRequest]) -> OrderCard:
    """Edit recipient, invoice party or lines. Until the order is sent on, the edit is what goes; a target that has
    the order is sent nothing of it. What the source reports later is shown beside it."""
    stored = await _order(call)
    asked = call.body
    wanted = OrderEdit(
        recipient=_address(asked.recipient) if asked.recipient is not None else None,
        invoice=_address(asked.invoice) if asked.invoice is not None else None,
        tax_number=asked.tax_number.strip() if asked.tax_number is not None else None,
        lines=tuple(map(_line, asked.lines)) or None,
        total=Decimal(asked.total) if asked.total is not None else None,
        undo=asked.undo,
    )
    try:
        await call.hub.order_actions.edit(stored.id, wanted, asked.version, call.who)
    except EditRefused as error:
        raise _refused(error) from None
    return await card_of(call.hub, call.path["order"])


async def book(call: Call[Nothing, BookingRequest]) -> OrderCard:
    """Book a payment that was received outside of the marketplace. It counts as far as the order is not paid."""
    stored = await _order(call)
    asked = call.body
    amount = Money(Decimal(asked.amount), asked.currency or stored.order.total.currency)
    await call.hub.order_actions.book(stored.id, amount, asked.comment, call.who)
    return await card_of(call.hub, call.path["order"])


async def unbook(call: Call[Nothing, UndoBookingRequest]) -> OrderCard:
    """Undo a payment that was booked by hand. It stays in the order's history."""
    stored = await _order(call)
    await call.hub.order_actions.unbook(stored.id, call.number("booking"), call.body.comment, call.who)
    return await card_of(call.hub, call.path["order"])


def _address(asked: AddressRequest) -> Address:
    return Address(
        **{name: value for name in AddressRequest.__struct_fields__ if (value := getattr(asked, name)) is not None}
    )


def _line(asked: LineRequest) -> LineEdit:
    return LineEdit(
        id=asked.id,
        name=asked.name,
        quantity=asked.quantity,
        price=Decimal(asked.price) if asked.price is not None else None,
        sku=asked.sku,
        ean=asked.ean,
        offer_id=asked.offer_id,
    )


def _refused(error: EditRefused) -> Refusal:
    return Refusal(400, "parameter", error.reason, parameter=error.field)


async def forward(call: Call[Nothing, ForwardRequest]) -> OrderCard:
    """Send it on although its route would not: unpaid, from before the route was there, within its hold window."""
    stored = await _order(call)
    targets = sorted({r.target for r in call.hub.configuration.routes if stored.account in r.sources})
    target = call.body.target
    if target is None:
        if len(targets) != 1:
            named = ", ".join(targets) or "none"
            detail = Reason("request.which-target", account=stored.account, targets=named)
            raise Refusal(400, "parameter", detail, parameter="target")
        target = targets[0]
    else:
        await known_account(call.hub, "target", target)
    await call.hub.order_actions.forward(stored.id, target, call.who)
    return await card_of(call.hub, call.path["order"])


async def _order(
    call: Call[Nothing, NoteRequest]
    | Call[Nothing, StatusRequest]
    | Call[Nothing, OwnStatusChoice]
    | Call[Nothing, ShipmentRequest]
    | Call[Nothing, AddressRequest]
    | Call[Nothing, EditRequest]
    | Call[Nothing, BookingRequest]
    | Call[Nothing, UndoBookingRequest]
    | Call[Nothing, ForwardRequest],
) -> StoredOrder:
    return await one_order(call.hub.database.reader, call.path["order"])


ROUTES = (
    route("POST", "/api/v1/orders/{order}/note", note, refusals=(409,)),
    route("POST", "/api/v1/orders/{order}/status", status, refusals=(409,)),
    route("POST", "/api/v1/orders/{order}/own-status", own_status, refusals=(409,)),
    route("POST", "/api/v1/orders/{order}/shipments", ship, refusals=(409,)),
    route("POST", "/api/v1/orders/{order}/address", address, refusals=(409,)),
    route("POST", "/api/v1/orders/{order}/edit", edit, refusals=(409,)),
    route("POST", "/api/v1/orders/{order}/payments", book, refusals=(409,)),
    route("POST", "/api/v1/orders/{order}/payments/{booking}/undo", unbook, refusals=(409,)),
    route("POST", "/api/v1/orders/{order}/forward", forward, refusals=(409,)),
)
