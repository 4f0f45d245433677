"""Accounts that another process has taken over: they are let go here, and that is reported.

While the other process is alive none is taken back by itself, or two would take it from each other for ever. A
start or a reload takes it back, which is a person's word. One that is dead is found by asking: the lease is marked,
and a process that holds the account takes the mark away within a minute. Where it stays, the account is taken back.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from functools import partial

from olhubd.engine.directory import Directory
from olhubd.engine.launcher import Launcher
from olhubd.engine.reload import Reloader
from olhubd.engine.services import Services
from olhubd.model import Reason
from olhubd.runtime.supervisor import Heartbeat
from olhubd.store import LeaseLost, Transaction, leases

__all__ = ["Displacement"]

_PATIENCE = 300.0
"""Seconds in which a holder that is alive has answered: it looks once a minute. One that was only slow loses the
account and hears of it, as by any take-over."""


class Displacement:
    """Waits for `Directory.taken_over`; `check` finds what no task of an account has noticed."""

    def __init__(self, services: Services, directory: Directory, launcher: Launcher, reloader: Reloader) -> None:
        self._services = services
        self._directory = directory
        self._launcher = launcher
        self._reloader = reloader
        self._asked: dict[str, tuple[int, float]] = {}
        """By account: the epoch under which its holder has not answered, and since when, by the monotonic clock."""

    def start(self) -> None:
        self._services.supervisor.start("letting go", self._run)

    async def check(self) -> None:
        """Look who holds the accounts: one that has nothing to write would not notice. Answer who asks, and ask."""
        database, displaced = self._services.database, self._directory.displaced
        mine = database.held
        found = await leases.of_accounts(database.reader, mine)
        for name in sorted(name for name, lease in found.items() if lease.epoch > mine[name]):
            self._directory.taken_over(name)
        if asked := [name for name, lease in found.items() if lease.asked and lease.epoch == mine[name]]:
            await self._mark(partial(leases.answer, accounts=asked))
        self._asked = {name: since for name, since in self._asked.items() if name in displaced}
        for name in sorted(displaced - self._directory.units.keys()):
            if (lease := found.get(name)) is not None and self._wanted(name):
                await self._seek(name, lease)

    def _wanted(self, name: str) -> bool:
        config = self._services.in_force.configuration.accounts.get(name)
        return config is not None and config.enabled

    async def _seek(self, name: str, lease: leases.Lease) -> None:
        """Ask whether the holder is alive; take the account back where nobody has answered for long."""
        now = self._services.clock.monotonic()
        epoch, since = self._asked.get(name, (lease.epoch, now))
        if not lease.asked or epoch != lease.epoch:
            since = now  # it was answered, or never asked
            await self._mark(partial(leases.ask, accounts=[name]))
        self._asked[name] = lease.epoch, since
        if now - since < _PATIENCE or self._reloader.changing.locked():
            return
        async with self._reloader.changing:
            if name not in self._directory.displaced or await self._launcher.attempt(name) is not None:
                return
        await self._services.events.note("account.taken-back", {}, "hub", account=name)
        self._services.log.warning("the process that had the account is gone", account=name)

    async def _mark(self, work: Callable[[Transaction], Awaitable[None]]) -> None:
        with contextlib.suppress(LeaseLost):
            await self._services.database.write(work)

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
