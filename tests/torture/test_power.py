"""Cuts of the power: what was synced stays, what was acknowledged was synced, and nothing else is believed.

`PRAGMA synchronous` decides about it: with OFF each test here is red, with NORMAL those of acknowledged rows.
"""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from unittest import mock

import msgspec
import pytest

from olhubd.store import TROUBLE, Transaction, accounts
from olhubd.store.sqlite import SQLite, migrate
from olhubd_torture import inline
from olhubd_torture.campaign import SMALL, at_every_crossing
from olhubd_torture.crash_points import CrashPoints
from olhubd_torture.power import PowerCutDisk
from olhubd_torture.run_schedule import play
from olhubd_torture.schedule import ScheduleStep
from olhubd_torture.store import DiskState, TortureDatabase
from olhubd_torture.upgrade import upgrades
from olhubd_torture.vfs import unreachable
from tests.orders import EPOCH
from tests.torture.mutations import MUTATIONS, swap

pytestmark = pytest.mark.skipif(unreachable() is not None, reason=str(unreachable()))

NAME = "hub.sqlite"


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    (tmp_path / "disk").mkdir()
    return tmp_path / "disk"


def cut(platter: PowerCutDisk, there: Path, seed: int) -> Path:
    """The folder as it may be found after a cut."""
    found = there / f"found-{seed}"
    platter.cut(found, random.Random(seed))
    return found


def rows(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / NAME)) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM accounts ORDER BY name")]


async def add(tx: Transaction, name: str) -> None:
    row = accounts.AccountRow(name=name, connector="test", state=accounts.AccountState.ACTIVE, changed_at=EPOCH)
    await accounts.put(tx, row)


async def test_what_was_acknowledged_outlives_a_cut(disk: Path, tmp_path: Path) -> None:
    """Invariants 1 and 3: a write returns when it is durable, whatever of the rest reaches the disk."""
    platter = PowerCutDisk(disk, random.Random(1))
    told: list[str] = []
    with platter.spinning():
        async with SQLite.open(disk / NAME) as database:
            for number in range(30):
                await database.write(lambda tx, name=f"{number:03}": add(tx, name))  # type: ignore[misc]
                told.append(f"{number:03}")
                assert rows(cut(platter, tmp_path, number)) == told
    assert platter.syncs > 30


@pytest.mark.parametrize("mode", ["OFF", "NORMAL"])
async def test_a_store_that_does_not_sync_is_found_out(disk: Path, tmp_path: Path, mode: str) -> None:
    """The same, seen by a database whose commits are only handed to the system."""
    platter = PowerCutDisk(disk, random.Random(1))
    lost = 0
    with platter.spinning():
        async with SQLite.open(disk / NAME) as database:
            await database._writer.execute(f"PRAGMA synchronous = {mode}")
            for number in range(30):
                await database.write(lambda tx, name=f"{number:03}": add(tx, name))  # type: ignore[misc]
                try:
                    lost += len(rows(cut(platter, tmp_path, number))) <= number
                except sqlite3.DatabaseError:
                    lost += 1
    assert lost > 10


async def test_what_could_not_be_synced_was_never_acknowledged(disk: Path, tmp_path: Path) -> None:
    """A write whose sync fails raises; what is written later is whole, though the system forgot what failed."""
    for seed in range(20):
        place = disk / str(seed)
        place.mkdir()
        platter = PowerCutDisk(place, random.Random(seed))
        with platter.spinning():
            async with SQLite.open(place / NAME) as database:
                await database.write(lambda tx: add(tx, "before"))
                platter.failing = True
                for _ in range(3):
                    with pytest.raises(TROUBLE):
                        await database.write(lambda tx: add(tx, "never"))
                platter.failing = False
                await database.write(lambda tx: add(tx, "after"))
                found = cut(platter, tmp_path, seed)
                assert rows(found) == ["after", "before"]
                with closing(sqlite3.connect(found / NAME)) as connection:
                    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_a_write_of_nothing_is_no_word_about_one_that_could_not_be_synced(disk: Path) -> None:
    """It needs no sync and goes well on any disk. What failed before it may still be found done after a cut, until
    something is written in its place."""

    async def nothing(_tx: Transaction) -> None:
        pass

    async with TortureDatabase.at(disk, CrashPoints(lambda _what: None), random.Random(1)) as store:
        assert store.platter is not None
        await store.write(lambda tx: add(tx, "before"))  # with the numbers that are reserved in advance
        await store.become(DiskState.UNSYNCED)
        with pytest.raises(TROUBLE):
            await store.write(lambda tx: add(tx, "lost"))
        await store.write(nothing)
        assert store.platter.marked
        await store.become(DiskState.SOUND)
        await store.write(lambda tx: add(tx, "kept"))
        assert not store.platter.marked
        await store.write(nothing)
        assert not store.platter.marked


def test_a_first_start_may_lose_its_power_at_each_sync(disk: Path, tmp_path: Path) -> None:
    """The next one begins anew or goes on; it never takes what it finds for a lost or a foreign database."""
    platter = PowerCutDisk(disk, random.Random(1))
    cuts: list[Path] = []

    def fall() -> None:
        for _ in range(4):
            cuts.append(cut(platter, tmp_path, len(cuts)))

    platter.before_sync = fall
    with platter.spinning():
        migrate.migrate(disk / NAME)
    fall()
    assert len(cuts) > 30
    for found in cuts:
        migrate.migrate(found / NAME)
        assert rows(found) == []
    assert (cuts[-1] / NAME).exists()


def test_a_migration_may_lose_its_power_at_every_sync() -> None:
    """From the last schema but one; the backup is on the disk before the first step is."""
    (upgrade,) = upgrades([list(migrate._steps())[8]])  # one that writes every order anew
    assert upgrade.findings == []
    assert upgrade.cuts > 30


