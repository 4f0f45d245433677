"""A stock master with a price list and a channel that takes prices, with the hub's own levellers between them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import count
from typing import Any

import structlog

from olhubd.decide.pricing.rule import PriceRule
from olhubd.decide.stock.level import OfferLevel
from olhubd.engine.calls import Calls, OverdueCalls
from olhubd.engine.prices.channel import PriceChannel
from olhubd.engine.prices.leveller import PriceLeveller
from olhubd.engine.prices.resuming import price_first
from olhubd.model import LevelKind, ListPrice, Money, Offer, OfferState, PriceBasis
from olhubd.plugin import (
    Accepted,
    PriceCall,
    PriceSink,
    PriceWish,
    RowOutcome,
    ShownPrice,
)
from olhubd.store import Database, events, levels, offers, price_switches
from tests.engine.levels.stall import Commands, Stall
from tests.orders import pln

__all__ = ["PriceStall", "Tags"]


class Tags(Commands[PriceCall], PriceSink):
    """What the offers of a channel cost. Equal prices share a call; a command acts when it is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.price: dict[str, Money] = {}
        self.calls: list[tuple[str, tuple[str, ...]]] = []
        self.unreadable: set[str] = set()
        """Offers of which it is not known what they cost."""

    def plan_prices(self, wishes: Sequence[PriceWish]) -> Sequence[PriceCall]:
        by_price: dict[Money, list[str]] = {}
        for wish in wishes:
            assert wish.shown.currency == wish.price.currency
            by_price.setdefault(wish.price, []).append(wish.offer)
        return [PriceCall(action="set", price=price, offers=tuple(some)) for price, some in by_price.items()]

    async def write_prices(self, command: str, call: PriceCall) -> Sequence[RowOutcome] | Accepted:
        return await self.send(command, call)

    def note(self, call: PriceCall) -> None:
        self.calls.append((str(call.price), call.offers))

    def act(self, command: str, call: PriceCall) -> Sequence[RowOutcome]:
        outcomes = []
        for offer in call.offers:
            why = self.refused.get(offer)
            outcomes.append(RowOutcome(offer=offer, done=why is None, error=why))
            if why is None and self.mode != "ignored":
                self.price[offer] = call.price
        self.commands[command] = outcomes
        return outcomes

    async def report_prices(self, command: str, call: PriceCall) -> Sequence[RowOutcome] | Accepted | None:
        return self.commands.get(command)

    async def read_prices(self, offers: Sequence[str]) -> Sequence[ShownPrice]:
        return [
            ShownPrice(offer=one, price=None if one in self.unreadable else self.price[one])
            for one in offers
            if one in self.price
        ]


class PriceStall(Stall):
    """The prices of `shop` go to `allegro` by one rule, from the moment of `open` on."""

    def __init__(self, database: Database, **rule: Any) -> None:
        super().__init__(database)
        self.tags = Tags()
        self.priced = [self.rule(**rule)]
        self._numbers = (f"price-command-{n}" for n in count(1))
        self.pricer = self.make_pricer()
        self.leveller = self.make_leveller()

    @staticmethod
    def rule(**more: Any) -> PriceRule:
        fields = {"master": "shop", "channels": frozenset({"allegro"}), "price_list": "default"}
        return PriceRule(**{**fields, **more})

    def make_pricer(self) -> PriceLeveller:
        log = structlog.get_logger()
        channel = PriceChannel(
            "allegro",
            self.tags,
            Calls("allegro", self.clock, log, OverdueCalls()),
            self.database,
            self.clock,
            log,
            priced=lambda: self.priced,
        )
        return PriceLeveller(channel, lost=self._lost, make_id=lambda: next(self._numbers))

    async def before_resuming(self, ids: Collection[int]) -> Collection[int]:
        return (await price_first(self.database, "allegro", ids, self.priced, self.clock.now()))[0]

    async def open(self) -> None:
        """The account's switch is on from now on."""
        await self.pricer.begin()

    async def close(self) -> None:
        """It is off."""
        await self.database.write(lambda tx: price_switches.off(tx, "allegro"))

    async def listed_price(self, item: str, amount: str | None, **more: Any) -> None:
        """The list of the shop says what something costs."""
        said = Money(Decimal(amount), more.pop("currency", "PLN")) if amount is not None else None
        fields: dict[str, Any] = {"item": item, "price_list": "default", "price": said, "basis": PriceBasis.GROSS}
        await self.land("shop", ListPrice(**{**fields, **more}))

    async def goods(self, sku: str = "A", price: str = "10.00") -> None:
        """The shop has five of something at a price."""
        await self.stock(sku, 5)
        await self.listed_price(f"p-{sku}", price)

    async def on_sale(self, number: str, sku: str = "A", price: str = "10.00", **more: Any) -> None:
        """The feed of offers reads an offer as it is, or as it is listed now."""
        self.tags.price[number] = pln(price)
        await self.read_offer(number, sku, **more)

    async def read_offer(
        self,
        number: str,
        sku: str = "A",
        listed_at: datetime | None = None,
        state: OfferState = OfferState.ACTIVE,
        **more: Any,
    ) -> None:
        if number not in self.channel.shown:
            self.channel.list(number, 5)
        fields = {"name": sku, "sku": sku, "quantity": 5, "price": self.tags.price[number], "listed_at": listed_at}
        await self.land("allegro", Offer(external_id=number, state=state, **{**fields, **more}))

    async def price_turns(self, seconds: float = 0.0) -> None:
        """Let the leveller of prices work until nothing is due within so many seconds."""
        await self.let(self.pricer, seconds)

    async def row(self, number: str = "111") -> OfferLevel | None:
        listed = (await offers.by_external(self.database.reader, "allegro", [number]))[number]
        return (await levels.of_offers(self.database.reader, [listed.id], LevelKind.PRICE)).get(listed.id)

    async def follows(self, number: str = "111") -> bool:
        return (await offers.by_external(self.database.reader, "allegro", [number]))[number].price_sync

    async def told(self, prefix: str = "pricing.") -> list[str]:
        found = await events.since(self.database.reader, 0, limit=10_000)
        return [one.kind for one in found if one.kind.startswith(prefix)]
