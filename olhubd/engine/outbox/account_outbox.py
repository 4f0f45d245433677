"""The outbox of one account: who delivers to it, from its first delivery on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from olhubd.config import AccountConfig
from olhubd.engine.access.connection import Connection
from olhubd.engine.calls import LET_GO
from olhubd.engine.outbox.attempt import Executor
from olhubd.engine.outbox.dispatcher import Dispatcher
from olhubd.engine.prices.floors import too_cheap
from olhubd.engine.services import Services
from olhubd.plugin import Log, PluginError

__all__ = ["AccountOutbox"]


class AccountOutbox:
    """Has a dispatcher as soon as the account had any delivery."""

    def __init__(
        self,
        config: AccountConfig,
        connection: Connection,
        services: Services,
        log: Log,
        *,
        lost: Callable[[PluginError], Awaitable[None]],
    ) -> None:
        self._config = config
        self._connection = connection
        self._services = services
        self._log = log
        self._lost = lost
        self._task = f"dispatcher to {config.name}"
        self.dispatcher: Dispatcher | None = None

    @property
    def down(self) -> bool:
        """Whether deliveries to it fail one after another."""
        return self.dispatcher is not None and self.dispatcher.down

    def wake(self, *, paused: bool) -> None:
        """Something is pending; a dispatcher that only begins now waits for `resume` if `paused`."""
        if self.dispatcher is None:
            self.dispatcher = self._make()
            if paused:
                self.dispatcher.pause()
            self._services.supervisor.start(self._task, self.dispatcher.run)
        self.dispatcher.wake()

    def _make(self) -> Dispatcher:
        name, services, connection = self._config.name, self._services, self._connection
        policy = services.in_force.policy
        executor = Executor(
            name,
            connection.connector,
            services.clock,
            self._log,
            policy,
            services.in_force.routes,
            services.neighbours.processing,
            services.amendments.wanted,
            services.lineage,
            connection.calls,
            mails=services.in_force.mails,
            titles=services.in_force.title,
            too_cheap=lambda stored: too_cheap(services.database.reader, stored, services.in_force.prices()),
            statuses=services.in_force.statuses,
        )
        return Dispatcher(
            name,
            executor,
            services.database,
            services.clock,
            self._log,
            parallel=self._config.parallel,
            policy=policy,
            wake_others=services.neighbours.wake,
            lost=self._lost,
            rules=services.in_force.stock,
            levelled=services.neighbours.level,
            displaced=lambda: services.neighbours.taken_over(name),
            flows=services.flows,
        )

    def pause(self) -> None:
        if self.dispatcher is not None:
            self.dispatcher.pause()

    def resume(self) -> None:
        if self.dispatcher is not None:
            self.dispatcher.resume()

    async def stop(self, until: float, least: float) -> None:
        """End deliveries under way by `until` on the monotonic clock, but give them at least `least` seconds."""
        if self.dispatcher is not None:
            self.dispatcher.stop()
            left = until - self._services.clock.monotonic() - LET_GO
            await self._services.supervisor.stop(self._task, max(least, left))
            self.dispatcher = None
