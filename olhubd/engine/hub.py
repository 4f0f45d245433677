"""The hub: all accounts of one daemon, started, steered, reloaded and stopped together.

It joins the parts and answers for them; each part's own rules are in its module.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import aiohttp

from olhubd.config import AccountConfig, Configuration
from olhubd.decide.route import Route
from olhubd.engine.access.budget import BudgetBook
from olhubd.engine.access.http_session import ClientFactory
from olhubd.engine.account import AccountUnit, NotPossible
from olhubd.engine.calls import OverdueCalls, PluginFault
from olhubd.engine.feed.limiter import Limiter
from olhubd.engine.feed.run_log import RunLog
from olhubd.engine.flow.landing import Landing
from olhubd.engine.flow.strangers import Strangers
from olhubd.engine.lineage import Lineage
from olhubd.engine.monitor.alarms import OpenAlarms
from olhubd.engine.monitor.checks import Checks
from olhubd.engine.monitor.notifier import AlarmSender
from olhubd.engine.monitor.observers import Observers
from olhubd.engine.monitor.reconcile import Reconciler
from olhubd.engine.monitor.retention import Retention
from olhubd.engine.monitor.vocabulary import VocabularyCheck
from olhubd.engine.operator.accounts import AccountActions
from olhubd.engine.operator.deliveries import DeliveryActions
from olhubd.engine.operator.orders import OrderActions
from olhubd.engine.outbox.attempt import Policy
from olhubd.engine.replay import recording
from olhubd.engine.services import Shared
from olhubd.engine.takeover import take_over
from olhubd.model import Delivery, Order, Reason
from olhubd.plugin import Clock
from olhubd.plugin.errors import LONGEST_PAUSE
from olhubd.runtime.supervisor import Heartbeat, Supervisor
from olhubd.store import (
    FAILURES,
    TROUBLE,
    Database,
    Transaction,
    accounts,
    credentials,
    deliveries,
    feeds,
    reread_queue,
)
from olhubd.store.accounts import AccountRow, AccountState

__all__ = ["Hub"]

_SWEEPS = 4
"""Accounts that read a page of a sweep at one time. The next page of an account may be another one's turn."""
_PULLS = 16
"""Accounts that read a page of their journal at one time: a second or two of delay after an outage of all."""
_ROUND = 60.0


