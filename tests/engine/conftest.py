"""A store in a fresh file, and a clock that goes with the loop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from olhubd.runtime.clock import SystemClock
from olhubd.store import Database


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with Database.open(tmp_path / "hub.sqlite") as opened:
        yield opened


@pytest.fixture
def clock() -> SystemClock:
    return SystemClock()
