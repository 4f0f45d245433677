"""An upgrade of the file: it is begun where there is room alone, and it shows that it goes on."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from olhubd.decide.own_status import OwnStatus
from olhubd.model import ListPrice, Money, OrderId, PriceBasis, Reduction, code_of
from olhubd.store import Database, StoreError, UpgradeWatcher, accounts, codec, list_prices, orders, own_statuses
from olhubd.store.base import PlannedUpgrade
from olhubd.store.sqlite import migrate, upgrade
from tests.orders import order

Free = Callable[[int], None]
ROWS = 20_000


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A file of the schema before subjects, in which half of the pages are events."""
    path = tmp_path / "hub.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        for number, sql in migrate._steps().items():
            if number < 13:
                connection.executescript(sql)
        connection.executemany(
            "INSERT INTO events VALUES (?, 1, 'account.paused', 'market', NULL, 'run', '1', x'7b7d')",
            [(n,) for n in range(1, ROWS)],
        )
        connection.executemany(
            "INSERT INTO requests (who, key, digest, at, body) VALUES ('eve', ?, x'00', 1, ?)",
            [(str(n), b"x" * 400) for n in range(ROWS // 5)],
        )
        connection.execute("PRAGMA user_version = 12")
        connection.commit()
    return path


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Free:
    """Says how many bytes the disk has."""

    def say(count: int) -> None:
        usage = shutil._ntuple_diskusage(2**50, 2**50 - count, count)
        monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)

    return say


class Listening(UpgradeWatcher):
    def __init__(self) -> None:
        self.begun: list[PlannedUpgrade] = []
        self.signs = 0

    def begins(self, upgrade: PlannedUpgrade) -> None:
        assert not self.begun
        assert self.signs == 0
        self.begun.append(upgrade)

    def goes_on(self) -> None:
        self.signs += 1


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def bytes_of(path: Path) -> bytes:
    return path.read_bytes()


async def test_without_room_nothing_is_begun(old: Path, free: Free) -> None:
    """The message tells what is needed; with a byte more than that it goes on."""
    ahead = migrate.ahead(old)
    assert ahead is not None
    assert (ahead.before, ahead.schema) == (12, migrate.latest())
    free(ahead.needs - 1)
    before = bytes_of(old)
    listening = Listening()
    with pytest.raises(StoreError, match=re.escape(upgrade.mebibytes(ahead.needs))) as refused:
        async with Database.open(old, listening):
            pass
    assert str(old) in str(refused.value)
    assert "nothing was begun" in str(refused.value)
    assert listening.begun == []
    assert bytes_of(old) == before
    assert version(old) == 12
    assert list(old.parent.glob("*.backup")) == []
    free(ahead.needs)
    async with Database.open(old, listening):
        pass
    assert listening.begun == [ahead]
    assert migrate.ahead(old) is None


def test_what_is_needed_is_enough_and_not_the_double(old: Path) -> None:
    """Measured: the backup, the log at its largest, and how much the file has grown."""
    ahead = migrate.ahead(old)
    assert ahead is not None
    log, largest, size = old.with_name(f"{old.name}-wal"), 0, old.stat().st_size

    class Measuring(UpgradeWatcher):
        def goes_on(self) -> None:
            nonlocal largest
            largest = max(largest, log.stat().st_size if log.exists() else 0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrate, "_WORKED_AT_ONCE", 1000)
        backup = migrate.migrate(old, watcher=Measuring())
    assert backup is not None
    used = backup.stat().st_size + largest + old.stat().st_size - size
    assert used <= ahead.needs < 2 * used + upgrade._SLACK


def test_it_shows_that_it_goes_on(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """During the copy, and during the steps."""
    monkeypatch.setattr(migrate, "_COPIED_AT_ONCE", 100)
    monkeypatch.setattr(migrate, "_WORKED_AT_ONCE", 10_000)
    listening, signs = Listening(), []
    apply = migrate._apply

    def counted(connection: sqlite3.Connection, number: int, sql: str) -> None:
        signs.append(listening.signs)
        apply(connection, number, sql)

    monkeypatch.setattr(migrate, "_apply", counted)
    migrate.migrate(old, watcher=listening)
    assert listening.begun
    assert signs[0] > 5
    assert listening.signs > signs[0] + 5


def test_nobody_waits_for_a_new_file(tmp_path: Path) -> None:
    listening = Listening()
    assert migrate.migrate(tmp_path / "hub.sqlite", watcher=listening) is None
    assert listening.begun == []


def test_each_step_says_what_it_writes_anew() -> None:
    """By that the room is reckoned; the first one makes the file."""
    steps = dict(list(migrate._steps().items())[1:])
    for number, sql in steps.items():
        assert upgrade._REWRITES.match(sql), f"step {number} begins without -- Rewrites: TABLES, or nothing"


def test_without_the_table_of_pages_the_whole_file_counts(old: Path) -> None:
    class Bare:
        """A connection to an SQLite that was built without it."""

        def __init__(self, connection: sqlite3.Connection) -> None:
            self._connection = connection

        def execute(self, sql: str, parameters: Sequence[object] = ()) -> sqlite3.Cursor:
            return self._connection.execute(sql.replace("dbstat", "no_such_table"), parameters)

    with closing(sqlite3.connect(old)) as connection:
        bare = upgrade.planned(Bare(connection), old, 12, 13, ["-- Rewrites: events\n"])  # type: ignore[arg-type]
        full = upgrade.planned(connection, old, 12, 13, ["-- Rewrites: events\n"])
        none = upgrade.planned(Bare(connection), old, 12, 13, ["-- Rewrites: nothing\n"])  # type: ignore[arg-type]
    assert bare.needs > full.needs > none.needs
    assert bare.needs == 4 * old.stat().st_size + upgrade._SLACK


async def test_an_account_parked_for_its_key_is_known_by_a_code(tmp_path: Path) -> None:
    """It tries its key again by itself, which an upgrade must not end; other reasons stay as they are."""
    path, at = tmp_path / "hub.sqlite", datetime(2026, 1, 2, tzinfo=UTC)
    words = {"shop": "its key is refused: GET /: 401", "market": "sign-in lost: GET /: 401"}
    rows = [
        accounts.AccountRow(
            name=name, connector="x", state=accounts.AccountState.PARKED, reason=text, changed_at=at
        )
        for name, text in words.items()
    ]
    async with Database.open(path) as database:
        for row in rows:
            await database.write(lambda tx, row=row: accounts.put(tx, row))  # type: ignore[misc]
    with closing(sqlite3.connect(path)) as raw:
        raw.executescript((Path(migrate.__file__).parent / "0017_reasons.sql").read_text())
    async with Database.open(path) as database:
        found = await accounts.every(database.reader)
    assert {name: str(row.reason) for name, row in found.items()} == words
    assert code_of(found["shop"].reason) == "account.key-refused"
    assert code_of(found["market"].reason) is None


async def test_prices_that_were_read_before_are_counted_in_their_lists(tmp_path: Path) -> None:
    """By the currency of each, also where only its reduction has a price."""
    path, at = tmp_path / "hub.sqlite", datetime(2026, 1, 2, tzinfo=UTC)
    zloty, euro = Money(Decimal("12.50"), "PLN"), Money(Decimal(9), "EUR")
    records = [
        ListPrice(item="1", price_list="default", price=zloty, basis=PriceBasis.GROSS),
        ListPrice(item="2", price_list="default", price=zloty, basis=PriceBasis.GROSS),
        ListPrice(item="3", price_list="default", price=None, basis=PriceBasis.GROSS),
        ListPrice(item="1", price_list="sale", price=None, basis=PriceBasis.NET, reduction=Reduction(price=euro)),
    ]
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA journal_mode = WAL")
        for number, sql in migrate._steps().items():
            if number < 33:
                raw.executescript(sql)
        raw.executemany(
            "INSERT INTO list_prices (id, account, external_id, item, price_list, document, digest, read_after,"
            " read_at) VALUES (?, 'shop', ?, ?, ?, ?, x'', 0, ?)",
            [
                (n, one.external_id, one.item, one.price_list, codec.encode(one), codec.stamp(at))
                for n, one in enumerate(records, 1)
            ],
        )
        raw.execute("PRAGMA user_version = 32")
        raw.commit()
    async with Database.open(path) as database:
        found = await list_prices.lists(database.reader)
    assert [(one.name, one.currency, one.prices) for one in found] == [
        ("default", None, 1),
        ("default", "PLN", 2),
        ("sale", "EUR", 1),
    ]
    assert {one.found_at for one in found} == {at}


async def test_orders_from_before_own_statuses_have_none(tmp_path: Path) -> None:
    """An earlier file has neither a list nor statuses of orders, and takes both."""
    path, at = tmp_path / "hub.sqlite", datetime(2026, 1, 2, tzinfo=UTC)
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA journal_mode = WAL")
        for number, sql in migrate._steps().items():
            if number < 39:
                raw.executescript(sql)
        document = codec.encode(order("A"))
        columns = {
            "id": 1,
            "account": "market",
            "external_id": "A",
            "stage": "confirmed",
            "fulfilment": "new",
            "paid": 0,
        }
        columns |= {"placed_at": 1, "currency": "PLN", "total": "15.00", "amount": 150000, "created_at": 1}
        columns |= {"changed_at": 1, "digest": b"0", "document": document}
        raw.execute(
            f"INSERT INTO orders ({', '.join(columns)}) VALUES ({codec.marks(list(columns))})",
            list(columns.values()),
        )
        raw.execute("PRAGMA user_version = 38")
        raw.commit()
    async with Database.open(path) as database:
        stored = await orders.get(database.reader, 1)
        assert stored is not None
        assert stored.own_status is None
        assert await own_statuses.every(database.reader) == []
        kept = own_statuses.KeptStatus(
            status=OwnStatus(name="packed", title="Packed"), changed_by="ola", changed_at=at
        )
        await database.write(lambda tx: own_statuses.replace(tx, [kept]))
        await database.write(lambda tx: orders.set_own_status(tx, OrderId(1), "packed", at))
    async with Database.open(path) as database:
        assert await own_statuses.every(database.reader) == [kept]
        assert await orders.with_own_status(database.reader) == {"packed": 1}
