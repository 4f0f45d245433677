"""What can be looked at on the machine itself, with or without a daemon: files, room, the port, plugins."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from olhubd.config import Configuration, Control
from olhubd.control.doctor.finding import Finding, fine, look, skipped, wrong
from olhubd.control.http.sockets import opened
from olhubd.store import FAILURES, StoreError
from olhubd.store.sqlite import integrity, migrate

__all__ = ["DATABASE", "Installation", "database", "disk", "files", "own_checks", "place", "plugins", "port"]

DATABASE = "olhubd.sqlite"
_TOKEN = "control.token"


@dataclass(frozen=True, kw_only=True)
class Installation:
    """Where all of it is. `least` bytes are to be free; `running` is whether this is asked by the daemon."""

    config: Path
    data: Path
    database: Path
    socket: Path | None
    least: int
    running: bool


def place(configuration: Configuration, database: Path | None = None) -> Installation:
    """By the configuration; the daemon names the database that it has open."""
    data = configuration.daemon.data
    return Installation(
        config=configuration.path,
        data=data,
        database=database or data / DATABASE,
        socket=configuration.control.socket,
        least=configuration.alarms.disk_free * 2**20,
        running=database is not None,
    )


def files(at: Installation) -> Iterator[Finding]:
    """Are they there, may they be written, and are they closed to others?"""
    found = list(_files(at))
    yield from found or [fine(f"{at.data} and what is in it are the daemon's own and closed to others")]


def _files(at: Installation) -> Iterator[Finding]:
    try:
        if at.config.stat().st_mode & stat.S_IWOTH:
            yield wrong("everybody on this machine may change it", f"chmod o-w {at.config}", str(at.config))
        mode = at.data.stat().st_mode
    except FileNotFoundError as error:
        if at.running:
            yield wrong("is gone", "stop olhubd and restore a backup", error.filename)
        else:
            yield look("is not there yet", "olhubd run makes it", error.filename)
        return
    except PermissionError as error:
        yield skipped("this user may not look: use sudo", error.filename)
        return
    if mode & 0o007:
        yield wrong("others may look into it", f"chmod 0700 {at.data}", str(at.data))
    if at.running and not os.access(at.data, os.W_OK | os.X_OK):
        owner = os.geteuid()
        yield wrong(
            "the daemon may not write there", f"chown {owner} {at.data}; chmod 0700 {at.data}", str(at.data)
        )
    try:
        kept = sorted(path for path in at.data.iterdir() if path.name.startswith((at.database.name, _TOKEN)))
    except PermissionError:
        yield skipped("this user may not look into it: use sudo", str(at.data))
        return
    for path in kept:
        if path.stat().st_mode & 0o077:
            yield wrong("holds keys and personal data and is open to others", f"chmod 0600 {path}", str(path))
    if at.running and at.socket is not None and not at.socket.is_socket():
        yield wrong("the socket is gone, somebody removed it", "systemctl restart olhubd", str(at.socket))


def disk(at: Installation) -> Iterator[Finding]:
    """Is there room?"""
    try:
        free = shutil.disk_usage(at.data).free
        size = at.database.stat().st_size if at.database.exists() else 0
        upgrade = migrate.ahead(at.database) if size else None
    except FAILURES:
        upgrade = None  # INTEGRITY reports it
    except OSError as error:
        yield skipped(f"{error.strerror}", str(error.filename))
        return
    told = f"{_mib(free)} are free beside a database of {_mib(size)}"
    if free < at.least:
        yield wrong(
            f"{told}; {_mib(at.least)} are asked for by alarms.disk_free",
            "make room, or move daemon.data to a larger disk",
        )
    elif upgrade is not None and free < upgrade.needs:
        yield wrong(
            f"{told}; the next start brings that to schema {upgrade.schema} and needs {_mib(upgrade.needs)} free",
            "make room before the next start",
        )
    elif free < size:
        yield look(f"{told}: an upgrade writes a copy of it first", "make room before the next upgrade")
    else:
        yield fine(told)


def _mib(count: int) -> str:
    return f"{count / 2**20:,.0f} MiB"


async def database(at: Installation, within: float | None = None) -> list[Finding]:
    """Is the file sound?"""
    mend = "stop olhubd, keep a copy of the file, and restore the latest backup; see docs/operator.md"
    subject = str(at.database)
    try:
        if not at.database.exists():
            return [look("there is no database yet", "olhubd run makes it", subject)]
        found = await integrity.examine(at.database, within)
    except TimeoutError:
        hint = "for the whole of it: stop olhubd, then: olhubd doctor INTEGRITY"
        return [look(f"nothing wrong in {within:g} seconds, then it was stopped", hint, subject)]
    except PermissionError:
        return [skipped("this user may not look: use sudo", subject)]
    except StoreError as error:
        return [skipped(str(error), subject)]
    if found.damage:
        more = f", and {len(found.damage) - 1} more" if len(found.damage) > 1 else ""
        return [wrong(f"{found.damage[0]}{more}", mend, subject)]
    if found.schema > found.needs:
        text = f"has schema {found.schema}, newer than this olhubd, which knows {found.needs}"
        return [wrong(text, "install the newer olhubd again", subject)]
    if found.schema < found.needs:
        text = f"has schema {found.schema}; the next start brings it to {found.needs}"
        return [look(text, "nothing, the start makes a backup first", subject)]
    return [fine(f"SQLite finds it sound, schema {found.schema}")]


def port(control: Control) -> Iterator[Finding]:
    """Could a daemon listen there? It is tried, for a moment."""
    if control.listen is None:
        yield fine("no port is configured, only the socket")
        return
    try:
        with opened(control.model_copy(update={"socket": None})) as doors:
            yield fine(f"{', '.join(doors.addresses())} could be listened on")
    except OSError as error:
        text = error.strerror or str(error)
        yield wrong(text, "stop what listens there (ss -ltnp tells), or set another control.listen")


def plugins(configuration: Configuration) -> Iterator[Finding]:
    """Can all be loaded?"""
    found = configuration.plugins
    for name, reason in sorted(found.failed.items()):
        yield wrong(f"cannot be loaded: {reason}", "install it again, in the version for this olhubd", name)
    if not found.failed:
        names = ", ".join(sorted(set(found.providers.values())))
        yield fine(f"{names}: loaded" if names else "no account needs any")


def own_checks(configuration: Configuration, wanted: Iterable[str] = ()) -> Iterator[tuple[str, Finding]]:
    """The checks that plugins bring, by their ids; those `wanted`, or all. They may take their time."""
    checks: dict[str, Callable[[], str | None]] = {}
    configuration.plugins.manager.hook.olhubd_register_checks(register=checks.__setitem__)
    names = set(wanted)
    for name, check in checks.items():
        if names and name not in names:
            continue
        try:
            told = check()
        except Exception as error:  # a stranger's
            told = f"the check itself failed: {type(error).__name__}"
        yield name, fine("all is well") if told is None else wrong(told, "see the plugin's own page")
