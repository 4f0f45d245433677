"""The composition root: builds the daemon from its configuration, starts, reloads and stops it, and reports to
systemd.

Everything is built here and nowhere else; no module below makes its own database, session or clock.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import gc
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import structlog

from olhubd import __version__, config
from olhubd.config import Configuration, effective
from olhubd.control.http import access, server, sockets
from olhubd.control.process_control import ProcessControl
from olhubd.engine.access.http_session import open_session
from olhubd.engine.hub import Hub
from olhubd.runtime import logs, loop, malloc
from olhubd.runtime.blocked import BlockDetector
from olhubd.runtime.clock import SystemClock
from olhubd.runtime.systemd import Notifier
from olhubd.runtime.threads import apart
from olhubd.store import Database, PlannedUpgrade, UpgradeWatcher

__all__ = ["AlreadyRunning", "run"]

_DATABASE = "olhubd.sqlite"
_LOCK = "olhubd.lock"
_OPENING = 900.0
"""Seconds in which the database must open, or show that it is still being brought to a newer schema."""


class AlreadyRunning(Exception):
    """Another daemon works on the same data."""


def run(configuration: Configuration, environ: Mapping[str, str]) -> None:
    """Run until SIGTERM or SIGINT. Raises AlreadyRunning, StoreError or OSError, each with words for a person."""
    malloc.share(environ)
    logs.configure(configuration.daemon.log_level.value, configuration.daemon.log_format.value)
    _hide_secrets(configuration)
    data = configuration.daemon.data
    used = (data / _LOCK).exists()
    with _lock(data):
        if used and not (data / _DATABASE).exists():
            structlog.get_logger("olhubd").warning(
                "the database file is gone and a new one begins: if nobody meant that, stop, and restore a backup",
                file=str(data / _DATABASE),
            )
        loop.run(_main(configuration, environ), _loop_factory(), structlog.get_logger("olhubd"))


def _hide_secrets(configuration: Configuration) -> None:
    """Teach the logs what they must never show."""
    logs.hide_keys(configuration.plugins.redacted)
    for secret in effective.secrets(configuration):
        logs.register_secret(secret, lasting=True)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The faster event loop, where the extra `speed` is installed."""
    try:
        factory: Callable[[], asyncio.AbstractEventLoop] = import_module("uvloop").new_event_loop
    except ImportError:
        return None
    return factory


@contextlib.contextmanager
def _lock(data: Path) -> Iterator[None]:
    """Hold the data directory, so that no second daemon writes to it."""
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (data / _LOCK).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise AlreadyRunning(
                f"another olhubd already works on {data}: stop it first, or set another data directory"
            ) from None
        yield


async def _main(configuration: Configuration, environ: Mapping[str, str]) -> None:
    log = structlog.get_logger("olhubd")
    notifier = Notifier(environ)
    notifier.extend(_OPENING)
    async with (
        _signals() as signals,
        Database.open(configuration.daemon.data / _DATABASE, _Upgrading(notifier, log)) as database,
        open_session() as session,
        contextlib.AsyncExitStack() as stack,
    ):
        if database.upgraded is not None:
            log.info(
                "the database was brought to a newer schema; a copy as it was stays beside it, with sign-ins and"
                " personal data: remove it once nobody will go back",
                schema=database.upgraded.schema,
                backup=str(database.upgraded.backup),
                seconds=round(database.upgraded.took, 1),
            )
        clock = SystemClock()
        hub = Hub(configuration, database, session, clock, log, logs.register_secret)
        keeper = _Keeper(hub, environ, notifier, log)
        token = access.load_or_make_token(configuration)
        sentry = BlockDetector(log)
        sentry.start()
        stack.callback(sentry.stop)
        try:
            doors = stack.enter_context(sockets.opened(configuration.control))  # or no account begins
            keeper.doors = doors
            await hub.start()
            async with server.serve(hub, doors, token, keeper.steer()) as addresses:
                # What was made at start stays; the collector need not walk it again and again.
                gc.collect()
                gc.freeze()
                log.info("ready", version=__version__, accounts=len(hub.units), listens=list(addresses))
                notifier.ready()
                hub.supervisor.every("watchdog", notifier.interval or 10.0, keeper.feed_watchdog)
                await keeper.serve_signals(signals)
        finally:
            notifier.stopping()
            log.info("stops")
            grace = hub.configuration.daemon.stop_timeout.total_seconds()
            # What closing the doors took is not given once more.
            await hub.stop(max(min(1.0, grace), grace - keeper.ending_since(clock.monotonic())))
            log.info("stopped")