class Hub:
    """Make it with an open database and session; `start`, then `stop`."""

    def __init__(
        self,
        configuration: Configuration,
        database: Database,
        session: aiohttp.ClientSession,
        clock: Clock,
        log: Any,
        learned: Callable[[str], None] = lambda _secret: None,
    ) -> None:
        self.configuration = configuration
        self.database = database
        self.clock = clock
        self.supervisor = Supervisor(clock, log, TROUBLE)
        self.budgets = BudgetBook(clock)
        self.runs = RunLog(database, clock)
        self.units: dict[str, AccountUnit] = {}
        self.started_at = clock.now()
        self.alarms = OpenAlarms(database, clock, log)
        self.reconciler = Reconciler(self, log)
        self.vocabulary = VocabularyCheck(self, log)
        self.checks = Checks(self, self.alarms, log)
        self.alarm_sender = AlarmSender(self.alarms, lambda: self.configuration.alarms, session, clock, log)
        self.stalled: dict[str, str] = {}
        """Accounts that should be at work and could not begin, each with the reason; tried again each minute."""
        self._renewed: frozenset[str] = frozenset()
        self._changing = asyncio.Lock()
        self._reloads = 0
        self._ended = False
        self.strays = OverdueCalls()
        self.observers = Observers(configuration.plugins.manager, database, clock, log, self.strays)
        self._log = log
        self._routes: tuple[Route, ...] = configuration.routes
        lineage = Lineage(clock, log)
        self._shared = Shared(
            database=database,
            clock=clock,
            log=log,
            supervisor=self.supervisor,
            strays=self.strays,
            budgets=self.budgets,
            clients=ClientFactory(session, self.budgets, clock),
            landing=Landing(database, clock, lambda: self._routes, self.wake, log, lineage),
            runs=self.runs,
            sweeps=Limiter(places=_SWEEPS, patience=5.0),
            pulls=Limiter(places=_PULLS, patience=2.0),
            policy=_policy(configuration),
            routes=lambda: self._routes,
            processing=self._processing,
            amending=lambda: self._amend if self._amenders() else None,
            wake=self.wake,
            lineage=lineage,
            learned=learned,
        )
        self.delivery_actions = DeliveryActions(self._shared, self.units)
        self.strangers = Strangers(self._shared, self.units)
        self.order_actions = OrderActions(self._shared, self.units)
        self.account_actions = AccountActions(self._shared, self.units, lambda: self.configuration)

    async def start(self) -> None:
        """Recover what a killed process left, then begin all accounts."""

        await self._keep_inputs()
        known = await accounts.every(self.database.reader)
        # Where nobody else can be at work, what was left of accounts that are not configured any more is ended too.
        await self._take_over({*self.configuration.accounts, *(known if self.database.alone else ())}, first=True)
        await self.observers.begin()
        for config in self.configuration.accounts.values():
            try:
                await self._begin(config, known.get(config.name))
            except FAILURES:
                raise
            except Exception as error:
                self._stall(config.name, error)  # one account's plugin is no reason for the others to stay away
        self.runs.start(self.supervisor)
        if self.observers.wanted:
            self.observers.start(self.supervisor)
        self.supervisor.every("round", _ROUND, self._round)
        await self.alarms.load()
        self.vocabulary.start(self.supervisor)
        self.checks.start(self.supervisor)
        self.alarm_sender.start(self.supervisor)
        self.reconciler.start(self.supervisor)
        Retention(self.database, self.clock, lambda: self.configuration.daemon.inputs_keep).start(self.supervisor)

    async def _take_over(self, names: Collection[str], *, first: bool = False) -> None:
        now = self.started_at if first else self.clock.now()
        # Due later than a hold, a backoff or a server's Retry-After can ask for, it was stored under a wrong clock.
        holds = [route.hold_seconds for route in self._routes]
        longest = max(*holds, self._shared.policy.backoff_max, LONGEST_PAUSE)
        await take_over(self.database, names, now, now + timedelta(seconds=longest), first=first)

    async def _keep_inputs(self, changes: Mapping[str, list[str]] | None = None, who: str = "hub") -> None:
        """Begin to keep what decisions depend on, first of all the configuration in force; or keep nothing.

        With the event of a reload that makes these `changes`, so that none is done without a trace.
        """
        self.database.recording = bool(self.configuration.daemon.inputs_keep)
        accounts_ = {name: config.connector.name for name, config in self.configuration.accounts.items()}
        configured = recording.Configured(routes=self._routes, accounts=accounts_)

        async def work(tx: Transaction) -> None:
            await recording.keep(tx, self.clock.now(), tx.upcoming(), configured)
            if changes is not None:
                await self._shared.note(tx, "daemon.reloaded", "", changes, who)

        await self.database.write(work)

    async def _round(self, _pulse: Heartbeat) -> None:
        """Retry accounts that failed to start. Wake every target with open deliveries, if a wake-up was lost."""
        if self.stalled and not self._changing.locked():
            async with self._changing:
                for name in list(self.stalled):
                    await self._attempt(name)
        await self._wake_owed()

    async def _wake_owed(self) -> None:
        self.wake({target for target, _ in await deliveries.tally(self.database.reader)})

    async def _begin(self, config: AccountConfig, row: AccountRow | None) -> None:
        if not config.enabled or self._ended:
            return
        if config.name not in self.database.held:
            await self._take_over([config.name])
        if row is None or row.connector != config.connector.name or row.removed_at is not None:
            now = self.clock.now()
            another = row is not None and row.connector != config.connector.name
            same = row if row is not None and not another else None
            row = AccountRow(
                name=config.name,
                connector=config.connector.name,
                state=AccountState.ACTIVE,
                changed_at=now,
                started_at=now,
                # Removed and back again: what it was called, and above all whose it is, still holds.
                owner=same.owner if same else None,
                login=same.login if same else None,
                title=same.title if same else None,
                fingerprint=same.fingerprint if same else None,
            )
            fresh = row

            async def work(tx: Transaction) -> None:
                await accounts.put(tx, fresh)
                if another:  # cursors and tokens of another system mean nothing to this one
                    await feeds.forget(tx, fresh.name)
                    await reread_queue.forget_all(tx, fresh.name)
                    await credentials.delete(tx, fresh.name)

            await self.database.write(work)
            if another:
                self._log.warning("has another connector and begins anew", account=config.name)
        unit = AccountUnit(config, row, self._shared)
        self.units[config.name] = unit
        unit.start()

    async def stop(self, grace: float) -> None:
        """End everything; deliveries under way have `grace` seconds to end by themselves, a reload included.

        Whatever one part cannot do is logged, and the others end all the same.
        """
        until = self.clock.monotonic() + grace

        def left() -> float:
            return max(min(1.0, grace), until - self.clock.monotonic())

        # A reload under way comes to its end first, if that is soon.
        first, self._ended = not self._ended, True
        alone = not first or await self._keep_still(grace / 2)
        await self._end_all(left())
        if not alone:
            # The accounts in its hands have as long as the others.
            await self._keep_still(left())
            await self._end_all(left())
        await self.supervisor.stop_all()
        try:
            await self.runs.flush()
        except FAILURES as error:
            self._log.error("the last runs could not be stored", reason=str(error))

    async def _keep_still(self, seconds: float) -> bool:
        """Let no reload begin any more. False when one that is under way has not ended within so many seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                return await self._changing.acquire()
        return False

    async def _end_all(self, grace: float) -> None:
        # Out of reach first, or one that ends late would wake one that has ended.
        units = list(self.units.values())
        self.units.clear()
        ended = await asyncio.gather(*(unit.stop(grace) for unit in units), return_exceptions=True)
        for unit, error in zip(units, ended, strict=True):
            if error is not None:
                self._wrong("did not end well", error, account=unit.name)

    def _wrong(self, what: str, error: BaseException, **where: str) -> None:
        """Log it: the database's trouble in words, a mistake with where it was made."""
        told: dict[str, Any] = {"reason": str(error)} if isinstance(error, TROUBLE) else {"exc_info": error}
        self._log.error(what, **where, **told)

    async def reload(self, configuration: Configuration, who: str = "hub") -> dict[str, list[str]]:
        """Take another configuration into force. Gives the names of accounts begun, changed and ended.

        It goes on to its end when whoever asked waits no longer, or accounts that it has ended would stay so. One
        that cannot begin is `stalled` and keeps no other from beginning; its error is raised when all is done.
        """
        outcome: asyncio.Future[dict[str, list[str]]] = asyncio.get_running_loop().create_future()

        async def work(pulse: Heartbeat) -> None:
            try:
                async with self._changing:
                    pulse.beat(configuration.daemon.stop_timeout.total_seconds() + 4 * _ROUND)
                    outcome.set_result(await self._take(configuration, who))
            except Exception as error:
                outcome.set_exception(error)
            finally:
                outcome.cancel()  # whoever waits must not do so for ever

        self._reloads += 1
        self.supervisor.once(f"reload {self._reloads}", work)
        try:
            return await asyncio.shield(outcome)
        except asyncio.CancelledError:
            outcome.add_done_callback(self._unheard)
            raise

    def _unheard(self, outcome: asyncio.Future[dict[str, list[str]]]) -> None:
        """A reload that nobody waits for any more has ended."""
        if not outcome.cancelled() and (error := outcome.exception()) is not None:
            self._wrong("reload failed", error)

    async def _take(self, configuration: Configuration, who: str) -> dict[str, list[str]]:
        """Take it into force, whole."""
        old, new = self.configuration.accounts, configuration.accounts
        ended = [name for name in self.units if name not in new or not new[name].enabled]
        engine = configuration.engine != self.configuration.engine  # concerns them all
        staying = [name for name in self.units if name in new and new[name].enabled]
        changed = [name for name in staying if engine or new[name] != old.get(name)]
        begun = [name for name, config in new.items() if config.enabled and name not in self.units]
        grace = configuration.daemon.stop_timeout.total_seconds()
        before = self.configuration
        self._obey(configuration)
        try:
            await self._keep_inputs({"begun": begun, "changed": changed, "ended": ended}, who)
        except BaseException:
            # Half a reload would be taken for done by the next one.
            self._obey(before)
            self.database.recording = bool(before.daemon.inputs_keep)
            raise
        for name in [name for name in self.stalled if name not in begun]:
            del self.stalled[name]
        self._renewed = frozenset(changed)
        try:
            await asyncio.gather(*(self._end(name, grace) for name in [*ended, *changed]))
            tried = {name: await self._attempt(name) for name in [*changed, *begun]}
        finally:
            self._renewed = frozenset()
        failures = {name: error for name, error in tried.items() if error is not None}
        if failures:
            await self.note("daemon.reload-failed", {"accounts": ", ".join(failures)}, who)
        await self._wake_owed()
        for error in failures.values():
            raise error
        return {"begun": begun, "changed": changed, "ended": ended}

    async def _end(self, name: str, grace: float) -> None:
        try:
            await self.units.pop(name).stop(grace)
        except Exception as error:
            # What it did has ended; that something of it could not be closed is no reason to leave it at rest.
            self._wrong("did not end well", error, account=name)

    async def _attempt(self, name: str) -> Exception | None:
        """Begin an account, or have it `stalled`."""
        try:
            await self._begin(self.configuration.accounts[name], await accounts.get(self.database.reader, name))
        except Exception as error:
            self._stall(name, error)
            return error
        if self.stalled.pop(name, None) is not None:
            self._log.info("has begun after all", account=name)
        return None

    def _stall(self, name: str, error: Exception) -> None:
        if name not in self.stalled:
            self._log.error("cannot begin", account=name, exc_info=error)
        why = error.kind if isinstance(error, PluginFault) else type(error).__name__
        self.stalled[name] = Reason("account.stalled", why=why)

    def at_rest(self, name: str) -> str | None:
        """Why an account that should be at work is not; None where nothing is wrong."""
        if name in self._renewed and name not in self.units:
            return Reason("account.begins-anew")
        return self.stalled.get(name)

    def _obey(self, configuration: Configuration) -> None:
        self._routes = configuration.routes
        self.configuration = configuration
        self._shared.policy = _policy(configuration)

    def wake(self, targets: Iterable[str]) -> None:
        """Something is owed to these accounts."""
        for target in targets:
            if unit := self.units.get(target):
                unit.wake()

    def unit(self, name: str) -> AccountUnit:
        """The account of that name. Raises NotPossible when there is none at work."""
        if found := self.units.get(name):
            return found
        if reason := self.at_rest(name):
            raise NotPossible(Reason("account.not-at-work", account=name, why=reason))
        if name in self.configuration.accounts:
            raise NotPossible(Reason("account.disabled", account=name))
        raise NotPossible(Reason("none.account", account=name))

    # What a person does to the daemon

    async def note(
        self, kind: str, facts: Mapping[str, object], who: str, *, account: str = "", tx: Transaction | None = None
    ) -> None:
        """Write into the log of events what a person did, to an account or (without one) to the daemon itself.

        In `tx` where there is one, else by itself.
        """

        async def work(tx: Transaction) -> None:
            await self._shared.note(tx, kind, account, facts, who)

        await (work(tx) if tx is not None else self.database.write(work))

    # What the parts ask

    def _processing(self, account: str) -> str | None:
        unit = self.units.get(account)
        return unit.processing() if unit else None

    def _amenders(self) -> Sequence[Any]:
        return self.configuration.plugins.manager.hook.olhubd_amend_delivery.get_hookimpls()

    async def _amend(self, delivery: Delivery, order: Order) -> Order | str | None:
        hook = self.configuration.plugins.manager.hook.olhubd_amend_delivery
        result = hook(delivery=delivery, order=order)
        if inspect.isawaitable(result):
            result = await result
        amended: Order | str | None = result
        return amended

    def overdue(self) -> Mapping[str, float]:
        """The loops that have not been heard of when they promised, by seconds."""
        return self.supervisor.overdue()

    @property
    def routes(self) -> Sequence[Route]:
        return self._routes


def _policy(configuration: Configuration) -> Policy:
    engine = configuration.engine
    return Policy(
        backoff_first=engine.backoff_first.total_seconds(),
        backoff_max=engine.backoff_max.total_seconds(),
        timeout=engine.timeout.total_seconds(),
        down_after=engine.down_after,
    )
