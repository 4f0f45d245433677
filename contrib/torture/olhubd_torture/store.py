"""The real database on a real file, with its commits as crossings, and a disk that can be full.

The threads of its connections are waited for without letting the loop go on, so that no virtual time passes while
the file is written, and nothing depends on how the machine schedules threads. What a task could see of a slow disk
remains: after each statement the others get their turn.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import functools
import os
import random
import shutil
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

from olhubd.store import TROUBLE
from olhubd.store.sqlite import SQLite, migrate
from olhubd.store.sqlite.ids import Identifiers
from olhubd_torture import inline
from olhubd_torture.crash_points import CrashPoints
from olhubd_torture.power import PowerCutDisk

__all__ = ["NAME", "DiskState", "TortureDatabase", "UnsyncedDatabase", "salvage"]

NAME = "hub.sqlite"


_PATIENCE = 5.0
"""For how long the store waits for a lock; SQLite itself would wait by the clock of the machine."""


class DiskState(enum.StrEnum):
    """How the disk is."""

    SOUND = "sound"
    FULL = "full"
    """Each write fails, without effect."""
    READ_ONLY = "read-only"
    LOCKED = "locked"
    """Another connection is writing all the time."""
    UNSYNCED = "unsynced"
    """Each sync fails, and what was not synced by then may be lost for good. Without a platter it is full."""


class UnsyncedDatabase(SQLite):
    """For who never cuts the power: after `hurry`, nothing is waited for until it is on the disk."""

    _connect = staticmethod(inline.connect)

    async def hurry(self) -> None:
        await self._writer.execute("PRAGMA synchronous = OFF")


class FileBook(Protocol):
    """A book that is kept of what is in the file."""

    def begun(self, file: sqlite3.Connection) -> None:
        """Another life begins with it."""

    def failed(self) -> None:
        """Something could not be stored."""

    def committed(self, file: sqlite3.Connection) -> None:
        """The daemon has committed."""


class TortureDatabase(SQLite):
    """Open it by `TortureDatabase.at`."""

    _connect = staticmethod(inline.connect)

    def __init__(self, path: Path, writer: Any, readers: Sequence[Any], ids: Identifiers) -> None:
        super().__init__(path, writer, readers, ids)
        self.frontier: CrashPoints | None = None
        self._books: tuple[FileBook, ...] = ()
        self.platter: PowerCutDisk | None = None
        """What a cut of the power would leave, where that is watched."""
        self._path = path
        self._disk = DiskState.SOUND
        self._other: sqlite3.Connection | None = None
        """Another one who holds the lock of writing."""
        self.tail: tuple[int, int] = (0, 0)
        """The size of the write-ahead log before and after the last commit, in bytes."""
        self._log = str(path.with_name(f"{path.name}-wal"))

    @classmethod
    @asynccontextmanager
    async def at(
        cls, folder: Path, frontier: CrashPoints, power: random.Random | None = None
    ) -> AsyncIterator[TortureDatabase]:
        """The store in `folder`. A life that was killed leaves it without a word.

        With `power` it is watched what reaches the disk, so that the power can be cut.
        """
        file = folder / NAME
        if not file.exists():
            file.write_bytes(_new(migrate._steps))  # noqa: SLF001 - what a new file is made of
        platter = None if power is None else PowerCutDisk(folder, power)
        with contextlib.nullcontext() if platter is None else platter.spinning():
            async with cls.open(file) as store:
                assert isinstance(store, TortureDatabase)
                store.platter = platter
                await store.enter(frontier)
                try:
                    yield store
                finally:
                    store.release()

    def kept_by(self, *books: FileBook) -> None:
        """Have each commit held against these."""
        self._books = books
        for book in books:
            book.begun(self._rows)

    @property
    def _rows(self) -> sqlite3.Connection:
        """As the writer sees it between two transactions."""
        writer: Any = self._writer
        raw: sqlite3.Connection = writer.raw
        return raw

    async def enter(self, frontier: CrashPoints) -> None:
        """From now on its commits are crossings, and a lock is waited for in virtual time."""
        self.frontier = frontier
        await self._writer.execute("PRAGMA busy_timeout = 0")

    async def become(self, disk: DiskState) -> None:
        """Let the disk be like that from now on."""
        if disk is self._disk:
            return
        self.release()
        self._disk = disk
        if self.platter is not None:
            self.platter.failing = disk is DiskState.UNSYNCED
        with contextlib.suppress(*TROUBLE):
            await self._writer.execute(f"PRAGMA query_only = {'ON' if disk is DiskState.READ_ONLY else 'OFF'}")
        if disk is DiskState.LOCKED:
            while self._writer.in_transaction:  # noqa: ASYNC110 - SQLite has no signal for its end
                await asyncio.sleep(0)
            self._other = sqlite3.connect(self._path, isolation_level=None, timeout=0)
            self._other.execute("BEGIN IMMEDIATE")

    def release(self) -> None:
        """Let the other one go."""
        if self._other is not None:
            self._other.close()
            self._other = None

    async def _attempt(self, works: Sequence[Any]) -> list[Any]:
        if self.frontier is None:
            return await super()._attempt(works)
        await self.frontier.cross("a write begins")
        waited = 0.0
        while self._other is not None and waited < _PATIENCE:
            waited += 0.25
            await asyncio.sleep(0.25)
        if self._disk is DiskState.FULL or (self._disk is DiskState.UNSYNCED and self.platter is None):
            for book in self._books:
                book.failed()
            raise TROUBLE[1]("database or disk is full")
        before, platter = self._size(), self.platter
        unknown, synced = (platter.marked, platter.syncs) if platter is not None else (False, 0)
        if platter is not None:
            platter.mark()
        try:
            results = await super()._attempt(works)
        except BaseException:
            for book in self._books:
                book.failed()
            raise
        for book in self._books:
            book.committed(self._rows)
        self.tail = before, self._size()
        await self.frontier.cross("a write is committed, nobody knows")
        # What failed may be found done after a cut until something is written in its place. A transaction that
        # changed nothing needs no sync, so it goes well on any disk.
        if platter is not None and not (unknown and platter.syncs == synced):
            platter.passed()
        return results

    def _size(self) -> int:
        try:
            return os.stat(self._log).st_size
        except FileNotFoundError:
            return 0

    async def _close(self) -> None:
        if self.frontier is None or not self.frontier.dead:
            await super()._close()


@functools.cache
def _new(_made_by: object) -> bytes:
    """A new file of the latest schema, migrated once and not for each schedule."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / NAME
        migrate.migrate(file)
        return file.read_bytes()


def salvage(old: Path, new: Path, tail: tuple[int, int] | None, dice: random.Random) -> None:
    """Copy the files as a killed process left them. With `tail` the end of the log is torn within the last commit.

    Only a commit of which nothing is known may be torn: what was acknowledged had been synced.
    """
    new.mkdir(parents=True)
    shutil.copyfile(old / NAME, new / NAME)
    log = old / f"{NAME}-wal"
    if not log.exists():
        return
    shutil.copyfile(log, new / log.name)
    if tail is not None and tail[0] < tail[1] == log.stat().st_size:
        with (new / log.name).open("r+b") as file:
            file.truncate(dice.randrange(tail[0], tail[1]))
