"""Bringing a database file to the schema this version needs.

Numbered SQL files, each in one transaction with its number and what it fills (`olhubd.store.sqlite.fill`); a look
whether there is room, and a backup file, before the first; refusal to touch a schema that is newer than ours.
Nothing is migrated lazily or in the background.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from urllib.parse import quote

from olhubd.store.base import PlannedUpgrade, UpgradeWatcher
from olhubd.store.sqlite import upgrade
from olhubd.store.sqlite.fill import FILLS
from olhubd.store.sqlite.upgrade import NoRoomForUpgrade

__all__ = [
    "ForeignDatabase",
    "NoRoomForUpgrade",
    "PlannedUpgrade",
    "SchemaTooNew",
    "UpgradeWatcher",
    "ahead",
    "latest",
    "migrate",
]


class SchemaTooNew(Exception):
    """The file was written by a newer olhubd."""


class ForeignDatabase(Exception):
    """The file is a database of another program, or what is left of one."""


def _steps() -> dict[int, str]:
    found = {}
    for entry in resources.files("olhubd.store.sqlite").iterdir():
        if match := re.fullmatch(r"(\d{4})_\w+\.sql", entry.name):
            found[int(match[1])] = entry.read_text(encoding="utf-8")
    return dict(sorted(found.items()))


_SMALLEST = 512
"""Bytes of the smallest page. SQLite takes a file of a single byte for an empty one and fills it."""


def latest() -> int:
    """The schema number this version brings files to."""
    return max(_steps())


def ahead(path: Path) -> PlannedUpgrade | None:
    """The upgrade that the next start does to this file; None where there is none to do. Only reads.

    Raises sqlite3.Error as it is.
    """
    with contextlib.closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        missing = {number: sql for number, sql in _steps().items() if number > version}
        if not version or not missing:
            return None
        return upgrade.planned(connection, path, version, max(missing), missing.values())


_COPIED_AT_ONCE = 4096
"""Pages of a backup between two signs of life."""
_WORKED_AT_ONCE = 5_000_000
"""Instructions of SQLite's machine between two signs of life: less than a second."""


def migrate(
    path: Path,
    connect: Callable[..., sqlite3.Connection] = sqlite3.connect,
    watcher: UpgradeWatcher | None = None,
) -> Path | None:
    """Bring the file at `path` (made if missing) to the latest schema. Returns the backup's path, if one was made.

    `connect` may give a connection that logs its statements; `watcher` is called about the upgrade of an older
    file. Blocking; runs before the daemon opens its own. Raises SchemaTooNew, Foreign, NoRoom, or sqlite3.Error as
    it is.
    """
    watcher = watcher or UpgradeWatcher()
    _begin(path)
    connection = connect(path, isolation_level=None)
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if not version and connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
            raise ForeignDatabase(
                f"{path} is a database of another program: move it away, or set another data directory"
            )
        steps = _steps()
        if version > max(steps):
            raise SchemaTooNew(
                f"{path} has schema {version}, but this olhubd knows only up to {max(steps)}: "
                "install the newer olhubd again, or restore the backup file that its upgrade left beside it"
            )
        missing = {number: sql for number, sql in steps.items() if number > version}
        if version and missing:
            plan = upgrade.planned(connection, path, version, max(steps), missing.values())
            upgrade.require_room(plan)
            watcher.begins(plan)
        connection.execute("PRAGMA journal_mode = WAL")  # only now is it known to be ours to change
        connection.execute("PRAGMA synchronous = FULL")
        backup = _back_up(connection, path, version, watcher) if version and missing else None
        connection.set_progress_handler(watcher.goes_on, _WORKED_AT_ONCE)
        for number, sql in missing.items():
            _apply(connection, number, sql)
        return backup
    finally:
        connection.close()


def _begin(path: Path) -> None:
    """Make the file where there is none. It appears whole, so that an empty one can only be a lost one: to fill
    that would be to forget, without a word, what has been done."""
    if path.exists():
        if path.stat().st_size < _SMALLEST:
            raise ForeignDatabase(
                f"{path} is empty, as no database is: restore a backup, or remove it to begin anew"
            )
        return
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:
        raise ForeignDatabase(
            f"{path} is gone, yet {log.name} beside it holds records: restore both files of one backup"
        )
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)  # it will hold tokens and personal data
    connection = sqlite3.connect(fresh, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()
    fresh.rename(path)
    _sync(path)


def _back_up(connection: sqlite3.Connection, path: Path, version: int, watcher: UpgradeWatcher) -> Path:
    backup = path.with_name(f"{path.name}.schema-{version}.backup")
    backup.unlink(missing_ok=True)
    backup.touch(mode=0o600)
    copy = sqlite3.connect(backup)
    try:
        copy.execute("PRAGMA synchronous = OFF")  # once, and below
        connection.backup(copy, pages=_COPIED_AT_ONCE, progress=lambda *_: watcher.goes_on())
    finally:
        copy.close()
    _sync(backup)
    return backup


def _sync(path: Path) -> None:
    """Return when neither the file nor its name would be lost with the power."""
    for one in (path, path.parent):
        descriptor = os.open(one, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _apply(connection: sqlite3.Connection, number: int, sql: str) -> None:
    connection.execute("PRAGMA foreign_keys = OFF")
    try:
        connection.executescript(f"BEGIN IMMEDIATE;\n{sql}")
        if fill := FILLS.get(number):
            fill(connection)
        connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
