"""The real database on a real file, with its commits as crossings, and a disk that can be full.

The threads of its connections are waited for without letting the loop go on, so that no virtual time passes while
the file is written, and nothing depends on how the machine schedules threads. What a task could see of a slow disk
remains: after each statement the others get their turn.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import itertools
import random
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from olhubd.store import TROUBLE, Database
from olhubd.testing.torture.frontier import Frontier
from olhubd.testing.torture.loop import Loop

__all__ = ["Store", "salvage"]

NAME = "hub.sqlite"


class Store(Database):
    """Open it by `Store.at`."""

    def __init__(
        self, path: Path, writer: Any, readers: Sequence[Any], sequences: dict[str, itertools.count[int]]
    ) -> None:
        super().__init__(path, writer, readers, sequences)
        self.frontier: Frontier | None = None
        self.full = False
        """Whether the disk has no room: each write fails, without effect."""
        self.tail: tuple[int, int] = (0, 0)
        """The size of the write-ahead log before and after the last commit, in bytes."""
        self._log = path.with_name(f"{path.name}-wal")
        for connection in (writer, *readers):
            connection._execute = _wait(connection)  # noqa: SLF001 - the only place where its thread can be waited for

    @classmethod
    @asynccontextmanager
    async def at(cls, folder: Path, frontier: Frontier) -> AsyncIterator[Store]:
        """The store in `folder`. A life that was killed leaves it without a word."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Loop)
        opening = cls.open(folder / NAME)
        with loop.freeze():
            store = await opening.__aenter__()
        assert isinstance(store, Store)
        store.frontier = frontier
        try:
            yield store
        finally:
            with loop.freeze():
                await opening.__aexit__(None, None, None)

    async def _attempt(self, works: Sequence[Any]) -> list[Any]:
        if self.frontier is None:
            return await super()._attempt(works)
        await self.frontier.cross("a write begins")
        if self.full:
            raise TROUBLE[1]("database or disk is full")
        before = self._size()
        results = await super()._attempt(works)
        self.tail = before, self._size()
        await self.frontier.cross("a write is committed, nobody knows")
        return results

    def _size(self) -> int:
        return self._log.stat().st_size if self._log.exists() else 0

    async def _close(self) -> None:
        if self.frontier is None or not self.frontier.dead:
            await super()._close()


def _wait(connection: Any) -> Callable[..., Any]:
    """What runs a function in the connection's thread and waits for it."""

    async def execute(function: Callable[..., Any], *args: Any, **named: Any) -> Any:
        done: concurrent.futures.Future[Any] = concurrent.futures.Future()

        def work() -> None:
            try:
                done.set_result(function(*args, **named))
            except BaseException as error:
                done.set_exception(error)

        connection._tx.put_nowait((None, work))  # noqa: SLF001
        try:
            return done.result()
        finally:
            await asyncio.sleep(0)

    return execute


def salvage(old: Path, new: Path, tail: tuple[int, int] | None, dice: random.Random) -> None:
    """Copy the files as a killed process left them. With `tail` the end of the log is torn within the last commit.

    Only a commit of which nobody has heard may be torn: what was acknowledged had been synced.
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
