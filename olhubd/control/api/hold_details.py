"""Why a delivery is held, with what a person needs to decide: sums, numbers, statuses of either side.

Names and addresses are left out: they are on the order's card.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from olhubd.control.api.schema.deliveries import HoldDetails
from olhubd.decide.hold import Hold, advice
from olhubd.model import Delivery, DeliveryState, Order, Reason, beside
from olhubd.store.target_orders import TargetOrder

__all__ = ["hold_details"]

_SHOWN = 20
"""Lines of an order whose SKUs are shown; how many more there are is said."""


def hold_details(
    delivery: Delivery, said: Mapping[str, Any], order: Order | None, copy: TargetOrder | None
) -> HoldDetails | None:
    """The view of a delivery that waits; None for one that does not. `said` is what was logged when it was held."""
    if delivery.state not in (DeliveryState.HOLD, DeliveryState.DEAD, DeliveryState.DISCARDED):
        return None
    word = said.get("kind")
    kind = next((known for known in Hold if known.value == word), Hold.OTHER)
    reason = delivery.reason or delivery.error or Reason("no-reason")
    return HoldDetails(
        kind=kind,
        reason=reason,
        **beside("reason", reason),
        advice=advice(kind),
        field=said.get("field"),
        expected=_expected(order) if order is not None else {},
        there=_there(copy) if copy is not None else {},
    )


def _expected(order: Order) -> dict[str, str]:
    pieces = sum(line.quantity for line in order.lines)
    facts = {
        "total": str(order.total),
        "paid": str(order.paid),
        "lines": str(len(order.lines)),
        "pieces": str(pieces),
        "shipping": order.shipping.method or order.shipping.method_id,
        "shipping_cost": str(order.shipping.cost) if order.shipping.cost is not None else None,
        "payment": order.payment.type.value if order.payment else None,
        "country": order.recipient.country if order.recipient else None,
        "skus": _skus(order),
    }
    return {name: value for name, value in facts.items() if value}


def _skus(order: Order) -> str:
    left = len(order.lines) - _SHOWN
    return ", ".join(line.sku or "-" for line in order.lines[:_SHOWN]) + (f", +{left}" if left > 0 else "")


def _there(copy: TargetOrder) -> dict[str, str]:
    facts = {
        "id": copy.external_id,
        "number": copy.number,
        "total": str(copy.total),
        "status": copy.status,
        "url": copy.url,
        "unlinked": ", ".join(copy.unlinked),
        "parcels": ", ".join(f"{parcel.carrier} {parcel.waybill}" for parcel in copy.shipments),
    }
    return {name: value for name, value in facts.items() if value}
