"""The prices of one account: who keeps them, where the prices of a master go to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from olhubd.config import AccountConfig
from olhubd.engine.access.connection import Connection
from olhubd.engine.prices.channel import PriceChannel
from olhubd.engine.prices.leveller import PriceLeveller
from olhubd.engine.services import Services
from olhubd.plugin import Log, PluginError, PriceSink
from olhubd.store import Transaction, price_switches

__all__ = ["AccountPrices"]


class AccountPrices:
    """Has a leveller where a rule sends prices to the account and its system takes one."""

    def __init__(
        self,
        config: AccountConfig,
        connection: Connection,
        services: Services,
        log: Log,
        *,
        lost: Callable[[PluginError], Awaitable[None]],
    ) -> None:
        self._services = services
        self._name = config.name
        self._task = f"prices of {config.name}"
        self.leveller: PriceLeveller | None = None
        sink = connection.connector.capability(PriceSink)
        rules = services.in_force.prices
        if sink is not None and any(config.name in rule.channels for rule in rules()):
            channel = PriceChannel(
                config.name,
                sink,
                connection.calls,
                services.database,
                services.clock,
                log,
                priced=rules,
            )
            self.leveller = PriceLeveller(channel, lost=lost)

    def start(self, *, paused: bool) -> None:
        """Begin to keep them, or to wait for `resume`."""
        if self.leveller is not None:
            if paused:
                self.leveller.pause()
            self._services.supervisor.start(self._task, self.leveller.run)

    async def switch_off(self) -> None:
        """Where no prices go to the account any more, remember that: when they do again, the offers are older."""
        if self.leveller is None and self._services.in_force.stock():
            reader = self._services.database.reader
            if await price_switches.since(reader, self._name) is not None:

                async def work(tx: Transaction) -> None:
                    await price_switches.off(tx, self._name)

                await self._services.database.write(work)

    def wake(self) -> None:
        """Prices were brought, or a person has said something of one."""
        if self.leveller is not None:
            self.leveller.wake()

    def pause(self) -> None:
        if self.leveller is not None:
            self.leveller.pause()

    def resume(self) -> None:
        if self.leveller is not None:
            self.leveller.resume()

    async def stop(self) -> None:
        """End at once. What was sent is kept, and looked up by the next process."""
        await self._services.supervisor.stop(self._task)
