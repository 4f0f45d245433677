"""The prices of one account: who keeps them, where the prices of a master go to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from olhubd.config import AccountConfig
from olhubd.engine.access.connection import Connection
from olhubd.engine.in_force import InForce
from olhubd.engine.levels.account_leveller import AccountLeveller
from olhubd.engine.prices.channel import PriceChannel
from olhubd.engine.prices.leveller import PriceLeveller
from olhubd.engine.services import Services
from olhubd.plugin import Log, PluginError, PriceSink
from olhubd.store import Database, Transaction, price_switches

__all__ = ["AccountPrices", "switch_off_unnamed"]


class AccountPrices(AccountLeveller[PriceLeveller]):
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
        leveller: PriceLeveller | None = None
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
            leveller = PriceLeveller(channel, lost=lost)
        super().__init__(f"prices of {config.name}", services.supervisor, leveller)


async def switch_off_unnamed(database: Database, in_force: InForce) -> None:
    """Remember to which accounts no rule sends prices any more: when one does again, their offers are older. An
    account that is not configured may be another process's, unless there can be none."""
    named = {channel for rule in in_force.prices() for channel in rule.channels}
    accounts = in_force.configuration.accounts
    on = await price_switches.accounts(database.reader)
    ended = sorted(name for name in on - named if name in accounts or database.alone)
    if not ended:
        return

    async def work(tx: Transaction) -> None:
        for name in ended:
            await price_switches.off(tx, name)

    await database.write(work)
