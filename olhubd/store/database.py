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
import itertools
import os
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import aiosqlite

from olhubd.store import migrate
from olhubd.store.upgrade import Watcher

__all__ = ["FAILURES", "TROUBLE", "Database", "Reader", "StoreError", "Transaction"]

T = TypeVar("T")
Row = tuple[Any, ...]
Parameters = Sequence[Any]

_GROUP = 64
_READERS = 3
_READING = ("query_only = ON", "busy_timeout = 5000", "wal_autocheckpoint = 0")
_TABLES = ("runs", "orders", "events", "deliveries", "quarantine", "alarms", "reconciliations", "inputs")
_DECIDED = ("orders", "events", "deliveries", "quarantine")
"""The tables in which decisions become rows."""


class StoreError(Exception):
    """The database cannot be used: why, and what to do."""


FAILURES: Final = (StoreError, aiosqlite.Error)
"""What is raised when the database itself is the trouble."""
TROUBLE: Final = (StoreError, aiosqlite.OperationalError)
"""Those of them that have nothing to do with what was to be written."""


Reading = Callable[["Reader"], Coroutine[Any, Any, T]]


class Reader:
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

    async def one(self, sql: str, parameters: Parameters = ()) -> Row | None:
        rows = await self.fetch(sql, parameters)
        return rows[0] if rows else None

    async def together(self, work: Reading[T]) -> T:
        """Run `work`, which awaits nothing but the reader it is given, on what is committed at one moment.

        It runs in the thread of the connection, so it must touch nothing that changes. All its statements together
        cost one way to that thread and back.
        """
        self.waiting += 1
        try:
            done: T = await self._connection.together(work)  # type: ignore[attr-defined]
            return done
        finally:
            self.waiting -= 1


class _Trip(Reader):
    """Reads in the thread of the connection itself, so that nothing is ever waited for."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw
        self.waiting = 0

    async def fetch(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        return self._raw.execute(sql, parameters).fetchall()

    async def together(self, work: Reading[T]) -> T:
        return await work(self)


class _Connection(aiosqlite.Connection):
    """One that can run many statements for the price of one way to its thread and back."""

    async def together(self, work: Reading[T]) -> T:
        done: T = await self._execute(self._together, work)  # type: ignore[no-untyped-call]
        return done

    def _together(self, work: Reading[T]) -> T:
        raw = self._conn
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


class Transaction(Reader):
    """Reads and writes inside the writer's transaction."""

    def __init__(self, connection: aiosqlite.Connection, sequences: dict[str, itertools.count[int]]) -> None:
        super().__init__(connection)
        self._sequences = sequences
        self.recording = False
        """Whether inputs are kept, so that what is decided can be decided again."""

    async def execute(self, sql: str, parameters: Parameters = ()) -> int:
        """Run one statement; gives the number of rows it changed."""
        cursor = await self._connection.execute(sql, parameters)
        return cursor.rowcount

    async def executemany(self, sql: str, rows: Collection[Parameters]) -> None:
        if rows:  # for nothing the way to the connection's thread and back is too long
            await self._connection.executemany(sql, rows)

    def next_id(self, table: str) -> int:
        """A new identifier, in the order of commits."""
        return next(self._sequences[table])

    def upcoming(self) -> list[int]:
        """The identifiers that come next in the tables of decisions."""
        found = []
        for table in _DECIDED:
            found.append(following := next(self._sequences[table]))
            self._sequences[table] = itertools.count(following)
        return found

    def resume(self, upcoming: Sequence[int]) -> None:
        """Go on with these identifiers, where that does not give one twice."""
        for table, wanted, own in zip(_DECIDED, upcoming, self.upcoming(), strict=True):
            self._sequences[table] = itertools.count(max(wanted, own))


Work = Callable[[Transaction], Awaitable[Any]]


class Upgrade(NamedTuple):
    """The schema that a file has now, the copy of it as it was, whose name tells from which one it came, and the
    seconds it took."""

    schema: int
    backup: Path
    took: float


