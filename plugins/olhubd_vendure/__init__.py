"""Vendure (3.x) as a shop: marketplace orders in over the admin API, its own orders, states and parcels out."""

from olhubd.plugin import RegisterConnector, hookimpl
from olhubd_vendure.connector import Vendure

__all__ = ["Vendure", "olhubd_register_connectors"]


@hookimpl
def olhubd_register_connectors(register: RegisterConnector) -> None:
    register(Vendure)
