"""WooCommerce: forwards orders into a shop, follows them there, and takes the shop's own orders in."""

from olhubd.plugin import RegisterConnector, hookimpl
from olhubd_woocommerce.connector import WooCommerce

__all__ = ["WooCommerce", "olhubd_register_connectors"]


@hookimpl
def olhubd_register_connectors(register: RegisterConnector) -> None:
    register(WooCommerce)
