"""Tracking numbers of an order, in the first of three places that the shop has.

WooCommerce's own fulfilments (a feature that is off by default), else the Shipment Tracking plugin, else order meta
with a note. Each place is read before it is written, so that a parcel attached twice is there once.
"""

from __future__ import annotations

from typing import Any

import msgspec

from olhubd.model import Reason, Shipment
from olhubd.plugin import Conflict, Log, PluginError, Rejected, ShipmentSink
from olhubd_woocommerce import single, wire
from olhubd_woocommerce.client import Shop
from olhubd_woocommerce.mapping import LINE, PARCELS, parcels
from olhubd_woocommerce.settings import WooCommerceSettings
from olhubd_woocommerce.wire import meta_value

__all__ = ["Parcels"]

_STATUS = "_fulfillment_status"


class Parcels(ShipmentSink):
    """Reads and attaches parcels."""

    def __init__(self, shop: Shop, settings: WooCommerceSettings, log: Log) -> None:
        self._shop, self._settings, self._log = shop, settings, log
        self.settle = settings.settle

    async def add_shipment(self, external_id: str, shipment: Shipment) -> None:
        order = await single.read(self._shop, single.number_of(external_id))
        if order.status == "trash":
            raise Conflict(Reason("olhubd_woocommerce:in-trash"))
        await self._attach(order, shipment)

    async def fulfilled(self, order: wire.Stored) -> list[Shipment]:
        """The parcels of the order's fulfilments; asked for only where the order says that it has some."""
        if meta_value(order.meta_data, _STATUS) in (None, "no_fulfillments", "unfulfilled"):
            return []
        rows = await self._fulfilments(order.id)
        return [] if rows is None else [shipment for row in rows if (shipment := _parcel(row)) is not None]

    async def _attach(self, order: wire.Stored, shipment: Shipment) -> None:
        """Add the parcel unless it is there."""
        if _known(parcels(order.meta_data, self._settings), shipment):
            return
        fulfilments = await self._fulfilments(order.id)
        if fulfilments is not None:
            held = [parcel for row in fulfilments if (parcel := _parcel(row)) is not None]
            if _known(held, shipment):
                return
            items = _items(order, shipment, fulfilments)
            if items:
                await self._fulfil(order.id, shipment, items)
                rows = await self._fulfilments(order.id) or []
                _kept([parcel for row in rows if (parcel := _parcel(row)) is not None], shipment)
                return
            # All pieces are in other parcels already: a second parcel for them fits into no fulfilment.
        elif (trackings := await self._trackings(order.id)) is not None:
            if not _known(_tracked(trackings), shipment):
                await self._track(order.id, shipment)
                _kept(_tracked(await self._trackings(order.id) or []), shipment)
            return
        await self._note(order, shipment)

    async def _fulfilments(self, order_id: int) -> list[wire.FulfilmentRow] | None:
        return await self._shop.get_if_there(f"/wc/v3/orders/{order_id}/fulfillments", list[wire.FulfilmentRow])

    async def _trackings(self, order_id: int) -> list[wire.Tracking] | None:
        path = f"/wc-shipment-tracking/v3/orders/{order_id}/shipment-trackings"
        return await self._shop.get_if_there(path, list[wire.Tracking])

    async def _fulfil(self, order_id: int, shipment: Shipment, items: list[dict[str, int]]) -> None:
        meta: list[dict[str, Any]] = [
            {"key": "_items", "value": items},
            {"key": "_tracking_number", "value": shipment.waybill},
            {"key": "_shipment_provider", "value": shipment.carrier_name or shipment.carrier},
        ]
        if shipment.url:
            meta.append({"key": "_tracking_url", "value": shipment.url})
        body = {
            "status": "fulfilled",
            "is_fulfilled": True,
            "meta_data": meta,
            "notify_customer": self._settings.notify_buyer,
        }
        await self._shop.write("POST", f"/wc/v3/orders/{order_id}/fulfillments", msgspec.Raw, body)

    async def _track(self, order_id: int, shipment: Shipment) -> None:
        body = {
            "custom_tracking_provider": shipment.carrier_name or shipment.carrier,
            "tracking_number": shipment.waybill,
            "custom_tracking_link": shipment.url or "",
        }
        path = f"/wc-shipment-tracking/v3/orders/{order_id}/shipment-trackings"
        await self._shop.write("POST", path, msgspec.Raw, body)

    async def _note(self, order: wire.Stored, shipment: Shipment) -> None:
        """Order meta, which is what counts, and a note, which is for people and may be lost."""
        entries = [row.value for row in order.meta_data if row.key == PARCELS and isinstance(row.value, list)]
        held: list[Any] = [*(entries[0] if entries else [])]
        entry = {"tracking_number": shipment.waybill, "custom_tracking_provider": shipment.carrier}
        if shipment.url:
            entry["custom_tracking_link"] = shipment.url
        held.append(entry)
        typed = parcels(order.meta_data, self._settings)
        numbers = [*(parcel.waybill for parcel in typed), shipment.waybill]
        meta = [
            {"key": PARCELS, "value": held},
            {"key": self._settings.tracking_number_key, "value": ", ".join(numbers)},
            {"key": self._settings.tracking_carrier_key, "value": shipment.carrier_name or shipment.carrier},
        ]
        there = await single.change(self._shop, order.id, {"meta_data": meta})
        _kept(parcels(there.meta_data, self._settings), shipment)
        text = f"{shipment.carrier_name or shipment.carrier}: {shipment.waybill}"
        if shipment.url:
            text = f"{text} {shipment.url}"
        body = {"note": text, "customer_note": self._settings.notify_buyer}
        try:
            await self._shop.write("POST", f"/wc/v3/orders/{order.id}/notes", msgspec.Raw, body)
        except PluginError as error:
            self._log.warning("note not added", order=order.id, error=str(error))


