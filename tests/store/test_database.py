"""The file: grouped writing, cancellation, migrations, and who may open it."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from pathlib import Path

import pytest

from olhubd.model import Kind
from olhubd.store import Database, Reader, StoreError, Transaction, reread_queue
from olhubd.store.sqlite import SQLite, migrate
from tests.orders import EPOCH


async def put(database: Database, name: str) -> None:
    async def work(tx: Transaction) -> None:
        wish = reread_queue.RereadRequest(kind=Kind.ORDER, external_id=name, due_at=EPOCH, reason="test")
        await reread_queue.put(tx, "allegro", [wish])

    await database.write(work)


async def names(database: Database) -> set[str]:
    return {
        wish.external_id
        for wish in await reread_queue.due(database.reader, "allegro", Kind.ORDER, EPOCH, limit=10_000)
    }


async def test_writes_survive_closing(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    async with SQLite.open(path) as database:
        await put(database, "a")
    async with SQLite.open(path) as database:
        assert await names(database) == {"a"}


async def test_a_commit_waits_for_the_disk(tmp_path: Path) -> None:
    """What `write` has returned from would be lost with the power by a writer that syncs less."""
    async with SQLite.open(tmp_path / "hub.sqlite") as database:
        assert list(await database._writer.execute_fetchall("PRAGMA synchronous")) == [(2,)]
        assert list(await database._writer.execute_fetchall("PRAGMA journal_mode")) == [("wal",)]


async def test_the_file_is_private(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    async with SQLite.open(path):
        assert path.stat().st_mode & 0o077 == 0


async def test_one_failing_unit_hurts_no_neighbour(tmp_path: Path) -> None:
    """Units that wait together share a transaction; a failing one is taken out of it."""

    async def wrong(tx: Transaction) -> None:
        await reread_queue.put(
            tx,
            "allegro",
            [reread_queue.RereadRequest(kind=Kind.ORDER, external_id="half", due_at=EPOCH, reason="test")],
        )
        raise ZeroDivisionError

    async with SQLite.open(tmp_path / "hub.sqlite") as database:
        results = await asyncio.gather(
            put(database, "a"), database.write(wrong), put(database, "b"), return_exceptions=True
        )
        assert isinstance(results[1], ZeroDivisionError)
        assert await names(database) == {"a", "b"}


async def test_a_storm_of_cancellations_leaves_nothing_half_done(tmp_path: Path) -> None:
    """Cancelled does not mean uncommitted, but never half: each unit writes two rows or none."""

    async def pair(tx: Transaction, name: str) -> None:
        for half in ("left", "right"):
            wish = reread_queue.RereadRequest(
                kind=Kind.ORDER, external_id=f"{name} {half}", due_at=EPOCH, reason="test"
            )
            await reread_queue.put(tx, "allegro", [wish])
            await asyncio.sleep(0)

    async with SQLite.open(tmp_path / "hub.sqlite") as database:
        dice = random.Random(1)

        async def one(name: str) -> None:
            await database.write(lambda tx: pair(tx, name))

        tasks = [asyncio.create_task(one(str(i))) for i in range(200)]
        for task in tasks:
            if dice.random() < 0.5:
                await asyncio.sleep(0)
            if dice.random() < 0.7:
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await put(database, "end")
        found = await names(database) - {"end"}
        assert {name.replace("left", "right") for name in found if "left" in name} == {
            name for name in found if "right" in name
        }


async def test_identifiers_go_on_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"

    async def work(tx: Transaction) -> int:
        id_ = await tx.next_id("inputs")
        await tx.execute("INSERT INTO inputs (id, at, kind, document) VALUES (?, 0, '', x'')", (id_,))
        return id_

    async with SQLite.open(path) as database:
        first = await database.write(work)
    async with SQLite.open(path) as database:
        assert await database.write(work) > first


async def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    migrate.migrate(path)
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {migrate.latest() + 1}")
    connection.close()
    with pytest.raises(StoreError, match="newer olhubd"):
        async with SQLite.open(path):
            pass


async def test_what_is_no_database_is_refused_with_words(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    path.write_text("not a database at all, but long enough to look at " * 50)
    with pytest.raises(StoreError, match="cannot be opened"):
        async with SQLite.open(path):
            pass


def test_an_upgrade_leaves_a_backup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file as it was stands beside the new one, whole and readable."""
    path = tmp_path / "hub.sqlite"
    migrate.migrate(path)
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO lookups VALUES ('a', 'order', 'b', 0, 'test', 0)")
    connection.commit()
    connection.close()
    steps = {**migrate._steps(), 9000: "ALTER TABLE lookups ADD COLUMN extra TEXT;"}
    monkeypatch.setattr(migrate, "_steps", lambda: steps)
    backup = migrate.migrate(path)
    assert backup is not None
    assert sqlite3.connect(backup).execute("SELECT * FROM lookups").fetchall() == [
        ("a", "order", "b", 0, "test", 0)
    ]
    assert sqlite3.connect(path).execute("SELECT extra FROM lookups").fetchall() == [(None,)]


