"""Which way the database goes to find what is asked for all day long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiosqlite
import pytest

from olhubd.model import DeliveryState
from olhubd.store import (
    Database,
    alarms,
    codec,
    deliveries,
    events,
    offers,
    order_counts,
    orders,
    quarantine,
    reconciliations,
    runs,
    sign_ins,
)
from olhubd.store.base import Parameters, Row
from olhubd.store.sqlite.database import FileReader

SETTLED = 3000


class Asking(FileReader):
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
        states = {1: "hold", 2: "dead", 3: "pending", 4: "retry", 5: "sent", 6: "discarded"}
        await connection.executemany(
            "INSERT INTO deliveries (id, subject_kind, subject_id, target, action, key, state, event_id,"
            " created_at, due_at, attempts, payload)"
            " VALUES (?, 'order', ?, 'shop', 'push-order', '', ?, 1, 1, 1, 1, x'7b7d')",
            [(n, n, states.get(n, "confirmed")) for n in range(1, SETTLED)],
        )
        await connection.commit()
        await connection.execute("ANALYZE")
    return path


NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
OPEN = [state for state in DeliveryState if state.open]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (deliveries.tally, 5),
        (deliveries.oldest_open, 1),
        (lambda reader: deliveries.listing(reader, states=[DeliveryState.HOLD]), 1),
        (lambda reader: deliveries.listing(reader, states=[DeliveryState.DEAD], target="shop"), 1),
        (lambda reader: deliveries.listing(reader, states=[DeliveryState.HOLD, DeliveryState.DEAD]), 2),
        (lambda reader: deliveries.listing(reader, states=[DeliveryState.DISCARDED]), 1),
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


class Renewing(Asking):
    """Notes the plan of what is changed, too."""

    async def execute(self, sql: str, parameters: Parameters = ()) -> int:
        self.steps += [row[3] for row in await FileReader.fetch(self, f"EXPLAIN QUERY PLAN {sql}", parameters)]
        return (await self._connection.execute(sql, parameters)).rowcount


async def test_a_start_does_not_walk_through_what_is_settled(path: Path) -> None:
    async with aiosqlite.connect(path) as connection:
        await connection.execute("UPDATE deliveries SET lease_until = 7 WHERE state = 'sent'")
        tx: Any = Renewing(connection)
        assert await deliveries.recover(tx, NOON) == 1
        assert await tx.fetch("SELECT 1 FROM deliveries WHERE lease_until IS NOT NULL") == []
    ways = [step for step in tx.steps[:-1] if " deliveries" in step]
    assert len(ways) == 2
    assert all("deliveries_open" in way or "deliveries_due" in way for way in ways), ways


@pytest.fixture
async def landed(tmp_path: Path) -> Path:
    """Three days of orders, one every ten minutes, each in the shop ninety seconds after it was placed."""
    path = tmp_path / "hub.sqlite"
    async with Database.open(path):
        pass
    first = int(NOON.timestamp()) - 3 * 86400
    minute = 60_000_000
    stamps = [(n, first * 1_000_000 + n * 10 * minute) for n in range(3 * 144)]
    async with aiosqlite.connect(path) as connection:
        await connection.executemany(
            "INSERT INTO orders (id, account, external_id, stage, fulfilment, paid, placed_at, currency, total,"
            " created_at, changed_at, digest, document) VALUES (?, 'market', ?, 'confirmed', 'new', 1, ?, 'PLN',"
            " '1', ?, 1, x'', x'')",
            [(n, str(n), stamp, stamp) for n, stamp in stamps],
        )
        await connection.executemany(
            "INSERT INTO copies (order_id, account, external_id, currency, total, unlinked, shipments, created_at)"
            " VALUES (?, 'shop', ?, 'PLN', '1', x'5b5d', x'5b5d', ?)",
            [(n, str(n), stamp + 90_000_000) for n, stamp in stamps],
        )
        await connection.commit()
        await connection.execute("ANALYZE")
    return path


async def test_the_hours_of_a_day_do_not_cost_the_days_before(landed: Path) -> None:
    async with aiosqlite.connect(landed) as connection:
        reader = Asking(connection)
        hours = await orders.hourly(reader, NOON - timedelta(hours=3))
        assert hours == {NOON - timedelta(hours=back): 6 for back in (3, 2, 1)}
        assert any("orders_landed" in step for step in reader.steps), reader.steps


async def test_the_latest_journeys_cost_no_more_than_they_are(landed: Path) -> None:
    async with aiosqlite.connect(landed) as connection:
        reader = Asking(connection)
        found = await orders.journeys(reader, latest=20)
        assert found == {("market", "shop"): [timedelta(seconds=90)] * 20}
        ways = [step for step in reader.steps if "SEARCH" in step or "SCAN" in step]
        assert not any("SCAN c" in way or "orders_dated" in way for way in ways), ways
        assert not any("TEMP B-TREE" in step for step in reader.steps[:2]), reader.steps


async def test_runs_that_went_wrong_are_found_among_those_that_did_not(landed: Path) -> None:
    async with aiosqlite.connect(landed) as connection:
        await connection.executemany(
            "INSERT INTO runs (id, account, feed, trigger, started_at, state, polls, seen, added, changed,"
            " quarantined, missed) VALUES (?, 'market', 'orders', 'timer', 1, ?, 1, 0, 0, 0, 0, 0)",
            [(n, "failed" if n % 100 == 0 else "done") for n in range(1, 2001)],
        )
        await connection.execute("ANALYZE")
        reader = Asking(connection)
        found = await runs.listing(reader, account="market", wrong=True, limit=5)
        assert [run.id for run in found] == [2000, 1900, 1800, 1700, 1600]
        assert any("runs_wrong" in step for step in reader.steps), reader.steps


async def test_the_last_runs_are_found_without_a_walk_through_all_there_were(landed: Path) -> None:
    """A start asks for them, on a file of years."""
    async with aiosqlite.connect(landed) as connection:
        await connection.executemany(
            "INSERT INTO runs (id, account, feed, trigger, started_at, state, polls, seen, added, changed,"
            " quarantined, missed) VALUES (?, 'market', 'orders', 'timer', 1, 'done', 1, 0, 0, 0, 0, 0)",
            [(n,) for n in range(1, 2001)],
        )
        await connection.execute("DELETE FROM feeds")
        await connection.execute("INSERT INTO feeds (account, feed, moved_at) VALUES ('market', 'orders', 1)")
        await connection.execute("ANALYZE")
        reader = Asking(connection)
        found = await runs.last_ended(reader)
        assert {key: run.id for key, run in found.items()} == {("market", "orders"): 2000}
        assert not any(step.startswith(("SCAN r", "SCAN runs")) for step in reader.steps), reader.steps
        assert not any("TEMP B-TREE" in step for step in reader.steps), reader.steps


async def test_events_follow_without_a_gap(landed: Path) -> None:
    async with aiosqlite.connect(landed) as connection:
        await connection.executemany(
            "INSERT INTO events (id, at, kind, account, cause_kind, cause_id, data)"
            " VALUES (?, 1, 'account.paused', 'market', 'start', 'hub', x'7b7d')",
            [(n,) for n in range(1, 10)],
        )
        reader = Asking(connection)
        assert await events.head(reader) == 9
        assert [event.id for event in await events.since(reader, 3, limit=4)] == [4, 5, 6, 7]
        assert await events.since(reader, 9) == []


async def test_the_oldest_debt_is_found_among_the_open_ones(path: Path) -> None:
    async with aiosqlite.connect(path) as connection:
        reader = Asking(connection)
        found = await deliveries.oldest(reader)
        assert found is not None
        assert found.id == 1
        assert any("deliveries_open" in step for step in reader.steps), reader.steps


@pytest.fixture
async def years(tmp_path: Path) -> Path:
    """What the watch asks for each minute, after two thousand days of it; once a day something was wrong."""
    path = tmp_path / "hub.sqlite"
    async with Database.open(path):
        pass
    noon, day = int(NOON.timestamp()) * 1_000_000, 86_400_000_000
    stamps = [(n, noon - n * day) for n in range(2000)]
    async with aiosqlite.connect(path) as connection:
        await connection.executemany(
            "INSERT INTO runs (id, account, feed, trigger, started_at, state, polls, seen, added, changed,"
            " quarantined, missed) VALUES (?, 'market', 'sweep', 'timer', ?, 'done', 1, 1, 1, 0, 0, 2)",
            [(2000 - n, stamp) for n, stamp in stamps],
        )
        await connection.executemany(
            "INSERT INTO reconciliations VALUES (?, 'market', ?, ?, ?, 3, 2, 1, 0, x'5b5d', 2, ?)",
            [
                (2000 - n, (NOON - timedelta(days=n)).date().isoformat(), stamp - day, stamp, stamp)
                for n, stamp in stamps
            ],
        )
        await connection.executemany(
            "INSERT INTO alarms VALUES (?, 'missed', 'market', '', ?, ?, x'7b7d', NULL)",
            [(2000 - n, stamp - 1, stamp) for n, stamp in stamps],
        )
        await connection.executemany(
            "INSERT INTO quarantine VALUES (?, 'market', 'orders', 'order', ?, 'no total', x'7b7d', ?, ?, 1, ?, ?)",
            [(2000 - n, str(n), s, s, s if n else None, "a test" if n else None) for n, s in stamps],
        )
        await connection.commit()
    return path


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize(
    ("asked", "found", "way"),
    [
        (
            lambda reader: order_counts.missed(reader, NOON, timedelta(days=1)),
            {"market": 4},
            "runs_missed (started_at>",
        ),
        (lambda reader: reconciliations.different(reader, NOON - timedelta(days=2)), 2, "_recent (until>"),
        (quarantine.tally, {"market": 1}, "quarantine_waiting"),
        (lambda tx: alarms.prune(tx, NOON - timedelta(days=1990)), 9, "alarms_over"),
        (lambda tx: reconciliations.prune(tx, NOON - timedelta(days=1990)), 9, "reconciliations_looked"),
        (lambda tx: quarantine.prune(tx, NOON - timedelta(days=1990)), 9, "quarantine_discarded"),
    ],
)
async def test_the_years_before_are_not_walked_through(
    years: Path, asked: Any, found: Any, way: str, known: bool
) -> None:
    """Whether the database knows its own numbers or not."""
    async with aiosqlite.connect(years) as connection:
        if known:
            await connection.execute("ANALYZE")
        reader: Any = Renewing(connection)
        answer = await asked(reader)
        assert (len(answer) if isinstance(answer, list) else answer) == found
    assert any(way in step for step in reader.steps), reader.steps


async def test_to_write_a_row_makes_no_table_for_a_condition_of_an_index(path: Path) -> None:
    """SQLite makes one for each IN of more than two values, of each index, for each row."""
    async with aiosqlite.connect(path) as connection:
        tables = await connection.execute_fetchall("SELECT name FROM sqlite_master WHERE type = 'table'")
        names = [row[0] for row in tables if not row[0].startswith("sqlite_")]
        assert {"deliveries", "events"} <= set(names)
        for name in names:
            steps = await connection.execute_fetchall(f"EXPLAIN INSERT INTO {name} DEFAULT VALUES")
            assert not {"OpenEphemeral", "OpenAutoindex"} & {step[1] for step in steps}, name


@pytest.mark.parametrize(
    "asked",
    [
        lambda reader: offers.of_items(reader, [1, 2], "market"),
        lambda reader: offers.of_items(reader, [1]),
        offers.doubted,
    ],
)
async def test_links_are_found_without_a_walk_through_the_offers_of_their_account(
    tmp_path: Path, asked: Any
) -> None:
    """The first for each few items that were sold, the last once a minute."""
    file = tmp_path / "hub.sqlite"
    async with Database.open(file):
        pass
    async with aiosqlite.connect(file) as connection:
        reader = Asking(connection)
        await asked(reader)
        first = reader.steps[0]
        assert " l USING " in first, first
        assert "links_of_item" in first or "links_doubted" in first, first


async def test_old_sign_ins_go_by_their_time_and_one_account_is_read_alone(path: Path) -> None:
    async with aiosqlite.connect(path) as connection:
        await connection.executemany(
            "INSERT INTO sign_ins (account, key, state, flow, url, who, begun_at, expires_at)"
            " VALUES (?, 'k', 'done', 'code', '', 'jan', 1, ?)",
            [(f"account-{n}", n) for n in range(1, 1001)],
        )
        await connection.execute("ANALYZE")
        tx: Any = Renewing(connection)
        assert await sign_ins.prune(tx, codec.moment(11)) == 10
        assert any("SEARCH" in step and "sign_ins_expires" in step for step in tx.steps), tx.steps
        tx.steps.clear()
        assert await sign_ins.get(tx, "account-500") is not None
        assert not any("SCAN" in step for step in tx.steps), tx.steps


async def test_the_links_of_items_are_found_by_their_items(tmp_path: Path) -> None:
    """Whoever asks for those of one account, of which the file knows no numbers: its offers may be a million."""
    async with Database.open(tmp_path / "hub.sqlite"):
        pass
    async with aiosqlite.connect(tmp_path / "hub.sqlite") as connection:
        for account in (None, "market"):
            reader = Asking(connection)
            await offers.of_items(reader, range(1, 501), account)
            first, second = [step for step in reader.steps if step.startswith("SEARCH")]
            assert "links_of_item (item_id=?)" in first
            assert "rowid=?" in second
