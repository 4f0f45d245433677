"""What the hub keeps of an order when the source reports it again.

The newer version wins, except where it is silent: sources blank personal data after a time, and some report parcels
only in a resource of their own.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from olhubd.model import Address, Buyer, Order, Payment, Stage

__all__ = ["called_off", "merge"]

P = TypeVar("P", Address, Buyer)


def merge(held: Order, incoming: Order) -> Order:
    """The order to hold after `incoming` was read while `held` was known."""
    replacements: dict[str, object] = {}
    known = {shipment.key for shipment in incoming.shipments}
    kept = tuple(shipment for shipment in held.shipments if shipment.key not in known)
    if kept:
        replacements["shipments"] = (*kept, *incoming.shipments)
    paid = _still_paid(held.payment, incoming.payment)
    if paid is not None:
        replacements["payment"] = paid
    # Before it is confirmed an order really may lose its address: the buyer starts the form again.
    if held.stage is Stage.CONFIRMED:
        buyer = _filled(held.buyer, incoming.buyer)
        if buyer is not incoming.buyer:
            replacements["buyer"] = buyer
        old, new = held.shipping.address, incoming.shipping.address
        if old is not None and old.reachable and (new is None or not new.reachable):
            replacements["shipping"] = msgspec.structs.replace(incoming.shipping, address=old)
        if held.invoice is not None and incoming.invoice is None:
            replacements["invoice"] = held.invoice
    return msgspec.structs.replace(incoming, **replacements) if replacements else incoming


def called_off(held: Order, incoming: Order) -> Order:
    """The order as held, yet as far cancelled as `incoming` says.

    For a cancelled order whose other parts make no sense any more: sources empty them in different ways.
    """
    return msgspec.structs.replace(
        held,
        stage=incoming.stage,
        external_stage=incoming.external_stage,
        fulfilment=incoming.fulfilment,
        external_fulfilment=incoming.external_fulfilment,
        revision=incoming.revision,
        updated_at=incoming.updated_at,
    )


def _still_paid(old: Payment | None, new: Payment | None) -> Payment | None:
    """The same payment with the amount that was reported before; None where nothing is to be filled in."""
    if old is None or new is None or old.paid is None or new.paid is not None:
        return None
    return msgspec.structs.replace(new, paid=old.paid) if old.external_id == new.external_id else None


def _filled(old: P, new: P) -> P:
    """`new` with its blanks filled from `old`."""
    blanks = {
        name: value
        for name in old.__struct_fields__
        if (value := getattr(old, name)) is not None and getattr(new, name) is None
    }
    return msgspec.structs.replace(new, **blanks) if blanks else new
