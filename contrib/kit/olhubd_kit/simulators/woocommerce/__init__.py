"""A stand-in for a WooCommerce 10.9 shop: its REST API with its state, its arithmetic and its quirks.

It shares no code with the connector's own pricing, so that the two check each other.
"""

from olhubd_kit.simulators.woocommerce.server import WooCommerceSimulator

__all__ = ["WooCommerceSimulator"]
