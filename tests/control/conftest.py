"""One house for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.control.catalogue import Catalogue
from tests.control.house import House
from tests.control.shelf import Shelf


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Nobody has signed in to its market yet."""
    made = House(tmp_path)
    with capture_logs():
        async with made.open():
            yield made


@pytest.fixture
async def trading(house: House) -> House:
    """Somebody has."""
    await house.sign_in()
    return house


@pytest.fixture
async def shelf(tmp_path: Path) -> AsyncIterator[Shelf]:
    """Both sides have been read, and what could be linked by itself is."""
    made = Shelf(tmp_path)
    with capture_logs():
        async with made.open():
            await made.sign_in()
            await made.until(made.linked)
            yield made


@pytest.fixture
async def catalogue(tmp_path: Path) -> AsyncIterator[Catalogue]:
    """Nobody has asked for its products yet."""
    made = Catalogue(tmp_path)
    with capture_logs():
        async with made.open():
            await made.sign_in()
            await made.until(made.linked)
            yield made
