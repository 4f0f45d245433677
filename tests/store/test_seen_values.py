"""The words of orders that landed before anybody counted them: an upgrade counts them from the documents."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiosqlite
import msgspec

from olhubd.model import OrderId, Payment, PaymentType, Shipping, Stage
from olhubd.store import Database, Transaction, codec, seen_values
from olhubd.store.seen_values import SeenKind
from olhubd.store.sqlite import migrate
from olhubd.store.sqlite.database import FileReader
from tests.orders import order

AT = datetime(2026, 1, 31, tzinfo=UTC)
STEPS = sorted((Path(migrate.__file__).parent).glob("*.sql"))
WAYS = [("dpd-1", "Kurier DPD"), ("dpd-1", "Kurier DPD"), (None, "Odbiór osobisty"), (None, None)]


def orders() -> list[tuple[OrderId, msgspec.Struct]]:
    return [
        (
            OrderId(number),
            msgspec.structs.replace(
                order(external_id=str(number)),
                shipping=Shipping(method_id=id_, method=name),
                payment=Payment(type=PaymentType.ONLINE, external_type="ONLINE") if number > 1 else None,
                stage=Stage.CONFIRMED,
                external_stage="READY",
                external_fulfilment="NEW",
            ),
        )
        for number, (id_, name) in enumerate(WAYS, 1)
    ]


async def test_an_upgrade_counts_what_landing_would_have_counted(tmp_path: Path) -> None:
    old, new = tmp_path / "old.sqlite", tmp_path / "new.sqlite"
    connection = sqlite3.connect(old)
    for step in STEPS:
        if step.name < "0007":
            connection.executescript(step.read_text(encoding="utf-8"))
    connection.execute("PRAGMA user_version = 6")
    stamp = codec.stamp(AT)
    connection.executemany(
        "INSERT INTO orders (id, account, external_id, stage, fulfilment, paid, placed_at, currency, total,"
        " created_at, changed_at, digest, document)"
        " VALUES (?, 'market', ?, 'confirmed', 'new', 1, 1, 'PLN', '12.50', ?, ?, x'', ?)",
        [(id_, str(id_), stamp, stamp, codec.encode(one)) for id_, one in orders()],
    )
    connection.commit()
    connection.close()
    migrate.migrate(old)
    async with Database.open(new) as database:
        await database.write(
            lambda tx: seen_values.put(tx, "market", [(id_, one, None) for id_, one in orders()], AT)  # type: ignore[misc]
        )
        landed = await seen_values.every(database.reader)
    async with aiosqlite.connect(old) as opened:
        upgraded = await seen_values.every(FileReader(opened))
        assert list(await opened.execute_fetchall("SELECT DISTINCT amount FROM orders")) == [(125_000,)]
    assert upgraded == landed
    assert {(one.kind, one.value): one.orders for one in landed} == {
        (SeenKind.DELIVERY, "dpd-1"): 2,
        (SeenKind.DELIVERY, "Odbiór osobisty"): 1,
        (SeenKind.PAYMENT, "ONLINE"): 3,
        (SeenKind.STAGE, "READY"): 4,
        (SeenKind.PROGRESS, "NEW"): 4,
    }


async def test_a_pruned_word_comes_back_with_an_order(tmp_path: Path) -> None:
    """An old order that still has it changes in something else: it is on one order at least."""
    old, again = order(), AT + timedelta(days=401)
    async with Database.open(tmp_path / "hub.sqlite") as database:
        await database.write(lambda tx: seen_values.put(tx, "market", [(OrderId(1), old, None)], AT))
        await database.write(lambda tx: seen_values.prune(tx, again - seen_values.KEPT))
        assert await seen_values.every(database.reader) == []
        for _ in range(2):
            await database.write(lambda tx: seen_values.put(tx, "market", [(OrderId(1), old, old)], again))
        assert {one.orders for one in await seen_values.every(database.reader)} == {1}


async def test_no_account_is_left_out_for_the_words_of_others(tmp_path: Path) -> None:
    """A source that writes free text where a method belongs crowds out nobody else, and not what it says most."""

    async def work(tx: Transaction) -> None:
        for number in range(3):
            seen = [
                (OrderId(n), msgspec.structs.replace(order(), shipping=Shipping(method=f"by hand {n}")), None)
                for n in range(seen_values.MOST * 13)
            ]
            seen += [(OrderId(9), msgspec.structs.replace(order(), shipping=Shipping(method="z")), None)] * 2
            await seen_values.put(tx, f"account-{number}", seen, AT)

    async with Database.open(tmp_path / "hub.sqlite") as database:
        await database.write(work)
        found = [one for one in await seen_values.every(database.reader) if one.kind is SeenKind.DELIVERY]
    assert {one.account for one in found} == {"account-0", "account-1", "account-2"}
    first = [one for one in found if one.account == "account-2"]
    assert len(first) == seen_values.MOST
    assert (first[0].value, first[0].orders) == ("z", 2)
