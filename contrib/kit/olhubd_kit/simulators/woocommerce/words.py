"""The shop's words for ways of delivery and payment, as its API lists them."""

from __future__ import annotations

from typing import Any

__all__ = ["GATEWAYS", "KINDS", "ZONES", "listed"]

KINDS = {"flat_rate": "Flat rate", "free_shipping": "Free shipping", "local_pickup": "Local pickup"}
ZONES = {
    0: ("Locations not covered by your other zones", ()),
    1: ("Polska", (("flat_rate", 1, "Kurier"), ("flat_rate", 3, "Paczkomat"), ("local_pickup", 4, "Odbiór"))),
}
GATEWAYS = {"bacs": "Przelew", "cheque": "Czek", "cod": "Za pobraniem", "payu": "PayU"}


def listed(parts: list[str]) -> list[dict[str, Any]] | None:
    """What is at this path below `/wc/v3/`; None for another path."""
    match parts:
        case ["shipping_methods"]:
            return [{"id": id_, "title": title, "description": ""} for id_, title in KINDS.items()]
        case ["shipping", "zones"]:
            return [{"id": id_, "name": name, "order": id_} for id_, (name, _) in ZONES.items()]
        case ["shipping", "zones", zone, "methods"] if zone.isdecimal() and int(zone) in ZONES:
            return [
                {"id": instance, "instance_id": instance, "method_id": kind, "title": title, "enabled": True}
                for kind, instance, title in ZONES[int(zone)][1]
            ]
        case ["payment_gateways"]:
            return [
                {"id": id_, "title": title, "method_title": title, "enabled": True, "order": place}
                for place, (id_, title) in enumerate(GATEWAYS.items())
            ]
    return None