def _parcel(row: wire.FulfilmentRow) -> Shipment | None:
    number = meta_value(row.meta_data, "_tracking_number")
    if number is None:
        return None
    carrier = meta_value(row.meta_data, "_shipment_provider") or meta_value(row.meta_data, "_provider_name")
    return Shipment(waybill=number, carrier=carrier or "", url=meta_value(row.meta_data, "_tracking_url"))


def _tracked(rows: list[wire.Tracking]) -> list[Shipment]:
    return [Shipment(waybill=row.tracking_number, carrier=row.carrier) for row in rows]


def _kept(held: list[Shipment], shipment: Shipment) -> None:
    """Raises Rejected where the shop took a parcel and does not show it: a 200 alone is no evidence."""
    if not any(other.key[1] == shipment.key[1] for other in held):
        raise Rejected(Reason("olhubd_woocommerce:parcel-lost"), field="waybill")


def _known(held: list[Shipment], shipment: Shipment) -> bool:
    """Whether it is among `held`. Carriers are spelled by people, so one that is missing or a name matches too."""
    carrier, number = shipment.key
    name = (shipment.carrier_name or "").strip().upper()
    return any(other.key[1] == number and other.key[0] in ("", carrier, name) for other in held)


def _items(order: wire.Stored, shipment: Shipment, fulfilments: list[wire.FulfilmentRow]) -> list[dict[str, int]]:
    """The pieces in this parcel: of its lines, or of all; only those that no other fulfilment holds."""
    taken: dict[int, int] = {}
    for row in fulfilments:
        for meta in row.meta_data:
            for item in meta.value if meta.key == "_items" and isinstance(meta.value, list) else ():
                if isinstance(item, dict) and isinstance(item.get("item_id"), int):
                    taken[item["item_id"]] = taken.get(item["item_id"], 0) + int(item.get("qty", 0))
    wanted = [i for i in order.line_items if meta_value(i.meta_data, LINE) in shipment.line_ids]
    return [
        {"item_id": item.id, "qty": left}
        for item in wanted or order.line_items
        if (left := int(item.quantity) - taken.get(item.id, 0)) > 0
    ]
