"""Which way the database goes to find what is asked for all day long."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiosqlite
import pytest

from olhubd.model import DeliveryState
from olhubd.store import Database, deliveries
from olhubd.store.database import Parameters, Reader, Row

SETTLED = 3000


class Asking(Reader):
    """Notes the plan of each statement beside its rows."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        super().__init__(connection)
        self.steps: list[str] = []

    async def fetch(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        self.steps += [row[3] for row in await super().fetch(f"EXPLAIN QUERY PLAN {sql}", parameters)]
        return await super().fetch(sql, parameters)


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """An outbox of many settled deliveries and a few that are not; the database knows its own numbers."""
    path = tmp_path / "hub.sqlite"
    async with Database.open(path):
        pass
    async with aiosqlite.connect(path) as connection:
        await connection.execute("PRAGMA foreign_keys = OFF")
        states = {1: "hold", 2: "dead", 3: "pending", 4: "retry", 5: "sent"}
        await connection.executemany(
            "INSERT INTO deliveries (id, order_id, target, action, key, state, event_id, created_at, due_at,"
            " attempts, payload) VALUES (?, ?, 'shop', 'push-order', '', ?, 1, 1, 1, 1, x'7b7d')",
            [(n, n, states.get(n, "confirmed")) for n in range(1, SETTLED)],
        )
        await connection.commit()
        await connection.execute("ANALYZE")
    return path


OPEN = [state for state in DeliveryState if state.open]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (deliveries.tally, 5),
        (deliveries.oldest_open, 1),
        (lambda reader: deliveries.listing(reader, states=[DeliveryState.HOLD]), 1),
        (lambda reader: deliveries.listing(reader, states=[DeliveryState.DEAD], target="shop"), 1),
        (lambda reader: deliveries.listing(reader, states=[DeliveryState.HOLD, DeliveryState.DEAD]), 2),
        (lambda reader: deliveries.listing(reader, states=OPEN, target="shop"), 4),
    ],
)
async def test_what_is_settled_is_not_walked_through(path: Path, asked: Any, found: int) -> None:
    async with aiosqlite.connect(path) as connection:
        reader = Asking(connection)
        assert len(await asked(reader)) == found
    assert reader.steps
    ways = [step for step in reader.steps if " deliveries" in step]
    assert all("deliveries_open" in way or "deliveries_stuck" in way for way in ways), ways
