"""Two processes on one file: one takes an account over, and the other lets it go and says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from olhubd.engine.takeover import take_over
from olhubd.model import Run, RunId, RunState, code_of
from olhubd.plugin import Cursor, Page, Push, Receipt
from olhubd.runtime.clock import SystemClock
from olhubd.runtime.supervisor import Heartbeat
from olhubd.store import Database, LeaseLost, accounts, deliveries, events, feeds, leases, runs
from tests.engine.wild import Zoo, opened


@pytest.fixture
async def other(tmp_path: Path, database: Database) -> AsyncIterator[Database]:
    """The other process's own way into the file."""
    async with Database.open(tmp_path / "hub.sqlite") as opened_too:
        yield opened_too


async def taken(other: Database, clock: SystemClock, *names: str) -> None:
    now = clock.now()
    await take_over(other, names, now, now + timedelta(hours=1))


async def told(database: Database, account: str) -> list[str]:
    found = [event for event in await events.latest(database.reader, limit=1000) if event.account == account]
    return [event.kind for event in found if event.kind.startswith("account.")]


def failures(zoo: Zoo) -> list[Any]:
    return [
        line for line in zoo.lines if line["event"] in ("has failed", "has finished unexpectedly", "cannot begin")
    ]


async def gone(zoo: Zoo, name: str) -> None:
    """It is let go, and nothing of it is at work."""

    async def there() -> bool:
        return bool(await told(zoo.database, name))

    await zoo.until(there)
    await zoo.until(lambda: not any(task.get_name().endswith(f" {name}") for task in asyncio.all_tasks()))


@pytest.mark.parametrize("name", ["calm", "wild"])
async def test_an_account_that_another_process_took_over_is_let_go(
    database: Database, clock: SystemClock, other: Database, tmp_path: Path, name: str
) -> None:
    """Whether its feed notices or the deliveries to it: once, without a failure, and the others go on."""
    async with opened(tmp_path, database, clock) as zoo:
        await zoo.goes_on()
        await taken(other, clock, name)
        row = await accounts.get(other.reader, name)
        run = Run(
            id=RunId(await other.next_id("runs")),
            account=name,
            feed="orders",
            trigger="timer",
            started_at=clock.now(),
        )
        await other.write(lambda tx: runs.put(tx, [run]))
        await gone(zoo, name)
        assert await told(database, name) == ["account.taken-over"]
        assert name not in zoo.hub.units
        assert code_of(zoo.hub.directory.at_rest(name)) == "account.taken-over"
        assert ("parked", name) in {(kind.value, subject) for kind, subject in await zoo.alarms()}
        assert await accounts.get(other.reader, name) == row, "its state is a person's word, and stays"
        assert (await runs.read(other.reader, [run.id]))[run.id].state is RunState.RUNNING
        assert failures(zoo) == []
        assert zoo.hub.supervisor.failing == frozenset()
        position = await feeds.get(other.reader, name, "orders")
        await zoo.hub._round(Heartbeat("round", clock))
        await asyncio.sleep(0.2)
        assert await feeds.get(other.reader, name, "orders") == position
        assert name not in zoo.hub.units, "it is not taken back by itself"
        if name == "wild":
            await zoo.goes_on()


async def test_what_was_under_way_at_its_end_is_the_other_processs(
    database: Database, clock: SystemClock, other: Database, tmp_path: Path
) -> None:
    """It is not given back as untouched, and what became of it is looked up over there."""
    under_way, answered = asyncio.Event(), asyncio.Event()

    async def push(push: Push) -> Receipt:
        under_way.set()
        await answered.wait()
        return Receipt(external_id=f"copy of {push.reference}", total=push.order.total)

    async with opened(tmp_path, database, clock, push_order=push) as zoo:
        await asyncio.wait_for(under_way.wait(), 20)
        zoo.hub.units["wild"].feeds.pause()
        await taken(other, clock, "wild")
        rows = {d.id: d for d in await deliveries.listing(other.reader, limit=1000) if d.sent_at is not None}
        answered.set()
        await gone(zoo, "wild")
        now = {d.id: d for d in await deliveries.listing(other.reader, limit=1000)}
        assert rows
        assert {id_: now[id_] for id_ in rows} == rows
        assert failures(zoo) == []


