"""Whatever became of the database's files, a start works or is refused in words; it never empties them silently."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from olhubd.engine.flow.landing import Landing
from olhubd.model import Run, RunId
from olhubd.runtime.clock import SystemClock
from olhubd.store import FAILURES, Database, StoreError, orders, runs
from olhubd.store.sqlite.migrate import latest
from olhubd_kit.demo_stack import write_configuration
from tests.fuzz.effort import LIMIT, effort, tried
from tests.orders import EPOCH, order

NAME = "olhubd.sqlite"
ORDERS = 300


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database of some orders, closed; in `live` the same as a crash would leave it."""
    folder = tmp_path_factory.mktemp("sound")

    async def fill() -> None:
        async with Database.open(folder / NAME) as database:
            landing = Landing(database, SystemClock(), list, lambda _: None)
            run = Run(id=RunId(1), account="market", feed="orders", trigger="timer", started_at=EPOCH)
            await landing.land("market", [order(str(n)) for n in range(ORDERS)], run=run)
            (folder / "live").mkdir()
            for path in folder.glob(f"{NAME}*"):
                shutil.copy(path, folder / "live")

    asyncio.run(fill())
    return folder


async def _use(path: Path) -> int | None:
    """How many orders are there; None when the database refuses. Anything else that is raised is a defect."""
    try:
        async with asyncio.timeout(LIMIT), Database.open(path) as database:
            try:
                rows = await database.reader.fetch("SELECT id FROM orders")
                await orders.read(database.reader, [row[0] for row in rows[:50]])

                await database.write(runs.lose)
            except (*FAILURES, msgspec.MsgspecError, ValueError):
                return None
            return len(rows)
    except StoreError as error:
        text = str(error)
        assert str(path) in text
        assert 20 < len(text) < 600
        return None


def _intact(path: Path) -> bool:
    connection = sqlite3.connect(path)
    try:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    except sqlite3.DatabaseError:
        return False
    finally:
        connection.close()


def _tried(sound: Path, damage: Callable[[Path], object]) -> None:
    with tempfile.TemporaryDirectory(dir=sound) as folder:
        path = Path(folder) / NAME
        for source in sound.glob(f"{NAME}*"):
            shutil.copy(source, folder)
        damage(path)
        there = asyncio.run(_use(path))
        tried("database files")
        if there is not None and there != ORDERS:
            # Fewer may be left only where SQLite itself can tell what is wrong.
            assert not _intact(path), there


def test_a_schema_that_is_no_text(sound: Path) -> None:
    """SQLite quotes it to say what is wrong, and the quotation cannot be read as text."""

    def damage(path: Path) -> None:
        content = path.read_bytes()
        at = content.index(b"CREATE TABLE accounts")
        path.write_bytes(content[:at] + b"\x80" * 6 + content[at + 6 :])

    with tempfile.TemporaryDirectory(dir=sound) as folder:
        path = Path(folder) / NAME
        for source in sound.glob(f"{NAME}*"):
            shutil.copy(source, folder)
        damage(path)
        assert asyncio.run(_use(path)) is None


def test_flipped_bytes(sound: Path) -> None:
    size = (sound / NAME).stat().st_size
    places = st.integers(0, 200) | st.integers(0, size - 1)

    @effort(40)
    @given(st.lists(st.tuples(places, st.integers(0, 255)), min_size=1, max_size=30))
    def each(flips: list[tuple[int, int]]) -> None:
        def damage(path: Path) -> None:
            content = bytearray(path.read_bytes())
            for at, value in flips:
                content[at % len(content)] = value
            path.write_bytes(content)

        _tried(sound, damage)

    each()


def test_zeroed_and_random_pages(sound: Path) -> None:
    pages = (sound / NAME).stat().st_size // 4096

    @effort(20)
    @given(st.lists(st.integers(0, pages - 1), min_size=1, max_size=4), st.booleans())
    def each(which: list[int], zero: bool) -> None:
        def damage(path: Path) -> None:
            content = bytearray(path.read_bytes())
            for page in which:
                content[page * 4096 : (page + 1) * 4096] = bytes(4096) if zero else bytes(range(256)) * 16
            path.write_bytes(content)

        _tried(sound, damage)

    each()


