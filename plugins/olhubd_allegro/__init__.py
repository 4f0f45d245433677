"""Allegro (allegro.pl, .cz, .sk, .hu) as a source of orders, and back: statuses and parcels."""

from olhubd.plugin import RegisterConnector, hookimpl
from olhubd_allegro.connector import Allegro

__all__ = ["Allegro", "olhubd_register_connectors"]


@hookimpl
def olhubd_register_connectors(register: RegisterConnector) -> None:
    register(Allegro)
