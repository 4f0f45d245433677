"""Taking another configuration into force while the daemon runs: whole, one at a time, and to its end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TypeVar

import msgspec

from olhubd.config import Configuration
from olhubd.decide.own_status import OwnStatuses
from olhubd.decide.pricing.rule import PriceRule
from olhubd.decide.stock.policy import StockRule
from olhubd.engine.directory import Directory
from olhubd.engine.launcher import Launcher, log_failure
from olhubd.engine.replay import recording
from olhubd.engine.services import Services
from olhubd.runtime.supervisor import Heartbeat
from olhubd.store import Transaction

__all__ = ["Reloader"]

T = TypeVar("T")

_BEGINNING = 240.0
"""Seconds that the accounts may take to begin before the reload counts as stuck."""


class Reloader:
    """Changes which accounts are at work: by `reload`, and by `retry` those that could not begin."""

    def __init__(self, services: Services, directory: Directory, launcher: Launcher) -> None:
        self._services = services
        self._in_force = services.in_force
        self._directory = directory
        self._launcher = launcher
        self.changing = asyncio.Lock()
        """Held while accounts begin or end."""
        self._begun = 0

    async def reload(self, configuration: Configuration, who: str) -> dict[str, list[str]]:
        """Take another configuration into force. Returns the names of accounts begun, changed and ended.

        It goes on to its end when the caller waits no longer, or accounts that it has ended would stay so. One that
        cannot begin is `stalled` and keeps no other from beginning; its error is raised when all is done.
        """
        return await self.finish("reload", partial(self.take, configuration, who))

    async def take(self, configuration: Configuration, who: str, pulse: Heartbeat) -> dict[str, list[str]]:
        """The same as part of what is finished in any case: call it within `finish`."""
        async with self.changing:
            pulse.beat(configuration.daemon.stop_timeout.total_seconds() + _BEGINNING)
            return await self._take(configuration, who)

    async def finish(self, name: str, work: Callable[[Heartbeat], Awaitable[T]]) -> T:
        """Do what is whole or not at all, as a task of its own: it goes on to its end when the caller waits no
        longer, and only the end of the process breaks it off. `name` is for the log. Raises what `work` raises."""
        outcome: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        async def main(pulse: Heartbeat) -> None:
            try:
                outcome.set_result(await work(pulse))
            except Exception as error:
                outcome.set_exception(error)
            finally:
                outcome.cancel()  # a caller must not wait for ever

        self._begun += 1
        self._services.supervisor.once(f"{name} {self._begun}", main)
        try:
            return await asyncio.shield(outcome)
        except asyncio.CancelledError:
            outcome.add_done_callback(partial(self._unheard, name))
            raise

    async def retry(self) -> None:
        """Try the accounts again that could not begin, unless a reload is under way, which does so too."""
        if self._directory.stalled and not self.changing.locked():
            async with self.changing:
                for name in self._directory.stalled.keys() - self._directory.displaced:
                    await self._launcher.attempt(name)

    async def keep_still(self, seconds: float) -> bool:
        """Let no reload begin any more. False when one that is under way has not ended within so many seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                return await self.changing.acquire()
        return False

    async def keep_inputs(self, changes: Mapping[str, list[str]] | None = None, who: str = "hub") -> None:
        """Begin to keep what decisions depend on, first of all the configuration in force; or keep nothing.

        With the event of a reload that makes these `changes`, so that none is done without a trace.
        """
        configuration, database = self._in_force.configuration, self._services.database
        database.recording = bool(configuration.daemon.inputs_keep)
        configured = self._configured(configuration)

        async def work(tx: Transaction) -> None:
            await recording.keep(tx, self._services.clock.now(), configured)
            if changes is not None:
                await self._services.events.note("daemon.reloaded", changes, who, tx=tx)

        await database.write(work)

    def _configured(self, configuration: Configuration) -> recording.Configured:
        connectors = {name: config.connector.name for name, config in configuration.accounts.items()}
        return recording.Configured(
            routes=configuration.routes, accounts=connectors, statuses=self._in_force.statuses()
        )

    async def keep_statuses(self, tx: Transaction, statuses: OwnStatuses) -> None:
        """Keep which statuses of the seller's own are in force from now on, for a replay."""
        configured = self._configured(self._in_force.configuration)
        await recording.keep(tx, self._services.clock.now(), msgspec.structs.replace(configured, statuses=statuses))

    def _unheard(self, name: str, outcome: asyncio.Future[T]) -> None:
        """What nobody waits for any more has ended."""
        if not outcome.cancelled() and (error := outcome.exception()) is not None:
            log_failure(self._services.log, f"{name} failed", error)

    async def _take(self, configuration: Configuration, who: str) -> dict[str, list[str]]:
        """Take it into force, whole."""
        before, units = self._in_force.configuration, self._directory.units
        old, new = before.accounts, configuration.accounts
        ended = [name for name in units if name not in new or not new[name].enabled]
        engine = configuration.engine != before.engine  # concerns them all
        staying = [name for name in units if name in new and new[name].enabled]
        before_rules: tuple[StockRule | PriceRule, ...] = (*before.stock, *before.prices)
        rules: tuple[StockRule | PriceRule, ...] = (*configuration.stock, *configuration.prices)
        sold = (
            {name for rule in (*before_rules, *rules) for name in (rule.master, *rule.channels)}
            if rules != before_rules
            else ()
        )
        changed = [name for name in staying if engine or name in sold or new[name] != old.get(name)]
        begun = [name for name, config in new.items() if config.enabled and name not in units]
        grace = configuration.daemon.stop_timeout.total_seconds()
        self._in_force.take(configuration)
        try:
            await self.keep_inputs({"begun": begun, "changed": changed, "ended": ended}, who)
        except BaseException:
            # Half a reload would be taken for done by the next one.
            self._in_force.take(before)
            self._services.database.recording = bool(before.daemon.inputs_keep)
            raise
        for name in [name for name in self._directory.stalled if name not in begun]:
            del self._directory.stalled[name]
        self._directory.renewed = frozenset(changed)
        try:
            await self._launcher.end([*ended, *changed], grace)
            await self._launcher.switch_off_prices()
            tried = {name: await self._launcher.attempt(name) for name in [*changed, *begun]}
        finally:
            self._directory.renewed = frozenset()
        failures = {name: error for name, error in tried.items() if error is not None}
        if failures:
            await self._services.events.note("daemon.reload-failed", {"accounts": ", ".join(failures)}, who)
        await self._launcher.wake_owed()
        for error in failures.values():
            raise error
        return {"begun": begun, "changed": changed, "ended": ended}
