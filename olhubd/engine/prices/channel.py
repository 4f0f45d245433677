"""One account to which prices go, as the parts of its leveller share it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from olhubd.decide.pricing.rule import PriceRule
from olhubd.decide.stock.level import OfferLevel
from olhubd.engine.calls import Calls
from olhubd.engine.levels.channel import SalesChannel
from olhubd.engine.prices import wanted
from olhubd.engine.prices.sink import PriceLevels
from olhubd.model import LevelKind, Money
from olhubd.plugin import Clock, Log, PriceSink
from olhubd.store import Database, Transaction, list_prices

__all__ = ["PriceChannel"]

_MARKS = 500


class PriceChannel(SalesChannel):
    """`priced` gives whose prices go where."""

    kind = LevelKind.PRICE

    def __init__(
        self,
        account: str,
        sink: PriceSink,
        calls: Calls,
        database: Database,
        clock: Clock,
        log: Log,
        *,
        priced: Callable[[], Sequence[PriceRule]],
    ) -> None:
        self.prices = PriceLevels(sink)
        # Sales move no price, so nothing of it waits until orders were read, and no rule of stock concerns it.
        super().__init__(account, self.prices, calls, database, clock, log, rules=tuple, through=lambda _: 0)
        self.priced = priced

    async def behind(self) -> bool:
        """Whether prices were brought that the offers do not follow yet."""
        return await list_prices.behind(self.database.reader, self.account)

    async def follow(self, tx: Transaction) -> bool:
        if not await list_prices.behind(tx, self.account):
            return True
        found = await wanted.follow(tx, self.account, self.priced(), self.clock.now(), _MARKS)
        if found:
            await list_prices.trim(tx, _MARKS)
        return found < _MARKS

    def not_read(self, row: OfferLevel) -> tuple[str, dict[str, object]]:
        return "pricing.not-read", {"offer": row.external_id}

    def not_kept(self, row: OfferLevel, shown: int | None) -> tuple[str, dict[str, object]]:
        wanted, costs = _money(row.sent, row), _money(shown, row)
        return "pricing.not-kept", {"offer": row.external_id, "wanted": wanted, "shown": costs}


def _money(amount: int | None, row: OfferLevel) -> str | None:
    return str(Money.of_minor(amount, row.currency)) if amount is not None and row.currency is not None else None
