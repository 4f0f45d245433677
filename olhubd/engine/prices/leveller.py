"""The prices of one channel at work: follows what was newly brought, sends it, and reads it back."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable

from olhubd.engine.levels.leveller import Leveller
from olhubd.engine.prices.channel import PriceChannel
from olhubd.engine.prices.steps import PriceSteps
from olhubd.plugin import PluginError
from olhubd.store import Transaction, price_switches

__all__ = ["PriceLeveller"]


class PriceLeveller(Leveller):
    """Keeps the offers of one account at the prices that they must have."""

    def __init__(
        self,
        channel: PriceChannel,
        *,
        lost: Callable[[PluginError], Awaitable[None]],
        make_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        super().__init__(channel, lost=lost, make_id=make_id, terms=PriceSteps(channel))
        self._prices = channel

    async def begin(self) -> None:
        """The switch of the account is on from now on, if it was not. What was brought before is not sent."""

        async def work(tx: Transaction) -> None:
            await price_switches.on(tx, self._prices.account, self._prices.clock.now())

        await self._prices.database.write(work)

    async def _follow(self) -> None:
        if not await self._prices.behind():
            return

        while not await self._prices.database.write(self._prices.follow):
            pass
