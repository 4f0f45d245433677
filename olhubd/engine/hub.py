"""The hub: all parts of one daemon's engine, put together, started and stopped.

Each part's own rules are in its module. None of them knows the hub: each is given what it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import aiohttp

from olhubd.config import Configuration
from olhubd.engine.access.budget import BudgetBook
from olhubd.engine.access.http_session import ClientFactory
from olhubd.engine.access.seller_addresses import SellerAddresses
from olhubd.engine.access.signin import SignIns
from olhubd.engine.account import AccountUnit
from olhubd.engine.calls import OverdueCalls
from olhubd.engine.directory import Directory
from olhubd.engine.displacement import Displacement
from olhubd.engine.event_log import EventLog
from olhubd.engine.feed.limiter import Limiter
from olhubd.engine.feed.run_log import RunLog
from olhubd.engine.flow.landing import Landing
from olhubd.engine.flow.prices import turn_prices
from olhubd.engine.flow.registry import FLOWS, Flows
from olhubd.engine.flow.strangers import Strangers
from olhubd.engine.in_force import InForce
from olhubd.engine.launcher import Launcher
from olhubd.engine.levels.horizon import Horizon
from olhubd.engine.lineage import Lineage
from olhubd.engine.mails.follower import MailPlanner
from olhubd.engine.monitor.alarms import OpenAlarms
from olhubd.engine.monitor.checks import Checks
from olhubd.engine.monitor.facts import FactGatherer
from olhubd.engine.monitor.last_reads import LastReads
from olhubd.engine.monitor.notifier import AlarmSender
from olhubd.engine.monitor.observers import Observers
from olhubd.engine.monitor.offers import OfferChecks
from olhubd.engine.monitor.reconcile import Reconciler
from olhubd.engine.monitor.retention import Retention
from olhubd.engine.monitor.silences import Silences
from olhubd.engine.monitor.vocabulary import VocabularyCheck
from olhubd.engine.operator.account_settings import AccountSettingActions
from olhubd.engine.operator.accounts import AccountActions
from olhubd.engine.operator.customers import CustomerActions
from olhubd.engine.operator.deliveries import DeliveryActions
from olhubd.engine.operator.hold_causes import HoldCauseActions
from olhubd.engine.operator.links import LinkActions
from olhubd.engine.operator.offer_making import OfferMaking
from olhubd.engine.operator.offers import OfferActions
from olhubd.engine.operator.orders import OrderActions
from olhubd.engine.operator.oversold import OversoldActions
from olhubd.engine.operator.own_statuses import OwnStatusActions
from olhubd.engine.operator.prices import PriceActions
from olhubd.engine.operator.sales_stops import SalesStopActions
from olhubd.engine.operator.stock_plans import StockPlanActions
from olhubd.engine.outbox.amending import Amendments
from olhubd.engine.reload import Reloader
from olhubd.engine.services import Services
from olhubd.plugin import Clock
from olhubd.runtime.supervisor import Heartbeat, Supervisor
from olhubd.store import FAILURES, TROUBLE, Database

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
        flows: Flows = FLOWS,
    ) -> None:
        self.database = database
        self.flows = flows
        self.clock = clock
        self.started_at = clock.now()
        self._log = log
        self.learned = learned
        """Called with each secret that comes to be known, so that no log shows it."""
        self.in_force = in_force = InForce(configuration)
        self.directory = directory = Directory(in_force)
        self.events = events = EventLog(database, clock)
        self.supervisor = Supervisor(clock, log, TROUBLE)
        self.strays = OverdueCalls()
        self.budgets = BudgetBook(clock)
        self.runs = RunLog(database, clock)
        self.lineage = Lineage(clock, log)
        self.landing = Landing(
            database,
            clock,
            in_force.routes,
            directory.wake,
            log,
            self.lineage,
            flows=flows,
            rules=in_force.stock,
            statuses=in_force.statuses,
            levelled=directory.level,
        )
        services = Services(
            database=database,
            clock=clock,
            log=log,
            supervisor=self.supervisor,
            in_force=in_force,
            events=events,
            strays=self.strays,
            budgets=self.budgets,
            clients=ClientFactory(session, self.budgets, clock),
            landing=self.landing,
            flows=flows,
            runs=self.runs,
            sweeps=Limiter(places=_SWEEPS, patience=5.0),
            pulls=Limiter(places=_PULLS, patience=2.0),
            lineage=self.lineage,
            horizon=Horizon(database, lambda: bool(in_force.stock()), directory.orders_read),
            amendments=Amendments(lambda: in_force.configuration.plugins.manager),
            neighbours=directory,
            learned=learned,
        )
        self._launcher = Launcher(services, directory)
        self.reloader = Reloader(services, directory, self._launcher)
        self._displacement = Displacement(services, directory, self._launcher, self.reloader)
        # What people do
        self.account_settings = AccountSettingActions(in_force, self.reloader, database, clock, events, log)
        self.own_statuses = OwnStatusActions(in_force, self.reloader, database, clock, events)
        self.account_actions = AccountActions(directory, in_force, database, clock, events)
        self.delivery_actions = DeliveryActions(directory, in_force, database, clock, events, flows)
        self.hold_causes = HoldCauseActions(self.delivery_actions, database)
        self.link_actions = LinkActions(in_force, database, clock, directory.level)
        self.order_actions = OrderActions(directory, in_force, database, clock)
        self.offer_actions = OfferActions(directory, in_force, database, clock)
        self.offer_making = OfferMaking(directory, in_force, database, clock, self.offer_actions)
        self.sales_stop_actions = SalesStopActions(directory, in_force, database, clock)
        self.oversold_actions = OversoldActions(database, clock)
        self.customer_actions = CustomerActions(database, clock, in_force)
        self.stock_plan_actions = StockPlanActions(directory, in_force, database, clock)
        self.price_actions = PriceActions(in_force, database, clock, directory.level)
        self.strangers = Strangers(directory, database, clock, events)
        # What looks whether all is well, and reports
        self.alarms = OpenAlarms(database, clock, log)
        self.reconciler = Reconciler(directory, in_force, database, clock, events, log)
        self.vocabulary = VocabularyCheck(directory, in_force, database, clock, log)
        reads = LastReads(database, self.runs)
        facts = FactGatherer(
            directory,
            in_force,
            database,
            clock,
            self.supervisor,
            self.strays,
            reads,
            self.reconciler,
            self.strangers,
        )
        self.checks = Checks(
            facts,
            Silences(directory, in_force, database, reads, self.alarms),
            self.vocabulary,
            self.reconciler,
            self.strangers,
            self.alarms,
            in_force,
            clock,
            OfferChecks(in_force, database, directory.unreached),
        )
        self.seller_addresses = SellerAddresses(directory, database, clock, self.account_settings.learn, log)
        looks = (self.checks.round, self.seller_addresses.signed_in)
        self.sign_ins = SignIns(directory, database, self.supervisor, clock, looks, learned)
        self.alarm_sender = AlarmSender(self.alarms, lambda: in_force.configuration.alarms, session, clock, log)
        self.observers = Observers(configuration.plugins.manager, database, clock, log, self.strays)
        self._mails = MailPlanner(in_force.mails, database, clock, directory.wake)
        self._retention = Retention(database, clock, lambda: in_force.configuration.daemon.inputs_keep)

    @property
    def configuration(self) -> Configuration:
        """The one in force."""
        return self.in_force.configuration

    @property
    def units(self) -> Mapping[str, AccountUnit]:
        """The accounts at work, by name."""
        return self.directory.units

    def unit(self, name: str) -> AccountUnit:
        """The account of that name. Raises NotPossible when there is none at work."""
        return self.directory.unit(name)

    async def start(self) -> None:
        """Recover what a killed process left, then begin all accounts."""
        await self.account_settings.begin()
        await self.own_statuses.begin()
        await self.reloader.keep_inputs()
        await self.observers.begin()
        await self._launcher.begin_all(self.started_at)
        await self.runs.load()
        self.runs.start(self.supervisor)
        if self.observers.wanted:
            self.observers.start(self.supervisor)
        self._displacement.start()
        self.supervisor.every("round", _ROUND, self._round)
        await self.alarms.load()
        self.vocabulary.start(self.supervisor)
        self.seller_addresses.start(self.supervisor)
        self.checks.start(self.supervisor)
        self.alarm_sender.start(self.supervisor)
        self.reconciler.start(self.supervisor)
        self._mails.start(self.supervisor)
        self._retention.start(self.supervisor)

    async def _round(self, _pulse: Heartbeat) -> None:
        """Let accounts go that are another process's, and retry those that failed to start.

        Go on with sign-ins of others. Wake every target with open deliveries, if a wake-up was lost.
        """
        await self._displacement.check()
        await self.reloader.retry()
        await self.sign_ins.resume()
        await self._launcher.wake_owed()
        if await turn_prices(self.database, self.in_force.configuration.accounts.values(), self.clock.now()):
            self.directory.level()

    async def reload(self, configuration: Configuration, who: str = "hub") -> dict[str, list[str]]:
        """Take another configuration into force. Returns the names of accounts begun, changed and ended."""
        return await self.account_settings.reload(configuration, who)

    async def stop(self, grace: float) -> None:
        """End everything; deliveries under way have `grace` seconds to end by themselves, a reload included.

        Whatever one part cannot do is logged, and the others still end.
        """
        until = self.clock.monotonic() + grace

        def left() -> float:
            return max(min(1.0, grace), until - self.clock.monotonic())

        # A reload under way comes to its end first, if that is soon.
        alone = not self._launcher.close() or await self.reloader.keep_still(grace / 2)
        await self._launcher.end_all(left())
        if not alone:
            # The accounts in its hands have as long as the others.
            await self.reloader.keep_still(left())
            await self._launcher.end_all(left())
        await self.supervisor.stop_all()
        try:
            await self.runs.flush()
        except FAILURES as error:
            self._log.error("the last runs could not be stored", reason=str(error))
