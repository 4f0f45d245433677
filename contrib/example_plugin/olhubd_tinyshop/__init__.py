"""Tiny Shop for olhubd: a complete plugin, as small as one can be."""

from olhubd.plugin import RegisterConnector, hookimpl
from olhubd_tinyshop.connector import TinyShop


@hookimpl
def olhubd_register_connectors(register: RegisterConnector) -> None:
    register(TinyShop)
