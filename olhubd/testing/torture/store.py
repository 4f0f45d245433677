"""The real database on a real file, with its commits as crossings, and a disk that can be full.

The threads of its connections are waited for without letting the loop go on, so that no virtual time passes while
the file is written, and nothing depends on how the machine schedules threads. What a task could see of a slow disk
remains: after each statement the others get their turn.
"""

from __future__ import annotations

import itertools
import os
import random
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from olhubd.store import TROUBLE, Database
from olhubd.testing.torture import inline
from olhubd.testing.torture.frontier import Frontier

__all__ = ["Store", "salvage"]

NAME = "hub.sqlite"


class Store(Database):
    """Open it by `Store.at`."""

    _connect = staticmethod(inline.connect)

    def __init__(
        self, path: Path, writer: Any, readers: Sequence[Any], sequences: dict[str, itertools.count[int]]
    ) -> None:
        super().__init__(path, writer, readers, sequences)
        self.frontier: Frontier | None = None
        self.full = False
        """Whether the disk has no room: each write fails, without effect."""
        self.tail: tuple[int, int] = (0, 0)
        """The size of the write-ahead log before and after the last commit, in bytes."""
        self._log = str(path.with_name(f"{path.name}-wal"))

    @classmethod
    @asynccontextmanager
    async def at(cls, folder: Path, frontier: Frontier) -> AsyncIterator[Store]:
        """The store in `folder`. A life that was killed leaves it without a word."""
        async with cls.open(folder / NAME) as store:
            assert isinstance(store, Store)
            store.frontier = frontier
            yield store

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
        try:
            return os.stat(self._log).st_size
        except FileNotFoundError:
            return 0

    async def _close(self) -> None:
        if self.frontier is None or not self.frontier.dead:
            await super()._close()


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
