"""The seller's statuses at Allegro: their order, and whether a step may be taken. Pure."""

from __future__ import annotations

from olhubd.model import Fulfilment, Reason
from olhubd.plugin import Conflict, Ladder, Rejected, Status
from olhubd_allegro import wire
from olhubd_allegro.mapping import CANCELLED

__all__ = ["STATUSES", "WORDS", "due"]

STATUSES = (
    Status(code="NEW", name="Nowe"),
    Status(code="PROCESSING", name="W realizacji"),
    Status(code="READY_FOR_SHIPMENT", name="Do wysłania"),
    Status(code="READY_FOR_PICKUP", name="Do odbioru"),
    Status(code="SENT", name="Wysłane"),
    Status(code="PICKED_UP", name="Odebrane"),
    Status(code=CANCELLED, name="Anulowane"),
    Status(code="SUSPENDED", name="Wstrzymane"),
)

WORDS = {
    Fulfilment.NEW: "NEW",
    Fulfilment.PROCESSING: "PROCESSING",
    Fulfilment.READY: "READY_FOR_SHIPMENT",
    Fulfilment.SENT: "SENT",
    Fulfilment.DELIVERED: "PICKED_UP",
    Fulfilment.CANCELLED: CANCELLED,
    Fulfilment.SUSPENDED: "SUSPENDED",
}

# RETURNED is Allegro's to set, yet an order may be found there.
_WAY = Ladder("NEW", "PROCESSING", "READY_FOR_SHIPMENT", "READY_FOR_PICKUP", "SENT", "PICKED_UP", "RETURNED")
_WRITABLE = frozenset(status.code for status in STATUSES)


def due(form: wire.FormState, target: str) -> bool:
    """Whether `target` is still to be written; False when the order is there or further.

    Raises Conflict where the order cannot go there, Rejected for a word that nobody may write.
    """
    if target not in _WRITABLE:
        raise Rejected(Reason("olhubd_allegro:no-such-status", status=target), field="status")
    fulfillment = form.fulfillment
    current = (fulfillment.status if fulfillment else None) or "NEW"
    if target == CANCELLED and CANCELLED in (form.status, current):
        return False
    if form.status == CANCELLED:
        raise Conflict(Reason("olhubd_allegro:purchase-cancelled"), code=form.status)
    if current == target:
        return False
    if fulfillment and fulfillment.provider and fulfillment.provider.id == "ALLEGRO":
        raise Conflict(Reason("olhubd_allegro:own-warehouse"), code="ALLEGRO")
    if current == CANCELLED:
        raise Conflict(Reason("olhubd_allegro:cancelled-by-seller"), code=current)
    if current == "SUSPENDED":
        return True
    if current not in _WAY:
        raise Conflict(Reason("olhubd_allegro:unknown-state", state=current), code=current)
    waits = bool(_WAY.due(current, "SENT"))
    if target == CANCELLED:
        if not waits:
            raise Conflict(Reason("olhubd_allegro:on-its-way"), code=current)
        return True
    return waits if target == "SUSPENDED" else bool(_WAY.due(current, target))
