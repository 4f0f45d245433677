"""One house for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.control.house import House


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