async def test_one_that_has_nothing_to_write_is_let_go_within_a_minute(
    database: Database, clock: SystemClock, other: Database, tmp_path: Path
) -> None:
    """A quiet account would ask its system for ever beside the process that works for it."""

    async def quiet(cursor: Cursor) -> Page:
        return Page(records=[], cursor=cursor)

    async with opened(tmp_path, database, clock, pull=quiet) as zoo:
        zoo.hub.units["calm"].feeds.pause()
        await taken(other, clock, "wild")
        await zoo.hub._round(Heartbeat("round", clock))
        await gone(zoo, "wild")
        assert await told(database, "wild") == ["account.taken-over"]


async def test_a_reload_takes_it_back(
    database: Database, clock: SystemClock, other: Database, tmp_path: Path
) -> None:
    """By a person's word, and then the other one is refused."""
    async with opened(tmp_path, database, clock) as zoo:
        await zoo.goes_on()
        await taken(other, clock, "calm")
        await gone(zoo, "calm")
        await zoo.hub.reload(zoo.configuration())
        await zoo.goes_on()
        assert zoo.hub.directory.at_rest("calm") is None
        position = await feeds.get(other.reader, "calm", "orders")
        assert position is not None
        with pytest.raises(LeaseLost, match="calm"):
            await other.write(lambda tx: feeds.put(tx, position))


class Ahead(SystemClock):
    """Its monotonic time is ahead by as much."""

    by = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.by


async def asked(database: Database, name: str) -> bool:
    return (await leases.of_accounts(database.reader, [name]))[name].asked


async def test_an_account_whose_holder_is_gone_is_taken_back(
    database: Database, other: Database, tmp_path: Path
) -> None:
    """By itself, after five minutes without an answer, with an event; the dead one could write nothing any more."""
    clock = Ahead()
    async with opened(tmp_path, database, clock) as zoo:
        await zoo.goes_on()
        await taken(other, clock, "calm")
        await gone(zoo, "calm")
        for minutes in (0, 1, 4.9):
            clock.by = minutes * 60
            await zoo.hub._round(Heartbeat("round", clock))
            assert await asked(database, "calm")
            assert "calm" not in zoo.hub.units, f"after {minutes} minutes it may still answer"
        clock.by = 5.1 * 60
        await zoo.hub._round(Heartbeat("round", clock))
        assert zoo.hub.directory.at_rest("calm") is None
        assert await told(database, "calm") == ["account.taken-over", "account.taken-back"]
        await zoo.goes_on()
        assert ("parked", "calm") not in {(kind.value, subject) for kind, subject in await zoo.alarms()}
        assert not await asked(database, "calm")
        position = await feeds.get(other.reader, "calm", "orders")
        assert position is not None
        with pytest.raises(LeaseLost, match="calm"):
            await other.write(lambda tx: feeds.put(tx, position))


async def test_an_account_whose_holder_answers_stays_with_it(
    database: Database, other: Database, tmp_path: Path
) -> None:
    """However long it lasts, and counted from its last answer."""
    clock = Ahead()
    async with opened(tmp_path, database, clock) as zoo:
        await zoo.goes_on()
        await taken(other, clock, "calm")
        await gone(zoo, "calm")
        for minutes in (0, 4, 8, 12):
            clock.by = minutes * 60.0
            await zoo.hub._round(Heartbeat("round", clock))
            assert await asked(database, "calm")
            await other.write(lambda tx: leases.answer(tx, ["calm"]))
        assert "calm" not in zoo.hub.units
        assert await told(database, "calm") == ["account.taken-over"]
        # A third process takes it over: the question is another one's.
        clock.by = 16 * 60.0
        await zoo.hub._round(Heartbeat("round", clock))
        await taken(other, clock, "calm")
        clock.by = 20.5 * 60.0
        await zoo.hub._round(Heartbeat("round", clock))
        clock.by = 24.0 * 60.0
        await zoo.hub._round(Heartbeat("round", clock))
        assert "calm" not in zoo.hub.units


async def test_a_holder_answers_within_a_minute_and_writes_nothing_where_nobody_asks(
    database: Database, clock: SystemClock, other: Database, tmp_path: Path
) -> None:
    async with opened(tmp_path, database, clock) as zoo:
        await other.write(lambda tx: leases.ask(tx, ["calm"]))
        await zoo.hub._round(Heartbeat("round", clock))
        assert not await asked(other, "calm")
        assert "calm" in zoo.hub.units
        await taken(other, clock, "calm")
        with pytest.raises(LeaseLost, match="calm"):
            await database.write(lambda tx: leases.answer(tx, ["calm"]))