class Database:
    """An open database. Make it by `Database.open`; close it, or the process will not end."""

    _connect: Callable[..., contextlib.AbstractAsyncContextManager[Any]] = staticmethod(_connect)
    """Opens a connection; another one may work without a thread."""

    def __init__(
        self,
        path: Path,
        writer: aiosqlite.Connection,
        readers: Sequence[aiosqlite.Connection],
        sequences: dict[str, itertools.count[int]],
    ) -> None:
        self._path = path
        self._file = path.stat()
        self._writable = True
        self._writer = writer
        self._readers = readers
        self._sequences = sequences
        self._transaction = Transaction(writer, sequences)
        self._idle = [Reader(connection) for connection in readers]
        self._waiting: asyncio.Queue[tuple[Work, asyncio.Future[Any]] | None] = asyncio.Queue()
        self._task = asyncio.create_task(self._write_groups(), name="store writer")
        self._closed = False

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, path: Path, watcher: Watcher | None = None) -> AsyncIterator[Database]:
        """Migrate the file at `path` and open it. Raises StoreError with what to do about it.

        `watcher` hears of an upgrade, in another thread.
        """
        began = asyncio.get_running_loop().time()
        try:
            backup = await asyncio.to_thread(migrate.migrate, path, watcher=watcher)
        except (migrate.SchemaTooNew, migrate.Foreign, migrate.NoRoom) as error:
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
            sequences = {}
            try:
                for table in _TABLES:
                    rows = list(await writer.execute_fetchall(f"SELECT COALESCE(MAX(id), 0) FROM {table}"))
                    sequences[table] = itertools.count(rows[0][0] + 1)
            except aiosqlite.Error as error:
                raise StoreError(_unusable(path, error)) from error
            database = cls(path, writer, readers, sequences)
            if backup is not None:
                database.upgraded = Upgrade(schema=migrate.latest(), backup=backup, took=took)
            try:
                yield database
            finally:
                await database._close()

    upgraded: Upgrade | None = None
    """What the opening changed, if it brought the file to a newer schema."""

    def next_id(self, table: str) -> int:
        """A new identifier for a row that will be written later (a run, before its first landing)."""
        return next(self._sequences[table])

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
    def reader(self) -> Reader:
        """A connection to read what is committed: one that has nothing to do, and of these the one used most."""
        return min(self._idle, key=lambda reader: reader.waiting)

    async def read(self, work: Reading[T]) -> T:
        """Read together what belongs together; see `Reader.together`."""
        return await self.reader.together(work)

    async def answers(self, within: float = 2.0) -> bool:
        """Whether it can be read, in so many seconds, and could be written the last time."""
        if not self._writable:
            return False
        try:
            async with asyncio.timeout(within):
                return await self.reader.one("SELECT 1") == (1,)
        except (*FAILURES, TimeoutError, ValueError):
            return False

    async def write(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
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

    async def _write_group(self, group: list[tuple[Work, asyncio.Future[Any]]]) -> None:
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

    async def _attempt(self, works: Sequence[Work]) -> list[Any]:
        self._present()
        await self._writer.execute("BEGIN IMMEDIATE")
        try:
            results = [await work(self._transaction) for work in works]
            await self._writer.execute("COMMIT")
        except BaseException:
            # A full disk may have ended the transaction by itself already.
            if self._writer.in_transaction:
                await self._writer.execute("ROLLBACK")
            raise
        return results

    def _present(self) -> None:
        """What is written to a file that was deleted is lost when we end: better to stop at once, and loudly."""
        with contextlib.suppress(OSError):
            if os.path.samestat(self._path.stat(), self._file):
                return
        raise StoreError(f"{self._path} was removed or replaced under a running olhubd: stop it, restore the file")


def _unusable(path: Path, error: Exception) -> str:
    broken = any(word in str(error) for word in ("malformed", "not a database", "no such table"))
    return f"{path} cannot be opened: {error}" + (": restore a backup" if broken else "")
