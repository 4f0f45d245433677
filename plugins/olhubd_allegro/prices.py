"""Prices out, by commands: one price for up to a thousand offers, on the market where an offer is at home.

Allegro has no limit for a step of a price, so what is sent here is sold at once. A campaign lowers what buyers pay
and leaves the offer's own price as it is: that one is written, and that one is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from olhubd.model import Money, Offer
from olhubd.plugin import Accepted, PriceCall, PriceSink, PriceWish, RowOutcome, ShownPrice
from olhubd_allegro.commands import Commands
from olhubd_allegro.offers import Offers

__all__ = ["Prices"]

_PATH = "/sale/offer-price-change-commands"
_SET = "set"
_FIELDS = frozenset({"price", "prices", "sellingMode.price"})
"""What the tasks of a command may say that they change: the contract does not name it."""


class Prices(PriceSink):
    """The prices of one account's offers."""

    price_settle = timedelta(seconds=5)

    def __init__(self, commands: Commands, offers: Offers) -> None:
        self._commands = commands
        self._offers = offers

    def plan_prices(self, wishes: Sequence[PriceWish]) -> Sequence[PriceCall]:
        by_price: dict[Money, list[str]] = {}
        for wish in wishes:
            by_price.setdefault(wish.price, []).append(wish.offer)
        return [
            PriceCall(action=_SET, price=price, offers=tuple(some[at : at + self._commands.most]))
            for price, some in by_price.items()
            for at in range(0, len(some), self._commands.most)
        ]

    async def write_prices(self, command: str, call: PriceCall) -> Sequence[RowOutcome] | Accepted:
        price = call.price.rounded()
        change = {"type": "FIXED_PRICE", "price": {"amount": str(price.amount), "currency": price.currency}}
        return await self._commands.put(f"{_PATH}/{command}", call.offers, {"modification": change})

    async def report_prices(self, command: str, call: PriceCall) -> Sequence[RowOutcome] | Accepted | None:
        return await self._commands.report(f"{_PATH}/{command}", command, call.offers, _FIELDS)

    async def read_prices(self, offers: Sequence[str]) -> Sequence[ShownPrice]:
        return [
            ShownPrice(offer=one.external_id, price=one.price if isinstance(one, Offer) else None)
            for one in await self._offers.read(offers)
        ]
