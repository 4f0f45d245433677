"""A database file of an older schema, and a daemon that is killed while it brings it up to date."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import sqlite3
import time
from importlib import resources
from pathlib import Path

from olhubd.store.sqlite.migrate import latest
from olhubd_kit.process import DaemonProcess

__all__ = ["OldDatabase"]

_ROWS = 5000
_STARTS = 60.0
"""Seconds in which a daemon begins to upgrade."""
_FEED = "before"
"""By which our rows are known again."""
_RUN = (
    "INSERT INTO runs (account, feed, trigger, started_at, ended_at, state, polls, seen, added, changed,"
    " quarantined, missed) VALUES ('allegro-main', ?, 'timer', ?, ?, 'done', 1, 1, 0, 0, 0, 0)"
)


class OldDatabase:
    """The file at `path`, made as the first version or a later one left it."""

    def __init__(self, path: Path, dice: random.Random) -> None:
        self._path = path
        self._dice = dice
        self.kills = 0

    def make(self) -> None:
        """Write the file."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        steps = {
            int(found[1]): entry.read_text(encoding="utf-8")
            for entry in resources.files("olhubd.store").joinpath("sqlite").iterdir()
            if (found := re.fullmatch(r"(\d{4})_\w+\.sql", entry.name))
        }
        version = self._dice.choice(sorted(steps)[:-1])
        now = time.time_ns() // 1000
        with contextlib.closing(sqlite3.connect(self._path)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            for number in sorted(steps):
                if number <= version:
                    connection.executescript(steps[number])
            connection.executemany(_RUN, ((_FEED, now + number, now + number) for number in range(_ROWS)))
            connection.execute(f"PRAGMA user_version = {version}")
            connection.commit()

    async def upgrade(self, daemon: DaemonProcess) -> None:
        """Have the daemon upgrade it and kill it at that, a few times."""
        self.make()
        for _ in range(self._dice.randint(1, 3)):
            if self._version() == latest():
                return
            await daemon.launch()
            # The backup is begun before the first step, so from then on it is about to happen or happens.
            async with asyncio.timeout(_STARTS):
                while not self._backups() and not await daemon.ended(0.002):
                    pass
            await asyncio.sleep(self._dice.uniform(0.0, 0.06))
            if daemon.running:
                await daemon.kill()
                self.kills += 1
            for backup in self._backups():
                backup.unlink()

    def _backups(self) -> list[Path]:
        """Those that an upgrade leaves; one that goes on where another was killed has a later number."""
        return list(self._path.parent.glob(f"{self._path.name}.schema-*.backup"))

    def _version(self) -> int:
        with contextlib.closing(sqlite3.connect(self._path)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
        return int(version)

    def verdict(self) -> list[str]:
        """What is wrong with it now."""
        with contextlib.closing(sqlite3.connect(self._path)) as connection:
            (rows,) = connection.execute("SELECT COUNT(*) FROM runs WHERE feed = ?", (_FEED,)).fetchone()
            (whole,) = connection.execute("PRAGMA integrity_check").fetchone()
        version = self._version()
        found = [] if version == latest() else [f"schema: {version} after all upgrades"]
        found += [] if rows == _ROWS else [f"schema: {_ROWS - rows} rows were lost in the upgrade"]
        found += [] if whole == "ok" else [f"schema: {whole}"]
        return found
