"""What an operator changes about an order: note, status, parcel, address, and sending it on by hand.

Each answers with the card as it then is. What cannot be done now is refused with the reason that the card gives.
"""

from __future__ import annotations

from olhubd.control.api.lookup import known_account, one_order
from olhubd.control.api.orders import card_of
from olhubd.control.api.schema.base import Nothing
from olhubd.control.api.schema.orders import (
    AddressRequest,
    ForwardRequest,
    NoteRequest,
    OrderCard,
    OwnStatusChoice,
    ShipmentRequest,
    StatusRequest,
)
from olhubd.control.http.problem import Refusal
from olhubd.control.http.routes import Call, route
from olhubd.model import Address, Reason, Shipment
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
    """Send it elsewhere, before it has gone on. Fields that are left out stay as they are."""
    stored = await _order(call)
    given = {
        name: value for name in AddressRequest.__struct_fields__ if (value := getattr(call.body, name)) is not None
    }
    if not given:
        raise Refusal(400, "parameter", Reason("request.no-address"), parameter="body")
    await call.hub.order_actions.address(stored.id, Address(**given), call.who)
    return await card_of(call.hub, call.path["order"])


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
    | Call[Nothing, ForwardRequest],
) -> StoredOrder:
    return await one_order(call.hub.database.reader, call.path["order"])


ROUTES = (
    route("POST", "/api/v1/orders/{order}/note", note, refusals=(409,)),
    route("POST", "/api/v1/orders/{order}/status", status, refusals=(409,)),
    route("POST", "/api/v1/orders/{order}/own-status", own_status, refusals=(409,)),
    route("POST", "/api/v1/orders/{order}/shipments", ship, refusals=(409,)),
    route("POST", "/api/v1/orders/{order}/address", address, refusals=(409,)),
    route("POST", "/api/v1/orders/{order}/forward", forward, refusals=(409,)),
)