def test_truncated_files(sound: Path) -> None:
    size = (sound / NAME).stat().st_size

    @effort(20)
    @given(st.integers(0, 5000) | st.integers(0, size - 1), st.binary(max_size=64))
    def each(at: int, more: bytes) -> None:
        _tried(sound, lambda path: path.write_bytes(path.read_bytes()[:at] + more))

    each()


def test_a_log_that_is_torn_gone_or_another(sound: Path) -> None:
    """What a commit has not told of may be gone; the rest opens, or is refused."""

    @effort(20)
    @given(
        st.sampled_from(["-wal", "-shm", ""]),
        st.sampled_from(["cut", "drop", "noise", "flip"]),
        st.integers(0, 10**6),
    )
    def each(which: str, how: str, at: int) -> None:
        with tempfile.TemporaryDirectory(dir=sound) as folder:
            for source in (sound / "live").iterdir():
                shutil.copy(source, folder)
            path = Path(folder) / f"{NAME}{which}"
            content = path.read_bytes()
            if how == "drop":
                path.unlink()
            elif how == "cut":
                path.write_bytes(content[: at % (len(content) + 1)])
            elif how == "noise":
                path.write_bytes(os.urandom(len(content)))
            elif content:
                path.write_bytes(content[: at % len(content)] + b"\xa5" + content[at % len(content) + 1 :])
            asyncio.run(_use(Path(folder) / NAME))
            tried("database files")

    each()


def _schema(number: int) -> Callable[[Path], object]:
    def change(path: Path) -> None:
        connection = sqlite3.connect(path)
        connection.execute(f"PRAGMA user_version = {number}")
        connection.close()

    return change


def _foreign(path: Path) -> None:
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE bookmarks (id INTEGER)")
    connection.close()


def _gone_with_its_log_left(path: Path) -> None:
    path.with_name(f"{NAME}-wal").write_bytes(b"7" * 5000)
    path.unlink()


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty": (lambda path: path.write_bytes(b""), "restore a backup"),
    "gone, its log left": (_gone_with_its_log_left, "restore both files"),
    "no database": (lambda path: path.write_bytes(b"<html>" * 1000), "restore a backup"),
    "another program's": (_foreign, "another program"),
    "newer": (_schema(latest() + 1), "newer olhubd"),
    "a folder": (_folder, "cannot be opened"),
    "cut in half": (lambda path: path.write_bytes(path.read_bytes()[:20_000]), "restore a backup"),
}


@pytest.mark.parametrize("kind", sorted(REFUSED))
def test_the_daemon_refuses_in_words(kind: str, sound: Path, tmp_path: Path) -> None:
    """The command itself, as systemd starts it: a sentence and what to do, no traceback, nothing changed."""
    damage, words = REFUSED[kind]
    path = write_configuration(tmp_path, {}, [], {}, "127.0.0.1:0")
    (tmp_path / "data").mkdir(mode=0o700)
    file = tmp_path / "data" / NAME
    shutil.copy(sound / NAME, file)
    damage(file)
    before = file.read_bytes() if file.is_file() else None
    command = [sys.executable, "-m", "olhubd", "run", "--config", str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
    tried("database files")
    said = ended.stdout + ended.stderr
    assert ended.returncode == 1, said
    assert words in said
    assert "Traceback" not in said
    assert (file.read_bytes() if file.is_file() else None) == before


def test_a_file_cut_to_a_single_byte(sound: Path) -> None:
    """SQLite takes it for an empty database, and all orders for never seen: it began as new without a word."""
    for rest in (1, 20, 511):
        with tempfile.TemporaryDirectory(dir=sound) as folder:
            path = Path(folder) / NAME
            path.write_bytes((sound / NAME).read_bytes()[:rest])
            assert asyncio.run(_use(path)) is None
            assert path.stat().st_size == rest
