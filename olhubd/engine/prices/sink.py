"""The prices of a channel as levels: whole numbers of the smallest coin, each with its currency."""

from __future__ import annotations

from collections.abc import Sequence

from olhubd.model import Money
from olhubd.plugin import (
    Accepted,
    LevelCall,
    LevelSink,
    LevelWish,
    PriceCall,
    PriceSink,
    PriceWish,
    RowOutcome,
    ShownLevel,
)

__all__ = ["PriceLevels"]


class PriceLevels(LevelSink):
    """A connector's prices, as the leveller asks for quantities. `sold_in` has the currencies of offers by their
    numbers at the channel."""

    def __init__(self, sink: PriceSink) -> None:
        self._sink = sink
        self.level_settle = sink.price_settle
        self.level_late = sink.price_late
        self.sold_in: dict[str, str] = {}

    def plan_levels(self, wishes: Sequence[LevelWish]) -> Sequence[LevelCall]:
        wanted = [
            PriceWish(
                offer=wish.offer,
                price=Money.of_minor(wish.value, self.sold_in[wish.offer]),
                shown=Money.of_minor(wish.shown, self.sold_in[wish.offer]),
                refused=wish.refused,
            )
            for wish in wishes
        ]
        # A price that a connector has made up, or that is none, is not sent.
        asked = {wish.offer: wish.price for wish in wanted}
        return [
            LevelCall(action=f"{call.action} {call.price.currency}", offers=offers, value=call.price.minor())
            for call in self._sink.plan_prices(wanted)
            if call.price.amount > 0
            and (offers := tuple(one for one in call.offers if asked.get(one) == call.price))
        ]

    async def write_levels(self, command: str, call: LevelCall) -> Sequence[RowOutcome] | Accepted:
        return await self._sink.write_prices(command, _priced(call))

    async def report_levels(self, command: str, call: LevelCall) -> Sequence[RowOutcome] | Accepted | None:
        return await self._sink.report_prices(command, _priced(call))

    async def read_levels(self, offers: Sequence[str]) -> Sequence[ShownLevel]:
        found = []
        for one in await self._sink.read_prices(offers):
            known = one.price is not None and one.price.currency == self.sold_in.get(one.offer, one.price.currency)
            amount = one.price.minor() if one.price is not None and known else None
            found.append(ShownLevel(offer=one.offer, quantity=amount, active=True))
        return found


def _priced(call: LevelCall) -> PriceCall:
    action, currency = call.action.rsplit(" ", 1)
    return PriceCall(action=action, offers=call.offers, price=Money.of_minor(call.value or 0, currency))
