"""The import log while the disk takes nothing: how a run ended is written when it can be."""

from __future__ import annotations

import sqlite3
from typing import Any

import msgspec
import pytest

from olhubd.engine.feed import run_log
from olhubd.engine.feed.run_log import RunLog
from olhubd.model import Run, RunState
from olhubd.runtime.clock import SystemClock
from olhubd.store import Database, Transaction, feeds, runs


class Disk:
    """Between the log and its file; `full` refuses all that is written."""

    def __init__(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = False
        write = database.write

        async def maybe(work: Any) -> Any:
            if self.full:
                raise sqlite3.OperationalError("database or disk is full")
            return await write(work)

        monkeypatch.setattr(database, "write", maybe)


@pytest.fixture
def disk(database: Database, monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(database, monkeypatch)


async def landed(database: Database, log: RunLog, account: str = "market") -> Run:
    """A run with a row, as after its first landing."""
    run = msgspec.structs.replace(await log.begin(account, "orders", "timer"), seen=2, added=1)

    async def work(tx: Transaction) -> None:
        await runs.put(tx, [run])

    await database.write(work)
    return run


async def kept(database: Database) -> dict[str, RunState]:
    return {run.account: run.state for run in await runs.listing(database.reader)}


async def test_no_run_stands_as_running_for_ever_after_a_full_disk(
    database: Database, clock: SystemClock, disk: Disk
) -> None:
    """Part of LOG-02. Its row was there, its end could not be written: the next moment of the log writes it."""
    log = RunLog(database, clock)
    run = await landed(database, log)
    disk.full = True
    with pytest.raises(sqlite3.OperationalError):
        await log.end(run)
    with pytest.raises(sqlite3.OperationalError):
        await log.flush()
    disk.full = False
    assert await kept(database) == {"market": RunState.RUNNING}
    await log.flush()
    assert await kept(database) == {"market": RunState.DONE}


async def test_ends_kept_for_later_are_bounded_and_the_oldest_stay(
    database: Database, clock: SystemClock, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full for a night must not fill the memory; whose row had begun is among the first."""
    monkeypatch.setattr(run_log, "_MOST_KEPT", 2)
    log = RunLog(database, clock)
    first = await landed(database, log)
    disk.full = True
    for run in (first, *[await log.begin(f"later-{number}", "orders", "timer") for number in range(3)]):
        with pytest.raises(sqlite3.OperationalError):
            await log.end(run, "the database cannot be used")
    disk.full = False
    await log.flush()
    assert await kept(database) == {"market": RunState.FAILED, "later-0": RunState.FAILED}


async def test_what_can_never_be_written_keeps_no_others_from_being_written(
    database: Database, clock: SystemClock, disk: Disk
) -> None:
    log = RunLog(database, clock)
    run, odd = await landed(database, log), await log.begin("odd", "orders", "timer")
    disk.full = True
    for one, error in ((run, None), (odd, "no text: \udcff")):
        with pytest.raises(sqlite3.OperationalError):
            await log.end(one, error)
    disk.full = False
    with pytest.raises(UnicodeEncodeError):
        await log.flush()
    await log.end(await landed(database, log, "another"))
    await log.flush()
    assert await kept(database) == {"market": RunState.DONE, "another": RunState.DONE}


async def test_what_was_written_is_not_written_again(
    database: Database, clock: SystemClock, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    put = runs.put

    async def counted(tx: Transaction, rows: list[Run]) -> None:
        written.append(len(rows))
        await put(tx, rows)

    monkeypatch.setattr(runs, "put", counted)
    log = RunLog(database, clock)
    run = await landed(database, log)
    disk.full = True
    with pytest.raises(sqlite3.OperationalError):
        await log.end(run)
    disk.full = False
    await log.end(await landed(database, log, "another"))
    await log.flush()
    assert written == [1, 1, 2]


async def test_the_last_run_of_each_feed_is_known_after_a_restart(database: Database, clock: SystemClock) -> None:
    """Else a feed of an hour's interval would look for an hour as if nobody had ever read it."""
    log = RunLog(database, clock)
    for feed in ("orders", "orders.sweep"):
        await database.write(lambda tx, feed=feed: feeds.put(tx, at(clock, feed)))  # type: ignore[misc]
    sweep = await log.end(await log.begin("market", "orders.sweep", "timer"))
    first = await log.end(await landed(database, log))
    failed = await log.end(await log.begin("market", "orders", "timer"), "503")
    await log.flush()
    begun = await landed(database, log)
    assert begun.id > failed.id > first.id
    again = RunLog(database, clock)
    await again.load()
    assert again.latest == {("market", "orders"): failed, ("market", "orders.sweep"): sweep}
    assert again.totals == {}, "counters begin with the process"


def at(clock: SystemClock, feed: str) -> feeds.FeedPosition:
    return feeds.FeedPosition(account="market", feed=feed, cursor="1", moved_at=clock.now())
