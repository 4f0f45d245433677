"""WooCommerce: forwards orders into a shop, follows them there, and takes the shop's own orders in."""

from __future__ import annotations

from olhubd.plugin import hookimpl
from olhubd.plugin.connector import RegisterConnector

__all__ = ["olhubd_register_connectors"]


@hookimpl
def olhubd_register_connectors(register: RegisterConnector) -> None:
    """Register the WooCommerce connector."""
    from olhubd_woocommerce.connector import WooCommerce

    register(WooCommerce)
