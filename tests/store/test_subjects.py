"""What rows are about: order 5 and product 5 are two things, also in files that knew orders alone."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from olhubd.decide.override import Override
from olhubd.engine.outbox.actions import PRECEDENCE
from olhubd.model import (
    Action,
    Cause,
    Delivery,
    DeliveryId,
    DeliveryState,
    Event,
    EventId,
    Kind,
    OrderId,
    Subject,
)
from olhubd.store import Database, Transaction, deliveries, events, journal, overrides, quarantine, reread_queue
from olhubd.store.sqlite import migrate

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
AT = int(NOON.timestamp()) * 1_000_000
STEPS = migrate._steps()
FIVE = (Subject(Kind.ORDER, 5), Subject(Kind.PRODUCT, 5))
BEFORE = [version for version in STEPS if version < 13]
"""The schemas in which rows were about orders."""


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with Database.open(tmp_path / "hub.sqlite") as database:
        yield database


def delivery(id_: int, subject: Subject, state: DeliveryState = DeliveryState.PENDING) -> Delivery:
    return Delivery(
        id=DeliveryId(id_),
        subject=subject,
        target="shop",
        action=Action.PUSH_ORDER,
        key="",
        state=state,
        event_id=EventId(1),
        created_at=NOON,
        due_at=NOON,
    )


def event(id_: int, kind: str, subject: Subject | None) -> Event:
    return Event(id=EventId(id_), at=NOON, kind=kind, account="market", subject=subject, cause=Cause("run", "1"))


async def test_numbers_of_two_kinds_are_two_subjects(database: Database) -> None:
    """Events, deliveries, remarks, records in quarantine and records to be read again."""
    order, product = FIVE

    async def work(tx: Transaction) -> None:
        await events.append(tx, [event(1, "order.placed", order), event(2, "product.changed", product)])
        await deliveries.add(tx, [delivery(1, order), delivery(2, product)])
        for subject in FIVE:
            await overrides.put(tx, subject, Override(note=str(subject)), NOON)
            refused = quarantine.QuarantineDraft(
                kind=subject.kind, external_id="5", reason=str(subject), raw=str(subject).encode()
            )
            await quarantine.put(tx, "market", "feed", [refused], NOON)
            wish = reread_queue.RereadRequest(kind=subject.kind, external_id="5", due_at=NOON, reason=str(subject))
            await reread_queue.put(tx, "market", [wish])

    await database.write(work)
    reader = database.reader
    told = await events.of_subjects(reader, FIVE)
    assert {subject: [one.id for one in found] for subject, found in told.items()} == {order: [1], product: [2]}
    assert [one.order_id for one in await events.of_order(reader, 5)] == [OrderId(5)]
    assert [one.id for one in await journal.page(reader, subjects=[product])] == [2]
    owed = await deliveries.of_subjects(reader, FIVE)
    assert {subject: [one.id for one in found] for subject, found in owed.items()} == {order: [1], product: [2]}
    assert list(await deliveries.of_orders(reader, [5])) == [OrderId(5)]
    assert {one: said.note for one, said in (await overrides.of_subjects(reader, FIVE)).items()} == {
        order: "order 5",
        product: "product 5",
    }
    kept = {(one.kind, one.external_id, one.reason, one.tries) for one in await quarantine.listing(reader)}
    assert kept == {("order", "5", "order 5", 1), ("product", "5", "product 5", 1)}
    for kind in (Kind.ORDER, Kind.PRODUCT):
        (wish,) = await reread_queue.due(reader, "market", kind, NOON)
        assert (wish.external_id, wish.reason) == ("5", f"{kind} 5")

    async def land_the_product(tx: Transaction) -> None:
        assert await quarantine.clear(tx, "market", Kind.PRODUCT, ["5"]) == 1
        await reread_queue.forget(tx, "market", await reread_queue.due(tx, "market", Kind.PRODUCT, NOON))
        await overrides.put(tx, product, Override(), NOON)

    await database.write(land_the_product)
    assert [one.reason for one in await quarantine.listing(reader)] == ["order 5"]
    assert await reread_queue.waiting(reader, "market", Kind.ORDER)
    assert not await reread_queue.waiting(reader, "market", Kind.PRODUCT)
    assert list(await overrides.of_subjects(reader, FIVE)) == [order]


async def test_what_is_owed_about_one_kind_waits_for_nothing_of_another(database: Database) -> None:
    order, product = FIVE

    async def work(tx: Transaction) -> list[int]:
        await events.append(tx, [event(1, "order.placed", order)])
        late = msgspec.structs.replace(delivery(1, order), due_at=NOON + timedelta(hours=1))
        behind = msgspec.structs.replace(delivery(2, order), action=Action.SET_STATUS)
        await deliveries.add(tx, [late, behind, delivery(3, product)])
        claimed = await deliveries.claim(tx, "shop", PRECEDENCE, NOON, NOON, 9)
        await deliveries.drop_superseded(tx, product, "shop", Action.SET_STATUS, "", NOON)
        return [one.id for one in claimed]

    assert await database.write(work) == [3]
    behind = await deliveries.get(database.reader, 2)
    assert behind is not None
    assert behind.state is DeliveryState.PENDING


async def test_what_a_person_gave_up_is_not_counted_as_refused(database: Database) -> None:
    async def work(tx: Transaction) -> None:
        states = (DeliveryState.DEAD, DeliveryState.DISCARDED, DeliveryState.HOLD)
        await events.append(tx, [event(1, "order.placed", FIVE[0])])
        await deliveries.add(tx, [delivery(n, Subject.order(n), state) for n, state in enumerate(states, 1)])

    await database.write(work)
    counted = await deliveries.tally(database.reader)
    assert counted == {("shop", DeliveryState.DEAD): 1, ("shop", DeliveryState.HOLD): 1}
    given_up = await deliveries.listing(database.reader, states=[DeliveryState.DISCARDED])
    assert [one.id for one in given_up] == [2]


# Files that knew orders alone


def file_of(path: Path, version: int) -> None:
    """A file of that schema with a row of each kind there was."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        for number, sql in STEPS.items():
            if number <= version:
                connection.executescript(sql)
        for id_ in (5, 6):
            connection.execute(
                "INSERT INTO orders (id, account, external_id, stage, fulfilment, paid, placed_at, currency, total,"
                " created_at, changed_at, digest, document)"
                " VALUES (?, 'market', ?, 'confirmed', 'new', 1, ?, 'PLN', '1', ?, 1, x'', ?)",
                (id_, str(id_), AT, AT, b'{"external_stage": "READY", "lines": []}'),
            )
        told = [
            ("order.placed", 5, {}),
            ("account.paused", None, {}),
            ("delivery.refused", 5, {"delivery": 2}),
            ("delivery.refused", 5, {"delivery": 3}),
            ("delivery.discarded", 5, {"delivery": 3}),
            ("delivery.discarded", 6, {"delivery": 4}),
            ("delivery.released", 6, {"delivery": 4}),
            ("delivery.refused", 6, {"delivery": 4}),
        ]
        connection.executemany(
            "INSERT INTO events (id, at, kind, account, order_id, cause_kind, cause_id, data)"
            " VALUES (?, ?, ?, 'market', ?, 'run', '1', ?)",
            [(n, AT, kind, id_, msgspec.json.encode(data)) for n, (kind, id_, data) in enumerate(told, 1)],
        )
        owed = [(5, "", "hold"), (5, "a", "dead"), (5, "b", "dead"), (6, "", "dead"), (6, "a", "confirmed")]
        connection.executemany(
            "INSERT INTO deliveries (id, order_id, target, action, key, state, event_id, created_at, due_at,"
            " attempts, payload) VALUES (?, ?, 'shop', 'set-status', ?, ?, 1, ?, ?, 1, x'7b7d')",
            [(n, id_, key, state, AT, AT) for n, (id_, key, state) in enumerate(owed, 1)],
        )
        kept = [("5", "it has no lines"), ("dict-1", "dict is no kind of record")]
        connection.executemany(
            "INSERT INTO quarantine (id, account, feed, external_id, reason, raw, first_at, last_at, tries)"
            " VALUES (?, 'market', 'orders', ?, ?, x'7b7d', ?, ?, 2)",
            [(n, name, reason, AT, AT) for n, (name, reason) in enumerate(kept, 1)],
        )
        connection.execute("INSERT INTO lookups VALUES ('market', '5', ?, 'not ready', 3)", (AT,))
        if version >= 6:
            connection.execute("INSERT INTO remarks VALUES (5, ?, ?)", (b'{"note":"rang"}', AT))
            connection.execute(
                "UPDATE quarantine SET discarded_at = ?, discarded_why = 'a test' WHERE id = 2", (AT,)
            )
        connection.execute(f"PRAGMA user_version = {version}")
        connection.commit()


