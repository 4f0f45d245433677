"""Two open databases on one file, as two processes would have them, that take turns."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from olhubd.engine.access.token_store import TokenStore
from olhubd.engine.outbox.actions import PRECEDENCE
from olhubd.engine.outbox.doubts import Doubts
from olhubd.model import (
    Action,
    Cause,
    Delivery,
    DeliveryId,
    DeliveryState,
    Event,
    EventId,
    Run,
    RunId,
    RunState,
    Subject,
)
from olhubd.plugin import Token, Unavailable
from olhubd.runtime.clock import SystemClock
from olhubd.store import (
    Database,
    LeaseLost,
    Transaction,
    deliveries,
    events,
    feeds,
    idempotency_keys,
    leases,
    runs,
    sign_ins,
)
from olhubd.store.sqlite import SQLite
from tests.orders import EPOCH

CAUSE = Cause("operator", "test")
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


MARKET = "market"


async def take(database: Database, at: datetime = EPOCH, accounts: Sequence[str] = (MARKET, "shop")) -> None:
    async def work(tx: Transaction) -> dict[str, int]:
        taken = await leases.take(tx, accounts, at)
        await deliveries.recover(tx, at + timedelta(days=1), at, taken)
        await runs.lose(tx, taken=taken)
        return taken

    database.held.update(await database.write(work))


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[tuple[Database, Database]]:
    """Two that have the same accounts, of which the second has taken them over."""
    path = tmp_path / "hub.sqlite"
    async with Database.open(path) as one, Database.open(path) as other:
        await take(one)
        yield one, other


def at(cursor: str) -> feeds.FeedPosition:
    return feeds.FeedPosition(account=MARKET, feed="orders", cursor=cursor, moved_at=EPOCH)


async def test_a_cursor_is_not_moved_back_by_who_had_the_account(pair: tuple[Database, Database]) -> None:
    """Neither after the new holder has moved it nor before."""
    one, other = pair
    await one.write(lambda tx: feeds.put(tx, at("5")))
    await take(other)
    for cursor in ("6", "7"):
        with pytest.raises(LeaseLost, match="market"):
            await one.write(lambda tx: feeds.put(tx, at("4")))
        await other.write(lambda tx, to=cursor: feeds.put(tx, at(to)))  # type: ignore[misc]
    found = await feeds.get(one.reader, MARKET, "orders")
    assert found is not None
    assert found.cursor == "7"


async def test_a_renewal_is_not_begun_by_who_had_the_account(pair: tuple[Database, Database]) -> None:
    one, other = pair
    vault = TokenStore(one, SystemClock())
    token = Token(access="a", refresh="r", expires_at=EPOCH)
    await vault.save(MARKET, token)
    await vault.mark(MARKET, EPOCH)
    await vault.mark(MARKET, None)
    await take(other)
    with pytest.raises(Unavailable, match="another process"):
        await vault.mark(MARKET, EPOCH)
    kept = await vault.load(MARKET)
    assert kept is not None
    assert kept.refreshing_at is None


async def test_the_newest_token_is_kept_whoever_received_it(pair: tuple[Database, Database]) -> None:
    """What the holder before is still answered is stored, unless the new one has stored another by then."""
    one, other = pair
    old, new = TokenStore(one, SystemClock()), TokenStore(other, SystemClock())

    def token(name: str) -> Token:
        return Token(access=name, refresh=name, expires_at=EPOCH)

    await old.save(MARKET, token("first"))
    await take(other)
    await old.save(MARKET, token("late"))
    kept = await new.load(MARKET)
    assert kept is not None
    assert kept.token.access == "late"
    await new.save(MARKET, token("newest"))
    with pytest.raises(LeaseLost):
        await old.save(MARKET, token("too late"))
    kept = await new.load(MARKET)
    assert kept is not None
    assert (kept.token.access, kept.previous and kept.previous.access) == ("newest", "late")


async def owed(database: Database, number: int) -> None:
    async def work(tx: Transaction) -> None:
        subject = Subject.order(number)
        moved = Event(
            id=EventId(number), at=EPOCH, kind="order.placed", account=MARKET, subject=subject, cause=CAUSE
        )
        await events.append(tx, [moved])
        row = Delivery(
            id=DeliveryId(number),
            subject=subject,
            target="shop",
            action=Action.PUSH_ORDER,
            key="",
            state=DeliveryState.PENDING,
            event_id=EventId(number),
            created_at=EPOCH,
            due_at=EPOCH,
        )
        await deliveries.add(tx, [row])

    await database.write(work)


async def claim(database: Database, now: datetime) -> list[Delivery]:
    until = now + timedelta(minutes=8)
    return await database.write(lambda tx: deliveries.claim(tx, "shop", PRECEDENCE, now, until, 10))


async def test_an_outcome_is_refused_from_who_had_the_target(pair: tuple[Database, Database]) -> None:
    """And no more is claimed. What was under way may have been sent until it was taken over."""
    one, other = pair
    await owed(one, 1)
    (mine,) = await claim(one, EPOCH)
    await owed(one, 2)
    later = EPOCH + timedelta(minutes=1)
    await take(other, later)
    done = msgspec.structs.replace(mine, state=DeliveryState.CONFIRMED, lease_until=None)
    with pytest.raises(LeaseLost, match="shop"):
        await one.write(lambda tx: deliveries.save(tx, [done]))
    with pytest.raises(LeaseLost, match="shop"):
        await claim(one, later)
    again, fresh = await claim(other, later)
    assert (again.id, again.state, again.sent_at) == (1, DeliveryState.SENT, later)
    assert (fresh.id, fresh.state) == (2, DeliveryState.PENDING)
    await other.write(lambda tx: deliveries.save(tx, [msgspec.structs.replace(done, external_id="9")]))
    row = await deliveries.get(one.reader, 1)
    assert row is not None
    assert (row.state, row.external_id) == (DeliveryState.CONFIRMED, "9")


async def test_a_start_ends_nothing_that_another_process_is_at(pair: tuple[Database, Database]) -> None:
    one, other = pair
    await owed(one, 1)
    (mine,) = await claim(one, EPOCH)
    run = Run(id=RunId(1), account=MARKET, feed="orders", trigger="timer", started_at=EPOCH)
    await one.write(lambda tx: runs.put(tx, [run]))
    await take(other, accounts=["elsewhere"])
    assert await claim(other, EPOCH) == [], "it is leased"
    assert (await runs.read(one.reader, [1]))[RunId(1)].state is RunState.RUNNING
    await one.write(lambda tx: deliveries.save(tx, [msgspec.structs.replace(mine, state=DeliveryState.CONFIRMED)]))
    await take(other)
    assert (await runs.read(one.reader, [1]))[RunId(1)].state is RunState.LOST


async def test_who_claims_what_a_lease_ran_out_of_takes_it_as_sent_just_now(tmp_path: Path) -> None:
    """Whoever let it run out may have been slow, and may have sent it at the last moment."""
    async with Database.open(tmp_path / "hub.sqlite") as database:
        await owed(database, 1)
        await claim(database, EPOCH)
        later = EPOCH + timedelta(hours=1)
        (again,) = await claim(database, later)
        assert again.sent_at == later
        row = await deliveries.get(database.reader, 1)
        assert row is not None
        assert row.sent_at == later
        # What was stored as in doubt stays as old as it was.
        unsure = msgspec.structs.replace(again, state=DeliveryState.SENT, lease_until=None, sent_at=EPOCH)
        await database.write(lambda tx: deliveries.save(tx, [unsure]))
        (again,) = await claim(database, later)
        assert again.sent_at == EPOCH


@pytest.mark.parametrize(
    ("began", "sent", "left"),
    [
        (3600, 10, 50),  # a process of long ago looks at what another one has just sent
        (20, 3600, 40),  # it has just begun: whatever a wall clock says, the other had stopped by then
        (3600, -30, 0),  # a time to come tells nothing
        (3600, 3600, 0),
    ],
)
async def test_what_another_process_sent_settles_from_the_time_that_is_stored(
    began: float, sent: float, left: float
) -> None:
    clock = Fixed()
    doubts = Doubts(clock)
    clock.passed += began
    row = Delivery(
        id=DeliveryId(1),
        subject=Subject.order(1),
        target="shop",
        action=Action.PUSH_ORDER,
        key="",
        state=DeliveryState.SENT,
        event_id=EventId(1),
        created_at=EPOCH,
        due_at=EPOCH,
        sent_at=clock.now() - timedelta(seconds=sent),
    )
    assert doubts.settling(row, timedelta(minutes=1)) == pytest.approx(left)


class Fixed(SystemClock):
    """One whose time passes only when it is told to."""

    passed = 0.0

    def now(self) -> datetime:
        return EPOCH + timedelta(days=9, seconds=self.passed)

    def monotonic(self) -> float:
        return 1000.0 + self.passed


async def test_a_key_is_begun_by_one_process(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"

    async def begin(tx: Transaction, now: datetime) -> bool:
        return await idempotency_keys.begin(tx, "till", "k", b"same", now)

    async with Database.open(path) as one, Database.open(path) as other:
        assert await one.write(lambda tx: begin(tx, EPOCH))
        assert not await other.write(lambda tx: begin(tx, EPOCH + idempotency_keys.KEPT))
        assert await other.write(lambda tx: begin(tx, EPOCH + idempotency_keys.KEPT + timedelta(seconds=1)))


async def test_a_sign_in_is_neither_gone_on_with_nor_ended_by_who_had_the_account(
    pair: tuple[Database, Database],
) -> None:
    """The process that has the account now sees it through."""
    one, other = pair
    row = sign_ins.SignInRow(
        account=MARKET, key="k", state="pending", flow="code", url="", secret=b"s", who="jan", begun_at=EPOCH,
        expires_at=EPOCH + timedelta(minutes=10),
    )  # fmt: skip
    await one.write(lambda tx: sign_ins.put(tx, row))
    await take(other)
    for work in (
        lambda tx: sign_ins.claim(tx, MARKET, "k", "jan", EPOCH),
        lambda tx: sign_ins.end(tx, MARKET, "k", "failed", EPOCH, None, "no more"),
        lambda tx: sign_ins.put(tx, row),
    ):
        with pytest.raises(LeaseLost, match="market"):
            await one.write(work)
    assert await sign_ins.get(other.reader, MARKET) == row
    assert await other.write(lambda tx: sign_ins.claim(tx, MARKET, "k", "jan", EPOCH))
    assert not await other.write(lambda tx: sign_ins.claim(tx, MARKET, "k", "jan", EPOCH)), "once"
    assert await other.write(lambda tx: sign_ins.end(tx, MARKET, "k", "done", EPOCH, "jan", None))
