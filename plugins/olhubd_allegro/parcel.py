"""Parcels at Allegro: which of its carriers a parcel goes by, and when two entries are one parcel.

A carrier that Allegro does not list goes as OTHER with its name. ALLEGRO is on the list, yet has been refused for
parcels of sellers since June 2026.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from olhubd.model import Reason, Shipment
from olhubd.plugin import Rejected
from olhubd_allegro import wire

__all__ = ["FOREIGN_WAYBILL", "OTHER", "choose", "other", "request", "same"]

FOREIGN_WAYBILL = "CarrierWaybillValidationException"
"""Allegro's word for a number that is none of the carrier's."""

OTHER = "OTHER"
_NAME_LIMIT = 30
_WAYBILL_LIMIT = 64


def choose(known: Sequence[wire.Carrier], shipment: Shipment) -> wire.Carrier:
    """The listed carrier by id, else by name, else OTHER under the parcel's own name of it."""
    wanted = _names(shipment.carrier, shipment.carrier_name)
    usable = [carrier for carrier in known if carrier.id not in (OTHER, "ALLEGRO")]
    by_id = (carrier for carrier in usable if _plain(carrier.id) in wanted)
    by_name = (carrier for carrier in usable if wanted & _names(carrier.name))
    for carrier in (*by_id, *by_name):
        return carrier
    return wire.Carrier(id=OTHER, name=(shipment.carrier_name or shipment.carrier).strip()[:_NAME_LIMIT])


def other(shipment: Shipment, carrier: wire.Carrier) -> wire.Carrier:
    """The same carrier by its name alone, for a number that the listed one does not take."""
    name = shipment.carrier_name or carrier.name or shipment.carrier
    return wire.Carrier(id=OTHER, name=name.strip()[:_NAME_LIMIT])


def request(shipment: Shipment, carrier: wire.Carrier) -> dict[str, Any]:
    """The body that attaches the parcel. Without line ids it is the whole order's."""
    waybill = "".join(shipment.waybill.split())
    if not waybill or len(waybill) > _WAYBILL_LIMIT:
        raise Rejected(Reason("olhubd_allegro:waybill", most=_WAYBILL_LIMIT), field="waybill")
    body: dict[str, Any] = {"carrierId": carrier.id, "waybill": waybill}
    if carrier.id == OTHER:
        body["carrierName"] = carrier.name
    if shipment.line_ids:
        body["lineItems"] = [{"id": line} for line in shipment.line_ids]
    return body


def same(there: wire.Shipment, shipment: Shipment, carrier: wire.Carrier) -> bool:
    """Whether an entry is this parcel: the same number of the same carrier, by whichever name it was typed.

    An entry without a carrier of its own (ALLEGRO's, or a nameless OTHER) can only be recognised by its number.
    """
    if _plain(there.waybill) != _plain(shipment.waybill):
        return False
    theirs = _names(there.carrier_id, there.carrier_name) - {"ALLEGRO"}
    return not theirs or bool(theirs & _names(carrier.id, carrier.name, shipment.carrier, shipment.carrier_name))


def _plain(text: str) -> str:
    return "".join(text.split()).upper()


def _names(*names: str | None) -> set[str]:
    return {_plain(name) for name in names if name} - {OTHER}
