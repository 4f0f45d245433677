"""A browser for each test, of somebody who is logged in."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.control.dashboard.browser import Browser
from tests.control.house import House


@pytest.fixture
async def stranger(house: House) -> AsyncIterator[Browser]:
    async with Browser(house) as browser:
        yield browser


@pytest.fixture
async def browser(house: House) -> AsyncIterator[Browser]:
    """At a house where nobody has signed in to the market yet."""
    async with Browser(house) as browser:
        await browser.enter()
        yield browser


@pytest.fixture
async def busy(trading: House) -> AsyncIterator[Browser]:
    """At a house that trades."""
    async with Browser(trading) as browser:
        await browser.enter()
        yield browser
