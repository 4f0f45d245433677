"""A migration killed at every statement: the old schema or the next, never in between, and the data as it was.

Before each statement the files are copied as they are, which is what a process that is killed there leaves behind;
a torn end of the log and a backup that is cut short are tried as well. Where it can be seen what reaches the disk,
the power is cut at each statement and each sync, too. Each copy is then opened by a new process's migration, as
after a restart.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import msgspec

from olhubd.store.sqlite import migrate
from olhubd_torture.power import PowerCutDisk
from olhubd_torture.run_schedule import swift
from olhubd_torture.vfs import unreachable

__all__ = ["UpgradeResult", "upgrades"]

NAME = "hub.sqlite"
Content = dict[str, list[tuple[object, ...]]]
_ROWS = 3
_DROPPED = {("inputs", "upcoming")}
"""Columns that a migration leaves out on purpose."""
_LATER = {"order_id": "subject_id"}
"""What columns of earlier schemas are called since."""
_DOCUMENT = b'{"external_stage": "READY", "lines": []}'
"""Of an order, as far as migrations look into it."""
_CUT = "powerless"
_CUTS = 3
"""So many at each moment, for what a cut leaves is a matter of chance."""
_TORN = 7
"""Bytes that are missing at the end of a file that was cut short."""


class UpgradeResult(msgspec.Struct):
    """From which schema, how many deaths were tried, and what was wrong after them."""

    version: int
    deaths: int = 0
    cuts: int = 0
    """Those of the deaths that took the power with them."""
    findings: list[str] = []


def upgrades(versions: Sequence[int] = ()) -> Iterator[UpgradeResult]:
    """From each older schema, or from these, with some rows in each of its tables."""
    steps = migrate._steps()  # noqa: SLF001 - what each version made of a file is written nowhere else
    for version in versions or list(steps)[:-1]:
        with tempfile.TemporaryDirectory(prefix="olhubd-torture-", dir=swift()) as folder:
            yield _upgrade(Path(folder), version, steps)


def _upgrade(folder: Path, version: int, steps: dict[int, str]) -> UpgradeResult:
    old = folder / "old" / NAME
    old.parent.mkdir()
    with closing(sqlite3.connect(old, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        for number, sql in steps.items():
            if number <= version:
                connection.executescript(f"BEGIN;{sql};PRAGMA user_version = {number};COMMIT;")
    _fill(old)
    shapes = _shapes(folder, steps)
    columns = {
        table: [name for name in names if (table, name) not in _DROPPED] for table, names in _columns(old).items()
    }
    before = _content(old, columns)
    if not all(before.values()):
        raise RuntimeError("a table has no rows that could be lost")
    upgrade = UpgradeResult(version=version)
    for number, death in enumerate(_deaths(old, folder)):
        upgrade.deaths += 1
        upgrade.cuts += _CUT in death.name
        try:
            found = [*_revived(death, version, shapes, columns, before)]
        except sqlite3.DatabaseError as error:
            found = [f"damaged: {error}"]
        upgrade.findings += [f"{one}, {death.name} at step {number}" for one in found]
        shutil.rmtree(death)
    return upgrade


def _fill(file: Path) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            kinds = [row[2] for row in connection.execute(f"PRAGMA table_info({table})")]
            for number in range(1, _ROWS + 1):
                made = {"INTEGER": number, "BLOB": _DOCUMENT}
                values = [made.get(kind, f"{table} {number}") for kind in kinds]
                marks = ", ".join("?" for _ in values)
                connection.execute(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", values)


def _deaths(old: Path, folder: Path) -> Iterator[Path]:
    """The files as they were before each statement of a migration, and what a torn write makes of them."""
    work = folder / "work"
    shutil.copytree(old.parent, work)
    deaths: list[Path] = []
    cuts: list[Path] = []
    platter = PowerCutDisk(work, dice := random.Random("upgrade")) if unreachable() is None else None

    def strike(_statement: str) -> None:
        deaths.append(folder / f"death-{len(deaths)}")
        shutil.copytree(work, deaths[-1])
        cut()

    def cut() -> None:
        if platter is not None:
            for _ in range(_CUTS):
                cuts.append(folder / f"{_CUT}-{len(cuts)}")
                platter.cut(cuts[-1], dice)

    def connect(path: Path, **named: object) -> sqlite3.Connection:
        connection = sqlite3.connect(path, **named)  # type: ignore[call-overload]
        connection.set_trace_callback(strike)
        return connection  # type: ignore[no-any-return]

    if platter is None:
        migrate.migrate(work / NAME, connect)
    else:
        platter.before_sync = cut
        with platter.spinning():
            migrate.migrate(work / NAME, connect)
    strike("the end")
    yield from cuts
    for death in deaths:
        for torn in (f"{NAME}-wal", "*.backup"):
            for file in list(death.glob(torn)):
                if file.stat().st_size > _TORN:
                    copy = folder / f"{death.name}-torn-{file.name}"
                    shutil.copytree(death, copy)
                    with (copy / file.name).open("r+b") as end:
                        end.truncate(file.stat().st_size - _TORN)
                    # An end that is torn is that of the last write, which a later one would have followed.
                    if torn == "*.backup" and _version(copy / NAME) != _version(old):
                        shutil.rmtree(copy)
                    else:
                        yield copy
        yield death


def _revived(
    death: Path, version: int, shapes: dict[int, list[str]], columns: Mapping[str, Sequence[str]], before: Content
) -> Iterator[str]:
    file = death / NAME
    stands = _version(file)
    if stands not in shapes or _shape(file) != shapes[stands]:
        yield f"between: the schema is not that of {stands}"
    if _content(file, columns) != before:
        yield f"changed: rows differ at schema {stands}"
    if stands > version and not _backed_up(death, version, columns, before):
        yield f"unsafe: at schema {stands} without a backup of {version}"
    try:
        migrate.migrate(file)
    except sqlite3.Error as error:
        yield f"stopped: {error}"
        return
    if _version(file) != max(shapes) or _shape(file) != shapes[max(shapes)]:
        yield "stopped: not at the latest schema after another start"
    if _content(file, columns) != before:
        yield "changed: rows differ at the latest schema"
    if not any(_backed_up(death, one, columns, before) for one in shapes):
        yield "unsafe: no backup after another start"


def _backed_up(folder: Path, version: int, columns: Mapping[str, Sequence[str]], before: Content) -> bool:
    backup = folder / f"{NAME}.schema-{version}.backup"
    try:
        return backup.exists() and _version(backup) == version and _content(backup, columns) == before
    except sqlite3.DatabaseError:
        return False


def _shapes(folder: Path, steps: dict[int, str]) -> dict[int, list[str]]:
    """What a file of each version is made of."""
    found = {}
    with closing(sqlite3.connect(folder / "shapes.sqlite", isolation_level=None)) as connection:
        for number, sql in steps.items():
            connection.executescript(sql)
            found[number] = _made(connection)
    return found


def _made(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute(
        "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_stat%'"
    )
    return sorted(row[0] for row in rows)


def _shape(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        return _made(connection)


def _version(file: Path) -> int:
    with closing(sqlite3.connect(file)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        return int(version)


def _columns(file: Path) -> dict[str, list[str]]:
    """The columns of each table."""
    with closing(sqlite3.connect(file)) as connection:
        tables = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        )
        return {
            table: [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            for (table,) in tables.fetchall()
        }


def _content(file: Path, columns: Mapping[str, Sequence[str]]) -> Content:
    """What is in these columns, by whatever name they go in this file."""
    there = _columns(file)
    content: Content = {}
    with closing(sqlite3.connect(file)) as connection:
        for table, names in columns.items():
            if table not in there:  # between two statements of a step that is no transaction
                content[table] = []
                continue
            called = [name if name in there[table] else _LATER[name] for name in names]
            rows = connection.execute(f"SELECT {', '.join(called)} FROM {table}").fetchall()
            content[table] = sorted(rows, key=repr)
    return content
