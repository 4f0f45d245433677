"""Two open databases on one file, as two processes would have them, that take turns."""

import asyncio
from pathlib import Path

import pytest

from olhubd.store import Database, Transaction
from olhubd.store.sqlite import SQLite

BLOCK = 256


async def quarantined(tx: Transaction) -> int:
    number = await tx.next_id("quarantine")
    await tx.execute(
        "INSERT INTO quarantine (id, account, feed, kind, external_id, reason, raw, first_at, last_at, tries)"
        " VALUES (?, 'market', 'orders', 'order', ?, '', x'', 0, 0, 1)",
        (number, str(number)),
    )
    return number


async def test_rows_of_two_processes_are_numbered_in_the_order_of_their_commits(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    async with Database.open(path) as one, Database.open(path) as other:
        turns = (one, other, other, one, one, other, one)
        assert [await writer.write(quarantined) for writer in turns] == [1, 2, 3, 4, 5, 6, 7]
        more = await asyncio.gather(*(writer.write(quarantined) for _ in range(100) for writer in (one, other)))
        assert len(set(more)) == 200
        assert min(more) == 8


@pytest.mark.parametrize("table", ["runs", "alarms", "reconciliations"])
async def test_a_number_before_its_row_is_nobody_elses(tmp_path: Path, table: str) -> None:
    """Also where far more are taken than a process has in hand, in turns and at once."""
    path = tmp_path / "hub.sqlite"
    async with Database.open(path) as one, Database.open(path) as other:
        turns = [await writer.next_id(table) for _ in range(BLOCK * 2) for writer in (one, other)]
        both = [one, other] * (BLOCK * 2)
        at_once = await asyncio.gather(*(writer.next_id(table) for writer in both))
        taken = [*turns, *at_once]
        assert len(set(taken)) == len(taken)
    async with Database.open(path) as later:
        assert await later.next_id(table) not in taken


async def test_what_was_in_hand_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So numbers have no gaps but for a process that was killed, and that one leaves out no more than a block."""
    path = tmp_path / "hub.sqlite"
    async with SQLite.open(path) as database:
        assert [await database.next_id("runs") for _ in range(3)] == [1, 2, 3]
    async with SQLite.open(path) as database:
        assert [await database.next_id("runs") for _ in range(2)] == [4, 5]
        monkeypatch.setattr(database._ids, "give_back", lambda raw: None)  # as a kill leaves it
    async with SQLite.open(path) as database:
        assert 5 < await database.next_id("runs") <= 4 + BLOCK


async def test_a_number_is_at_hand_while_nothing_can_be_written(tmp_path: Path) -> None:
    """An alarm that the disk is full has one."""
    async with SQLite.open(tmp_path / "hub.sqlite") as database:
        await database.write(quarantined)
        await database._writer.execute("PRAGMA query_only = ON")
        taken = [await database.next_id("alarms") for _ in range(BLOCK // 2)]
        assert taken == list(range(1, BLOCK // 2 + 1))


async def test_a_block_of_a_transaction_that_failed_is_not_in_hand(tmp_path: Path) -> None:
    """Another process would be given the same numbers, for the file does not know of it."""
    path = tmp_path / "hub.sqlite"

    async def wrong(tx: Transaction) -> None:
        raise ZeroDivisionError

    async with Database.open(path) as one, Database.open(path) as other:
        with pytest.raises(ZeroDivisionError):
            await one.write(wrong)
        taken = [await writer.next_id("runs") for writer in (other, one) for _ in range(9)]
        assert len(set(taken)) == 18
