"""The real systems that end-to-end tests run against. What cannot be had here is skipped, with the reason."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from olhubd_kit.proxy import Proxy
from tests.e2e import shop


@pytest.fixture(scope="session")
def _installed() -> None:
    try:
        shop.install()
    except shop.ShopUnavailable as reason:
        pytest.skip(f"no Vendure: {reason}")


@pytest.fixture(scope="session")
def vendure(_installed: None) -> Iterator[shop.Shop]:
    """A running shop with olhubd's server plugin; it lives as long as the session, its orders too."""
    try:
        with shop.running() as running:
            yield running
    except shop.ShopUnavailable as reason:
        pytest.skip(f"no Vendure: {reason}")


@pytest.fixture(scope="session")
def plain_vendure(_installed: None) -> Iterator[shop.Shop]:
    """A running shop that can tell our orders from others, and has nothing else of olhubd's. Its identifiers have
    no order."""
    try:
        with shop.running(plain=True, ids="uuid") as running:
            yield running
    except shop.ShopUnavailable as reason:
        pytest.skip(f"no Vendure: {reason}")


@pytest.fixture
async def proxy(vendure: shop.Shop) -> AsyncIterator[Proxy]:
    """A proxy before the shop that cuts what it is told to."""
    async with Proxy(vendure.base).serve() as proxy:
        yield proxy
