"""A simulated shop, and a connector at it over a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from olhubd_kit.simulators.woocommerce import WooCommerceSimulator
from olhubd_woocommerce.connector import WooCommerce
from tests.plugins.woocommerce.orders import open_shop


@pytest.fixture
def simulator() -> WooCommerceSimulator:
    return WooCommerceSimulator(seed=3)


@pytest.fixture
async def shop(simulator: WooCommerceSimulator) -> AsyncIterator[WooCommerce]:
    async with open_shop(simulator) as connector:
        yield connector
