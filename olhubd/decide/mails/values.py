"""What a template may name: an order in words and numbers as buyers read them, and nothing else of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from olhubd.decide.mails.rule import MailPayload, Occasion
from olhubd.model import Buyer, Line, Money, Order, Shipment, Shipping, Stage

__all__ = ["mail_values", "sample_values"]


def mail_values(order: Order, payload: MailPayload, shop: str) -> Mapping[str, Any]:
    """The variables of a mail about this order. `shop` is what people call the account it was bought at."""
    there = order.recipient
    return {
        "shop": shop,
        "number": order.number or order.external_id,
        "total": str(order.total),
        "paid": str(order.paid),
        "cash_on_delivery": order.cash_on_delivery,
        "buyer": {
            "first_name": order.buyer.first_name or (there.first_name if there else None) or "",
            "last_name": order.buyer.last_name or (there.last_name if there else None) or "",
            "login": order.buyer.login or "",
        },
        "lines": [
            {"name": line.name, "quantity": line.quantity, "price": str(line.price), "sku": line.sku or ""}
            for line in order.lines
        ],
        "parcels": [{"carrier": one.carrier, "waybill": one.waybill} for one in order.shipments],
        "delivery": order.shipping.method or "",
        "carrier": payload.carrier or "",
        "waybill": payload.waybill or "",
    }


def sample_values(occasion: Occasion, *, bare: bool = False) -> Mapping[str, Any]:
    """Those of an order that nobody placed, to try templates by; a `bare` one has nothing that it need not have."""
    price = Money(Decimal("49.90"), "PLN")
    parcel = Shipment(carrier="INPOST", waybill="620111222333444555666777")
    order = Order(
        external_id="3f0c2b1e-88a4",
        number="1001",
        placed_at=datetime(2026, 1, 31, 12, tzinfo=UTC),
        stage=Stage.CONFIRMED,
        external_stage="sample",
        lines=(Line(external_id="1", name="Kubek <Żółw> & spodek", quantity=2, price=price, sku="MUG-1"),),
        total=Money(Decimal("99.80"), "PLN"),
        buyer=Buyer(login="zofia", first_name="Zofia", last_name="Żak", email="zofia@buyer.example"),
        shipping=Shipping(method="Paczkomat"),
        shipments=(parcel,),
    )
    if bare:
        lines = tuple(msgspec.structs.replace(line, sku=None) for line in order.lines)
        order = msgspec.structs.replace(order, lines=lines, buyer=Buyer(), shipping=Shipping(), shipments=())
    sent = occasion is Occasion.SENT
    payload = MailPayload(
        occasion, carrier=parcel.carrier if sent else None, waybill=parcel.waybill if sent else None
    )
    return mail_values(order, payload, "Sklep")