def test_a_backup_has_its_name_before_the_first_step(disk: Path, tmp_path: Path) -> None:
    """SQLite syncs the folder with a log that it makes; one that a death left behind brings nobody to do so."""
    older = dict(list(migrate._steps().items())[:-1])
    with mock.patch.object(migrate, "_steps", return_value=older):
        migrate.migrate(disk / NAME)
        version = migrate.latest()
    backup = f"{NAME}.schema-{version}.backup"
    platter = PowerCutDisk(disk, random.Random(1))
    cuts: list[Path] = []

    def fall(*_: object) -> None:
        cuts.extend(cut(platter, tmp_path, seed) for seed in range(20))

    with swap(migrate, "_apply", fall), platter.spinning():
        migrate.migrate(disk / NAME)
    assert len(cuts) == 20
    for found in cuts:
        with closing(sqlite3.connect(f"file:{found / backup}?mode=ro", uri=True)) as connection:
            assert connection.execute("PRAGMA user_version").fetchone() == (version,)


@pytest.mark.parametrize("name", ["_sync", "_apply"])
def test_a_migration_that_does_not_sync_is_found_out(name: str) -> None:
    """Seen by a backup that is not synced, and by steps that are not."""
    apply = migrate._apply

    def careless(connection: sqlite3.Connection, number: int, sql: str) -> None:
        connection.execute("PRAGMA synchronous = OFF")
        apply(connection, number, sql)

    broken: dict[str, Callable[..., None]] = {"_sync": lambda path: None, "_apply": careless}
    with swap(migrate, name, broken[name]):
        found = upgrades(list(migrate._steps())[-6:-2])  # what a cut leaves is drawn: one of them may be lucky
        assert any(upgrade.findings for upgrade in found)


def test_the_power_may_be_cut_at_every_crossing() -> None:
    """An order and a renewed token, each call and commit of them; one in five here."""
    cuts = 0
    for name in ("an order", "a refresh whose answer is lost"):
        for result in at_every_crossing(msgspec.structs.replace(SMALL[name], power=True), stride=5):
            assert result.findings == []
            cuts += result.cuts
    assert cuts > 30


def test_a_disk_that_cannot_sync_is_survived() -> None:
    """Half a minute in which each sync fails, with a cut of the power in it and one after it."""
    for at in (4.0, 6.0, 30.0):
        steps = (
            *SMALL["an order"].steps,
            ScheduleStep(at=at, verb="disk", what="unsynced", seconds=30.0),
            ScheduleStep(at=at + 1.5, verb="kill", count=3, what="power", seconds=1.0),
            ScheduleStep(at=at + 60.0, verb="kill", count=1, what="power", seconds=1.0),
        )
        result = play(SMALL["an order"].having(tuple(sorted(steps, key=lambda step: step.at))))
        assert result.findings == []
        assert result.cuts >= 1


# The disk itself


def test_what_is_not_synced_may_stay_in_part_and_what_is_stays(disk: Path, tmp_path: Path) -> None:
    (disk / "old").write_bytes(b"o" * 2048)
    platter = PowerCutDisk(disk, random.Random(1))
    file = platter.opened("old", True)
    platter.wrote(file, 0, b"s" * 2048)
    assert platter.synced(file, False)
    platter.wrote(file, 512, b"n" * 1024)
    found = {(cut(platter, tmp_path, seed) / "old").read_bytes() for seed in range(60)}
    sectors = {tuple(chr(content[at]) for at in range(0, 2048, 512)) for content in found}
    assert sectors == {("s", first, second, "s") for first in "sn" for second in "sn"}


def test_a_name_stays_when_its_folder_was_synced(disk: Path, tmp_path: Path) -> None:
    platter = PowerCutDisk(disk, random.Random(1))
    with platter.spinning():
        (disk / "a").write_bytes(b"whole")
        os.rename(disk / "a", disk / "b")
        before = {tuple(sorted(os.listdir(cut(platter, tmp_path, seed)))) for seed in range(40)}
        descriptor = os.open(disk, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
        after = {tuple(sorted(os.listdir(cut(platter, tmp_path, 100 + seed)))) for seed in range(40)}
        (disk / "b").unlink()
        gone = {tuple(sorted(os.listdir(cut(platter, tmp_path, 200 + seed)))) for seed in range(40)}
    assert () in before
    assert after == {("b",)}
    assert gone == {("b",), ()}


@pytest.mark.parametrize("name", ["never synced", "synced at checkpoints only", "a token used before it is synced"])
def test_what_is_not_durable_is_missed(name: str) -> None:
    plays, found = MUTATIONS[name].hidden()
    assert found is not None, f"not found in {plays} plays"
    assert found.cuts


def test_without_a_view_of_the_disk_a_cut_is_a_death() -> None:
    with mock.patch("olhubd_torture.vfs.unreachable", return_value="a static library"):
        result = play(msgspec.structs.replace(SMALL["an order"], power=True), kills=[20])
    assert (result.findings, result.kills, result.cuts) == ([], 1, 0)


def test_the_store_of_the_torture_syncs_as_the_real_one_does() -> None:
    """Its connections work without a thread; how they sync is the store's own choice."""
    said: list[str] = []
    execute = inline.InlineConnection.execute

    async def listening(self: inline.InlineConnection, sql: str, parameters: object = ()) -> sqlite3.Cursor:
        said.append(sql)
        return await execute(self, sql, parameters)

    with mock.patch.object(inline.InlineConnection, "execute", listening):
        play(SMALL["an order"])
    assert "PRAGMA synchronous = FULL" in said
    assert not [sql for sql in said if "synchronous" in sql and "FULL" not in sql]
