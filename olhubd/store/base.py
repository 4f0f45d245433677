"""The port: what the tables and the engine may ask of a database, whichever it is.

Writing is a unit of work: an async function that gets a `Transaction` and awaits nothing else. A home may run a
unit twice, so a unit changes nothing but the database. A caller that is cancelled does not undo its unit: cancelled
does not mean uncommitted.

Statements are standard SQL with `?` for each parameter, understood by SQLite and by PostgreSQL; the home puts its
own marks in their place. What only one database knows is in the folder of that home.
"""

from __future__ import annotations

import abc
import contextlib
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

__all__ = [
    "Database",
    "LeaseLost",
    "Parameters",
    "PlannedUpgrade",
    "Reader",
    "Reading",
    "Row",
    "StoreError",
    "Transaction",
    "Upgrade",
    "UpgradeWatcher",
    "Work",
]

T = TypeVar("T")
Row = tuple[Any, ...]
Parameters = Sequence[Any]


class StoreError(Exception):
    """The database cannot be used: why, and what to do."""


class LeaseLost(Exception):
    """Another process has taken the account over: nothing was written, and this one must write no more for it."""

    def __init__(self, account: str) -> None:
        super().__init__(f"another process has taken {account} over; nothing is written for it here any more")


class Reader(abc.ABC):
    """Reads what is committed."""

    @abc.abstractmethod
    async def fetch(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """All rows that a statement finds."""

    async def one(self, sql: str, parameters: Parameters = ()) -> Row | None:
        """The first row that it finds; None without any."""
        rows = await self.fetch(sql, parameters)
        return rows[0] if rows else None

    @abc.abstractmethod
    async def together(self, work: Reading[T]) -> T:
        """Run `work`, which awaits nothing but the reader it is given, on what is committed at one moment.

        It may run in another thread, so it must touch nothing that changes.
        """


class Transaction(Reader):
    """Reads and writes, all or nothing."""

    recording = False
    """Whether inputs are kept, so that what is decided can be decided again."""
    holder: str
    """The name of this open database among all that are open on the same data."""
    held: Mapping[str, int]
    """The accounts that it has taken over, with the epoch of each (`olhubd.store.leases`)."""

    @abc.abstractmethod
    async def execute(self, sql: str, parameters: Parameters = ()) -> int:
        """Run one statement. Returns the number of rows it changed."""

    @abc.abstractmethod
    async def executemany(self, sql: str, rows: Collection[Parameters]) -> int:
        """Run one statement for each of these rows of parameters. Returns how many rows they changed in all."""

    @abc.abstractmethod
    async def next_id(self, table: str) -> int:
        """A new identifier for a row of `table`, which nobody else is given.

        Within one transaction they grow. Those of two that run at once may be mixed, so that a reader who follows a
        table by its identifiers alone may miss one (see `olhubd.store.events.since`).
        """


Reading = Callable[[Reader], Coroutine[Any, Any, T]]
"""Several reads that belong together."""
Work = Callable[[Transaction], Awaitable[T]]
"""A unit of work."""


class Upgrade(NamedTuple):
    """The schema that a database has now, the copy of it as it was, whose name says from which one it came, and
    the seconds it took."""

    schema: int
    backup: Path
    took: float


class PlannedUpgrade(msgspec.Struct, frozen=True, kw_only=True):
    """An upgrade of the file at `path` from one schema to another, about to begin.

    `size` is that of its backup and `needs` what must be free on the disk, in bytes; it takes about `seconds`.
    """

    path: Path
    before: int
    schema: int
    size: int
    needs: int
    seconds: int


class UpgradeWatcher:
    """Called about an upgrade, in the thread that does it. This one does nothing."""

    def begins(self, upgrade: PlannedUpgrade) -> None:
        """It is about to begin."""

    def goes_on(self) -> None:
        """It is not stuck: called every few moments while there is progress."""


class Database(abc.ABC):
    """An open database."""

    upgraded: Upgrade | None = None
    """What the opening changed, if it brought the database to a newer schema."""
    recording: bool
    """Whether inputs are kept."""
    alone: bool
    """Whether no other process can be at work with the same data, so that what was left is nobody's any more."""
    held: dict[str, int]
    """The accounts that this process has taken over, with the epoch of each (`olhubd.store.leases`)."""

    @staticmethod
    def open(
        place: Path, watcher: UpgradeWatcher | None = None
    ) -> contextlib.AbstractAsyncContextManager[Database]:
        """Open the database at `place`, the path of an SQLite file, and bring it to the schema of this version.

        `watcher` is called about an upgrade, in another thread. Raises StoreError with what to do about it.
        """
        from olhubd.store.sqlite import SQLite  # a home needs the port; the port chooses a home only here

        return SQLite.open(place, watcher)

    @property
    @abc.abstractmethod
    def path(self) -> Path:
        """Where its data are, to look at the disk."""

    @property
    @abc.abstractmethod
    def reader(self) -> Reader:
        """Reads what is committed."""

    async def read(self, work: Reading[T]) -> T:
        """Read together what belongs together; see `Reader.together`."""
        return await self.reader.together(work)

    @abc.abstractmethod
    async def write(self, work: Work[T]) -> T:
        """Run `work` in a transaction and return its result once that is durable."""

    @abc.abstractmethod
    async def next_id(self, table: str) -> int:
        """A new identifier for a row that will be written later: a run, an alarm, the count of a day.

        Nobody else is given it, in this process or another. Some may be left out.
        """

    @abc.abstractmethod
    async def answers(self, within: float = 2.0) -> bool:
        """Whether it can be read, in so many seconds, and could be written the last time."""