class _Upgrading(UpgradeWatcher):
    """Reports to the log and systemd an upgrade of the database: how long it may take, and that it is not stuck."""

    def __init__(self, notifier: Notifier, log: Any) -> None:
        self._notifier = notifier
        self._log = log

    def begins(self, upgrade: PlannedUpgrade) -> None:
        self._log.info(
            "the database is brought to a newer schema, after a copy of it as it is: nobody is served until then",
            before=upgrade.before,
            schema=upgrade.schema,
            about_seconds=upgrade.seconds,
            copies=f"{upgrade.size / 2**20:,.0f} MiB",
        )
        self.goes_on()

    def goes_on(self) -> None:
        self._notifier.extend(_OPENING)


@contextlib.asynccontextmanager
async def _signals() -> AsyncIterator[asyncio.Queue[signal.Signals]]:
    """The signals a service gets, in the order they come."""
    queue: asyncio.Queue[signal.Signals] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    wanted = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    for number in wanted:
        loop.add_signal_handler(number, queue.put_nowait, number)
    try:
        yield queue
    finally:
        for number in wanted:
            loop.remove_signal_handler(number)


class _Keeper:
    """What is done to a running daemon from outside: reload, log level, watchdog."""

    def __init__(self, hub: Hub, environ: Mapping[str, str], notifier: Notifier, log: Any) -> None:
        self._hub = hub
        self._environ = environ
        self._notifier = notifier
        self._log = log
        self._reloading = asyncio.Lock()
        self._asked = 0
        self._told_at: float | None = None
        self._starving = False
        self.doors: sockets.ListeningSockets | None = None
        """Where people come in; their certificate is renewed by a reload."""

    def steer(self) -> ProcessControl:
        return ProcessControl(reload=self.reload, log_level=self._log_level)

    async def _log_level(self, name: str) -> None:
        logs.set_level(name)

    async def serve_signals(self, signals: asyncio.Queue[signal.Signals]) -> None:
        while True:
            number = await signals.get()
            if number is not signal.SIGHUP:
                self._told_at = self._hub.clock.monotonic()
                return
            # Beside this, or the end would go unnoticed while accounts end and begin.
            self._asked += 1
            self._hub.supervisor.once(f"reload by signal {self._asked}", self._obey)

    def ending_since(self, now: float) -> float:
        """For how many seconds it has been ending; 0 where it is not ending."""
        return 0.0 if self._told_at is None else now - self._told_at

    async def _obey(self, _pulse: Any) -> None:
        try:
            await self.reload("signal")
        except config.ConfigurationError as error:
            for problem in error.problems:
                self._log.error("configuration is wrong, the old one stays", problem=str(problem))
        except Exception:
            # Whatever one account's part in it broke, the others go on.
            self._log.error("reload failed", exc_info=True)

    async def reload(self, who: str) -> dict[str, list[str]]:
        """Read the configuration again and take it into force. Raises ConfigurationError and changes nothing.

        It goes on to its end when the caller waits no longer, as when a connection is closed.
        """

        async def work(_pulse: Any) -> dict[str, list[str]]:
            return await self._reload(who)

        return await self._hub.reloader.finish("reload of the file", work)

    async def _reload(self, who: str) -> dict[str, list[str]]:
        async with self._reloading:
            self._notifier.reloading()
            try:
                fresh = await apart(
                    "configuration", partial(config.load, self._hub.configuration.path, None, self._environ)
                )
                _hide_secrets(fresh)
                if self.doors is not None:
                    self.doors.renew(fresh.control)
                changes = await self._hub.reload(fresh, who)
            finally:
                self._notifier.ready()
            self._log.info("reloaded", **changes)
            return changes

    async def feed_watchdog(self, _pulse: Any) -> None:
        """Feed systemd's watchdog, as long as every loop keeps its promise."""
        overdue = self._hub.supervisor.overdue()
        if not overdue:
            self._notifier.watchdog()
        if bool(overdue) is not self._starving:
            self._starving = bool(overdue)
            report = self._log.error if overdue else self._log.info
            report("loops are stuck" if overdue else "all loops are well", loops=sorted(overdue))
