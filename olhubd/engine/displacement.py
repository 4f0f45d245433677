"""Accounts that another process has taken over: they are let go here, and that is reported.

None is taken back by itself, or two processes would take it from each other for ever. A start or a reload does,
which is a person's word.
"""

from __future__ import annotations

from olhubd.engine.directory import Directory
from olhubd.engine.launcher import Launcher
from olhubd.engine.reload import Reloader
from olhubd.engine.services import Services
from olhubd.model import Reason
from olhubd.runtime.supervisor import Heartbeat
from olhubd.store import leases

__all__ = ["Displacement"]


class Displacement:
    """Waits for `Directory.taken_over`; `check` finds what no task of an account has noticed."""

    def __init__(self, services: Services, directory: Directory, launcher: Launcher, reloader: Reloader) -> None:
        self._services = services
        self._directory = directory
        self._launcher = launcher
        self._reloader = reloader

    def start(self) -> None:
        self._services.supervisor.start("letting go", self._run)

    async def check(self) -> None:
        """Look who holds the accounts: one that has nothing to write would not notice."""
        database = self._services.database
        for name in await leases.lost(database.reader, database.held):
            self._directory.taken_over(name)

    async def _run(self, pulse: Heartbeat) -> None:
        while True:
            pulse.rest()
            await self._directory.displaced_news.wait()
            self._directory.displaced_news.clear()
            try:
                async with self._reloader.changing:
                    # A reload that was under way has taken back what is not among them any more.
                    for name in sorted(self._directory.displaced & self._directory.units.keys()):
                        await self._let_go(name, pulse)
            except BaseException:
                self._directory.displaced_news.set()  # restarted, this goes on with them
                raise
            pulse.well()

    async def _let_go(self, name: str, pulse: Heartbeat) -> None:
        grace = self._services.in_force.configuration.daemon.stop_timeout.total_seconds()
        pulse.beat(4 * grace + 60.0)
        # The event first: without it, on a full disk say, this is tried again. Nothing else is written for it.
        await self._services.events.note("account.taken-over", {}, "hub", account=name)
        self._services.log.warning("another process has taken the account over", account=name)
        self._directory.stalled[name] = Reason("account.taken-over")
        self._directory.units[name].displaced = True
        await self._launcher.end([name], grace)