@pytest.fixture(params=BEFORE)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, int]:
    path = tmp_path / "hub.sqlite"
    file_of(path, request.param)
    return path, request.param


async def test_all_that_was_known_of_orders_is_known(old: tuple[Path, int]) -> None:
    """From each schema in which rows named an order."""
    path, version = old
    async with Database.open(path) as database:
        assert database.upgraded is not None
        reader = database.reader
        told = await events.since(reader, 0)
        five, six = Subject.order(5), Subject.order(6)
        assert [one.subject for one in told] == [five, None, five, five, five, six, six, six]
        assert [(one.at, one.account, one.cause) for one in told] == [(NOON, "market", Cause("run", "1"))] * 8
        assert [one.kind for one in await events.of_accounts(reader, ["market"], after=0)] == ["account.paused"]
        owed = await deliveries.of_orders(reader, [5, 6])
        assert [(one.id, one.key, one.state.value) for one in owed[OrderId(5)]] == [
            (1, "", "hold"),
            (2, "a", "dead"),
            (3, "b", "discarded"),
        ]
        # Given up, let go again and refused: the last word is the target's.
        assert [(one.id, one.state.value) for one in owed[OrderId(6)]] == [(4, "dead"), (5, "confirmed")]
        kept = {one.external_id: (one.kind, one.tries) for one in await quarantine.listing(reader)}
        assert kept == {"5": ("order", 2)} | ({"dict-1": ("dict", 2)} if version < 6 else {})
        (wish,) = await reread_queue.due(reader, "market", Kind.ORDER, NOON)
        assert wish == reread_queue.RereadRequest(
            kind=Kind.ORDER, external_id="5", due_at=NOON, reason="not ready", tries=3
        )
        said = await overrides.of_orders(reader, [5])
        assert said == ({OrderId(5): Override(note="rang")} if version >= 6 else {})
        assert await reader.fetch("PRAGMA foreign_key_check") == []

        async def go_on(tx: Transaction) -> None:
            await events.append(tx, [event(await tx.next_id("events"), "product.changed", FIVE[1])])
            await deliveries.add(tx, [delivery(await tx.next_id("deliveries"), FIVE[1])])

        await database.write(go_on)
        assert [one.id for one in (await deliveries.of_subjects(reader, [FIVE[1]]))[FIVE[1]]] == [6]


async def test_a_file_that_was_upgraded_is_like_a_new_one(old: tuple[Path, int], tmp_path: Path) -> None:
    path, _ = old
    migrate.migrate(path)
    migrate.migrate(fresh := tmp_path / "fresh.sqlite")
    made = []
    for file in (path, fresh):
        with closing(sqlite3.connect(file)) as connection:
            sql = "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name"
            made.append(connection.execute(sql).fetchall())
    assert made[0] == made[1]
