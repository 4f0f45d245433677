"""The quantities of one account: who keeps them, where stock is sold on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

from olhubd.config import AccountConfig
from olhubd.engine.access.connection import Connection
from olhubd.engine.levels.account_leveller import AccountLeveller
from olhubd.engine.levels.channel import SalesChannel
from olhubd.engine.levels.leveller import Leveller
from olhubd.engine.levels.linking import masters_of
from olhubd.engine.levels.relinking import relink
from olhubd.engine.levels.sold_products import SoldProducts
from olhubd.engine.prices.resuming import price_first
from olhubd.engine.services import Services
from olhubd.plugin import LevelSink, Log, OfferProducts, PluginError
from olhubd.runtime.supervisor import Heartbeat

__all__ = ["AccountLevels"]


class AccountLevels(AccountLeveller[Leveller]):
    """Has a leveller where a rule sells stock on the account and its system takes a quantity."""

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
        leveller: Leveller | None = None
        sink = connection.connector.capability(LevelSink)
        rules = services.in_force.stock
        if sink is not None and masters_of(rules(), config.name):
            channel = SalesChannel(
                config.name,
                sink,
                connection.calls,
                services.database,
                services.clock,
                log,
                rules=rules,
                through=services.horizon.through,
                horizon=services.horizon,
                before_resuming=self._price_first,
                want_orders=services.neighbours.want_orders,
            )
            told = connection.connector.capability(OfferProducts)
            products = SoldProducts(channel, told, services.in_force.routes) if told is not None else None
            leveller = Leveller(channel, lost=lost, products=products)
        super().__init__(f"levels of {config.name}", services.supervisor, leveller)

    async def _price_first(self, ids: Collection[int]) -> Collection[int]:
        services = self._services
        rules, now = services.in_force.prices(), services.clock.now()
        waits, new = await price_first(services.database, self._name, ids, rules, now)
        if new:
            services.neighbours.level()
        return waits

    async def _run(self, pulse: Heartbeat) -> None:
        services = self._services
        if self.leveller is not None:
            rules, routes = services.in_force.stock(), services.in_force.routes()
            await relink(services.database, services.clock, self._name, routes, rules, pulse)
            await super()._run(pulse)
