"""The rules that every connector keeps, tried on WooCommerce against its simulator."""

from __future__ import annotations

from olhubd_kit import conformance
from olhubd_woocommerce.connector import WooCommerce

TestWooCommerce = conformance.suite(WooCommerce)
