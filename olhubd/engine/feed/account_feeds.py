"""The feeds of one account: which there are, from when on they count, and who reads them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from olhubd.config import AccountConfig
from olhubd.decide.order_rate import UsualRate
from olhubd.decide.stock.policy import StockPolicy, StockRule
from olhubd.engine.access.connection import Connection
from olhubd.engine.feed.pace import AS_SET, PollPace
from olhubd.engine.feed.poller import Poller
from olhubd.engine.feed.reader import FeedReader
from olhubd.engine.feed.reading import ReadingContext
from olhubd.engine.feed.schedule import FeedSchedule
from olhubd.engine.services import Services
from olhubd.model import Kind, Reason
from olhubd.plugin import Log, OrderCount, OrderLookup, PluginError, sweep_of
from olhubd.store import FAILURES, runs

__all__ = ["AccountFeeds"]


class AccountFeeds:
    """Reads them by one poller, if any feed is wanted. `first_run` is when the account began."""

    def __init__(
        self,
        config: AccountConfig,
        first_run: datetime,
        connection: Connection,
        services: Services,
        log: Log,
        *,
        lost: Callable[[PluginError], Awaitable[None]],
        recovered: Callable[[], None],
    ) -> None:
        self._name = config.name
        self._connector = connection.connector
        self._services = services
        self._log = log
        self._recovered = recovered
        self._task = f"poller of {config.name}"
        self._interval = config.interval.total_seconds()
        self._profile = config.profile
        self._profiled = "interval" in config.by_profile
        self._pace: PollPace | None = None
        self.poller: Poller | None = None
        if config.adaptive and config.fetch_orders:
            gates = partial(services.budgets.gates, connection.budgets)
            self._pace = PollPace(config.name, self._interval, gates, services.clock, log)
        rules = services.in_force.stock()
        feeds = [feed for feed in self._connector.feeds.values() if _wanted(feed.kinds, config, rules)]
        if feeds:
            reading = self._reading(config, first_run, connection)
            lookup = self._connector.capability(OrderLookup)
            self.poller = Poller(reading, feeds, lookup, lost=lost, recovered=self._well, displaced=self._displaced)

    def _reading(self, config: AccountConfig, first_run: datetime, connection: Connection) -> ReadingContext:
        services = self._services
        since = _since(config.start, first_run)
        return ReadingContext(
            account=config.name,
            schedule=FeedSchedule(
                interval=config.interval,
                # A profile is about orders: stock and offers are known as soon as without it.
                others=min(config.interval, config.connector.defaults.interval) if self._profiled else None,
                at_most=self._profiled,
                sweep_interval=config.sweep_interval,
                sweep_window=config.sweep_window,
                start=since,
                start_by_person=config.start_by_person,
                manual_per_hour=config.connector.defaults.manual_per_hour,
            ),
            calls=connection.calls,
            database=services.database,
            landing=services.landing,
            lineage=services.lineage,
            horizon=services.horizon,
            runs=services.runs,
            sweeps=services.sweeps,
            pulls=services.pulls,
            clock=services.clock,
            log=self._log,
            started_at=since or first_run,
            pace=self._pace,
            divided=partial(self._divided, config.name),
            imports=lambda: config.products.rule(services.in_force.configuration.daemon.zone),
            there=lambda: services.lineage.now(config.name),
        )

    def _divided(self, account: str) -> bool:
        rules = self._services.in_force.stock()
        return any(rule.policy is StockPolicy.ALLOCATED and account in rule.channels for rule in rules)

    def _well(self) -> None:
        self._recovered()
        self._services.supervisor.recovered(self._task)

    def _displaced(self) -> None:
        self._services.neighbours.taken_over(self._name)

    # What can be read

    @property
    def orders(self) -> FeedReader | None:
        """Who reads its orders; None where it fetches none."""
        return self.poller.orders if self.poller is not None else None

    @property
    def sweeps(self) -> bool:
        """Whether its orders can be listed beside its feed."""
        return sweep_of(self._connector.feed(Kind.ORDER)) is not None

    @property
    def comparable(self) -> bool:
        """Whether its orders can be compared with the source's."""
        return self.sweeps or self._connector.can(OrderCount)

    # How often

    @property
    def interval(self) -> float:
        """Seconds between two pulls of its orders, as it is now."""
        return self._interval if self._pace is None else self._pace.seconds

    @property
    def interval_reason(self) -> Reason:
        """What the present interval comes from."""
        if self._pace is not None:
            return self._pace.why
        return Reason("poll.profile", profile=self._profile.value) if self._profiled else AS_SET

    def expect(self, usual: UsualRate, zone: ZoneInfo, quiet_days: Collection[str]) -> None:
        """Take how many orders are usual at which hour, days of the year like "12-24" excepted."""
        if self._pace is not None and self.poller is not None and self._pace.expect(usual, zone, quiet_days):
            self.poller.expect_orders()

    # Running

    def start(self, *, paused: bool) -> None:
        """Begin to poll, or to wait for `resume`."""
        if self.poller is not None:
            if paused:
                self.poller.pause()
            self._services.supervisor.start(self._task, self.poller.run)

    def pause(self) -> None:
        if self._pace is not None:
            self._pace.rest()
        if self.poller is not None:
            self.poller.pause()

    def resume(self) -> None:
        if self.poller is not None:
            self.poller.resume()

    async def stop(self) -> None:
        """End polling at once."""
        await self._services.supervisor.stop(self._task)
        if self._pace is not None:
            self._pace.rest()
        if self.poller is not None:
            self.poller.end()

    async def lose_runs(self) -> None:
        """What its poller was at is not taken up again as the same run, and nobody else will end it."""
        if self.poller is None:
            return
        try:
            await self._services.database.write(lambda tx: runs.lose(tx, self._name))
        except FAILURES as error:
            self._log.warning("a run broken off stands as running until the next start", reason=str(error))


def _since(configured: datetime | timedelta | None, first_run: datetime) -> datetime | None:
    """From when on orders of the past are wanted; None when only those that come are."""
    return first_run - configured if isinstance(configured, timedelta) else configured


def _wanted(kinds: Collection[Kind], config: AccountConfig, rules: Sequence[StockRule]) -> bool:
    """Whether a feed of such records is read. A list that nobody needs would cost calls that orders could use."""
    if Kind.ORDER in kinds:
        return config.fetch_orders
    needed = {
        Kind.STOCK: any(rule.master == config.name for rule in rules),
        Kind.PRODUCT: config.products.read,
        Kind.PRICE: config.products.read,
        Kind.OFFER: any(config.name in rule.channels for rule in rules),
    }
    return any(needed.get(kind, True) for kind in kinds)