def test_a_failing_migration_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "hub.sqlite"
    migrate.migrate(path)
    before = migrate.latest()
    steps = {**migrate._steps(), 9000: "ALTER TABLE lookups ADD COLUMN extra TEXT; SELECT * FROM nowhere;"}
    monkeypatch.setattr(migrate, "_steps", lambda: steps)
    with pytest.raises(sqlite3.OperationalError):
        migrate.migrate(path)
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (before,)
    assert "extra" not in str(connection.execute("PRAGMA table_info(lookups)").fetchall())


async def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (a)")
    connection.close()
    with pytest.raises(StoreError, match="another program"):
        async with SQLite.open(path):
            pass
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]


async def test_a_database_that_lacks_a_table_names_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    migrate.migrate(path)
    connection = sqlite3.connect(path)
    connection.execute("DROP TABLE deliveries")
    connection.close()
    with pytest.raises(StoreError, match="no such table: deliveries: restore a backup"):
        async with SQLite.open(path):
            pass


@pytest.mark.parametrize("replaced", [False, True])
async def test_a_file_that_is_gone_takes_no_more_writes(tmp_path: Path, replaced: bool) -> None:
    """They would be lost with the process, tokens and all."""
    path = tmp_path / "hub.sqlite"
    async with SQLite.open(path) as database:
        path.rename(tmp_path / "moved")
        if replaced:
            path.touch()
        with pytest.raises(StoreError, match="removed or replaced"):
            await put(database, "a")
        assert not await database.answers()


async def test_a_full_disk_makes_it_unready_until_a_write_succeeds(tmp_path: Path) -> None:
    async with SQLite.open(tmp_path / "hub.sqlite") as database:
        await put(database, "a")
        await database._writer.execute("PRAGMA max_page_count = 1")
        with pytest.raises(sqlite3.OperationalError, match="full"):
            await asyncio.gather(*(put(database, f"{number}" * 5000) for number in range(9)))
        assert not await database.answers()
        await database._writer.execute("PRAGMA max_page_count = 1000000")
        await put(database, "b")
        assert await database.answers()


async def test_what_is_read_together_is_of_one_moment(tmp_path: Path) -> None:
    """Issue 4, "It must show" 3: a card is one way to the database, and no half of it is newer than the other."""
    path = tmp_path / "hub.sqlite"
    async with SQLite.open(path) as database:
        await put(database, "a")

        async def twice(reader: Reader) -> tuple[set[str], set[str]]:
            before = await reread_queue.due(reader, "allegro", Kind.ORDER, EPOCH, limit=9)
            with sqlite3.connect(path) as other:
                other.execute("UPDATE lookups SET external_id = 'b'")
            other.close()
            after = await reread_queue.due(reader, "allegro", Kind.ORDER, EPOCH, limit=9)
            return {wish.external_id for wish in before}, {wish.external_id for wish in after}

        assert await database.read(twice) == ({"a"}, {"a"})
        assert await names(database) == {"b"}


async def test_who_reads_together_awaits_nothing_else(tmp_path: Path) -> None:
    async with SQLite.open(tmp_path / "hub.sqlite") as database:

        async def waits(reader: Reader) -> None:
            await asyncio.sleep(0)

        async def wrong(reader: Reader) -> None:
            await reader.fetch("SELECT nowhere")

        for _ in range(5):  # of every connection that reads
            with pytest.raises(RuntimeError, match="awaited something else"):
                await database.read(waits)
            with pytest.raises(sqlite3.OperationalError, match="no such column"):
                await database.read(wrong)
        await put(database, "a")
        assert await names(database) == {"a"}
