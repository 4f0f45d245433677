"""The SQLite file: one connection that writes in groups, a few that only read.

Writing is a unit of work: an async function that gets a `Transaction` and awaits nothing else. All units that
wait at one moment share a transaction, so a commit to disk is paid once for many. When one of a group fails, the
group is rolled back and each unit runs again alone, so that the failing one hurts nobody; hence a unit may run
twice and must not change anything but the database. A caller that is cancelled does not undo its unit.

There is exactly one writing and checkpointing connection in the world; the command line talks to the daemon.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import uuid
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import aiosqlite

from olhubd.store import base
from olhubd.store.base import Parameters, Reading, Row, StoreError, Upgrade, UpgradeWatcher, Work
from olhubd.store.sqlite import migrate
from olhubd.store.sqlite.ids import Identifiers

__all__ = ["FAILURES", "TROUBLE", "FileReader", "FileTransaction", "SQLite"]

T = TypeVar("T")

_GROUP = 64
_READERS = 3
_READING = ("query_only = ON", "busy_timeout = 5000", "wal_autocheckpoint = 0")

FAILURES: Final = (StoreError, aiosqlite.Error)
"""What is raised when the database itself is the trouble."""
TROUBLE: Final = (StoreError, aiosqlite.OperationalError)
"""Those of them that have nothing to do with what was to be written."""


class FileReader(base.Reader):
    """Reads on one connection. `waiting` is how much of it is under way."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection
        self.waiting = 0

    async def fetch(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        self.waiting += 1
        try:
            return list(await self._connection.execute_fetchall(sql, parameters))  # type: ignore[arg-type]
        finally:
            self.waiting -= 1

    async def together(self, work: Reading[T]) -> T:
        """It runs in the thread of the connection. All its statements cost one way there and back."""
        self.waiting += 1
        try:
            done: T = await self._connection.together(work)  # type: ignore[attr-defined]
            return done
        finally:
            self.waiting -= 1


class _Trip(base.Reader):
    """Reads in the thread of the connection itself, so that nothing is ever waited for."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw

    async def fetch(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        return self._raw.execute(sql, parameters).fetchall()

    async def together(self, work: Reading[T]) -> T:
        return await work(self)


class _Connection(aiosqlite.Connection):
    """One that can run many statements for the price of one way to its thread and back."""

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in the thread of the connection."""
        done: T = await self._execute(work, self._conn)  # type: ignore[no-untyped-call]
        return done

    async def together(self, work: Reading[T]) -> T:
        return await self.run(partial(_together, work))


def _together(work: Reading[T], raw: sqlite3.Connection) -> T:
    raw.execute("BEGIN")
    unit = work(_Trip(raw))
    try:
        unit.send(None)
    except StopIteration as stop:
        done: T = stop.value
        return done
    finally:
        unit.close()
        raw.execute("COMMIT")
    raise RuntimeError("a unit that reads awaited something else than its reader")


def _connect(path: Path, **named: Any) -> _Connection:
    return _Connection(partial(sqlite3.connect, path, **named), iter_chunk_size=64)


def _cache(path: Path) -> int:
    """KiB of pages that each connection may keep: by the file as it is now, so that a small hub stays small."""
    return min(16_000, max(2_000, path.stat().st_size // 1024 // 64))


class FileTransaction(FileReader, base.Transaction):
    """Reads and writes inside the writer's transaction."""

    def __init__(self, connection: aiosqlite.Connection, ids: Identifiers) -> None:
        super().__init__(connection)
        self._ids = ids
        self.holder = uuid.uuid4().hex
        self.held: dict[str, int] = {}

    async def execute(self, sql: str, parameters: Parameters = ()) -> int:
        cursor = await self._connection.execute(sql, parameters)
        return cursor.rowcount

    async def executemany(self, sql: str, rows: Collection[Parameters]) -> int:
        if not rows:  # for nothing the way to the connection's thread and back is too long
            return 0
        cursor = await self._connection.executemany(sql, rows)
        return cursor.rowcount

    async def next_id(self, table: str) -> int:
        """Numbers of rows that are written in the transaction itself come in the order of commits."""
        return self._ids.next(table)


class SQLite(base.Database):
    """An open file. Make it by `SQLite.open`; close it, or the process will not end."""

    _connect: Callable[..., contextlib.AbstractAsyncContextManager[Any]] = staticmethod(_connect)
    """Opens a connection; another one may work without a thread."""

    def __init__(
        self,
        path: Path,
        writer: _Connection,
        readers: Sequence[aiosqlite.Connection],
        ids: Identifiers,
    ) -> None:
        self._path = path
        self._file = path.stat()
        self._writable = True
        self._writer = writer
        self._readers = readers
        self._ids = ids
        self._transaction = FileTransaction(writer, ids)
        self._idle = [FileReader(connection) for connection in readers]
        self._waiting: asyncio.Queue[tuple[Work[Any], asyncio.Future[Any]] | None] = asyncio.Queue()
        self._task = asyncio.create_task(self._write_groups(), name="store writer")
        self._closed = False

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, place: Path, watcher: UpgradeWatcher | None = None) -> AsyncIterator[SQLite]:
        """Migrate the file at `place` and open it. Raises StoreError with what to do about it.

        `watcher` is called about an upgrade, in another thread.
        """
        path, began = place, asyncio.get_running_loop().time()
        try:
            backup = await asyncio.to_thread(migrate.migrate, path, watcher=watcher)
        except (migrate.SchemaTooNew, migrate.ForeignDatabase, migrate.NoRoomForUpgrade) as error:
            raise StoreError(str(error)) from error
        except UnicodeDecodeError as error:  # of a text that SQLite quotes to say that its schema is damaged
            raise StoreError(f"{path} cannot be opened: it is damaged: restore a backup") from error
        except (aiosqlite.Error, OSError) as error:
            raise StoreError(_unusable(path, error)) from error
        took = asyncio.get_running_loop().time() - began
        async with contextlib.AsyncExitStack() as stack:
            writer = await stack.enter_async_context(cls._connect(path, isolation_level=None))
            for pragma in (
                "synchronous = FULL",
                "foreign_keys = ON",
                "secure_delete = ON",  # what was erased must not stay in free pages
                "busy_timeout = 5000",
                "temp_store = MEMORY",
                "journal_size_limit = 67108864",
                f"cache_size = -{_cache(path)}",
            ):
                await writer.execute(f"PRAGMA {pragma}")
            readers = []
            for _ in range(_READERS):
                reader = await stack.enter_async_context(cls._connect(path, isolation_level=None))
                for pragma in (*_READING, f"cache_size = -{_cache(path)}"):
                    await reader.execute(f"PRAGMA {pragma}")
                readers.append(reader)
            ids = Identifiers()
            try:
                await writer.run(ids.look)
            except aiosqlite.Error as error:
                raise StoreError(_unusable(path, error)) from error
            database = cls(path, writer, readers, ids)
            if backup is not None:
                database.upgraded = Upgrade(schema=migrate.latest(), backup=backup, took=took)
            try:
                yield database
            finally:
                await database._close()

    alone = True
    """The process that works with the file holds the lock of its directory."""

    @property
    def held(self) -> dict[str, int]:  # type: ignore[override]
        return self._transaction.held

    async def next_id(self, table: str) -> int:
        while (found := self._ids.take(table)) is None:
            await self.write(_nothing)  # which renews the block
        return found

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    @property
    def recording(self) -> bool:
        """Whether inputs are kept."""
        return self._transaction.recording

    @recording.setter
    def recording(self, wanted: bool) -> None:
        self._transaction.recording = wanted

    @property
    def reader(self) -> FileReader:
        """A connection to read what is committed: one that has nothing to do, and of these the one used most."""
        return min(self._idle, key=lambda reader: reader.waiting)

    async def answers(self, within: float = 2.0) -> bool:
        """Whether it can be read, in so many seconds, and could be written the last time."""
        if not self._writable:
            return False
        try:
            async with asyncio.timeout(within):
                return await self.reader.one("SELECT 1") == (1,)
        except (*FAILURES, TimeoutError, ValueError):
            return False

    async def write(self, work: Work[T]) -> T:
        """Run `work` in a transaction and return its result once that is durable."""
        if self._closed:
            raise StoreError("the database is closed")
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait((work, done))
        return await asyncio.shield(done)

    async def _close(self) -> None:
        self._closed = True
        self._waiting.put_nowait(None)
        await self._task
        with contextlib.suppress(aiosqlite.Error):
            await self._writer.run(self._ids.give_back)
            await self._writer.execute("PRAGMA optimize")

    async def _write_groups(self) -> None:
        while (unit := await self._waiting.get()) is not None:
            group = [unit]
            last = False
            while len(group) < _GROUP and not self._waiting.empty():
                another = self._waiting.get_nowait()
                if another is None:
                    last = True
                    break
                group.append(another)
            await self._write_group(group)
            if last:
                return

    async def _write_group(self, group: list[tuple[Work[Any], asyncio.Future[Any]]]) -> None:
        try:
            results = await self._attempt([work for work, _ in group])
            self._writable = True
        except Exception as error:
            if isinstance(error, TROUBLE):
                self._writable = False
            if len(group) > 1:
                for unit in group:
                    await self._write_group([unit])
            elif not group[0][1].cancelled():
                group[0][1].set_exception(error)
            return
        for (_, done), result in zip(group, results, strict=True):
            if not done.cancelled():
                done.set_result(result)

    async def _attempt(self, works: Sequence[Work[Any]]) -> list[Any]:
        self._present()
        try:
            reserved = await self._writer.run(partial(self._begin, self._ids.low()))
            results = [await work(self._transaction) for work in works]
            await self._writer.execute("COMMIT")
        except BaseException:
            # A full disk may have ended the transaction by itself already.
            if self._writer.in_transaction:
                await self._writer.execute("ROLLBACK")
            raise
        self._ids.keep(reserved)
        return results

    def _begin(self, low: Sequence[str], raw: sqlite3.Connection) -> dict[str, range]:
        """All that a transaction begins with, for one way to the thread and back."""
        raw.execute("BEGIN IMMEDIATE")
        self._ids.look(raw)
        return self._ids.reserve(raw, low)

    def _present(self) -> None:
        """What is written to a file that was deleted is lost when we end: better to stop at once, and loudly."""
        with contextlib.suppress(OSError):
            if os.path.samestat(self._path.stat(), self._file):
                return
        raise StoreError(f"{self._path} was removed or replaced under a running olhubd: stop it, restore the file")


async def _nothing(tx: base.Transaction) -> None:
    """A unit for the sake of what each transaction does."""


def _unusable(path: Path, error: Exception) -> str:
    broken = any(word in str(error) for word in ("malformed", "not a database", "no such table"))
    return f"{path} cannot be opened: {error}" + (": restore a backup" if broken else "")
