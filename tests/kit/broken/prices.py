"""Prices out as they should be, and what a connector may forget, believe or claim about them.

The shop keeps a price as it keeps a quantity: a whole number, here of the smallest coin.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import ClassVar

from msgspec.structs import replace

from olhubd.model import Money
from olhubd.plugin import (
    Accepted,
    LevelCall,
    OutcomeUnknown,
    Parts,
    PriceCall,
    PriceSink,
    PriceWish,
    RowOutcome,
    ShownPrice,
    Unavailable,
)
from olhubd_kit.simulator import Verb
from tests.kit.broken.good import GoodShop, breaks
from tests.kit.broken.levels import Answer, GoodLevels, Row, Told
from tests.kit.broken.offers import OfferShelf

__all__ = ["GoodPrices"]


class PriceShelf(OfferShelf):
    """What is left of an offer is what it costs, in grosze."""

    def verbs(self) -> Mapping[str, Verb]:
        return {**super().verbs(), "prices": self.prices, "set_prices": self.set_prices}

    def prices(self) -> dict[str, str]:
        return {offer: str(Money.of_minor(left, "PLN").amount) for offer, left in self.buyable().items()}

    def set_prices(self, offers: Sequence[str], amount: str) -> None:
        self._act()
        for offer in offers:
            self.stock[offer] = int(amount.replace(".", ""))


class Tags(PriceSink):
    """Does as its connector has it, so that a broken connector is broken in one place."""

    def __init__(self, shop: GoodPrices) -> None:
        self.shop = shop

    def plan_prices(self, wishes: Sequence[PriceWish]) -> Sequence[PriceCall]:
        return self.shop.plan_prices(wishes)

    async def write_prices(self, command: str, call: PriceCall) -> Answer:
        return await self.shop.write(command, self.shop.written(call))

    async def report_prices(self, command: str, call: PriceCall) -> Answer | None:
        return await self.shop.report(command, self.shop.written(call))

    async def read_prices(self, offers: Sequence[str]) -> Sequence[ShownPrice]:
        return await self.shop.tags(offers)


class GoodPrices(GoodLevels):
    """Declares its prices alone."""

    stand_in = PriceShelf
    provides: ClassVar[Parts] = {**GoodShop.provides, Tags: "priced"}

    @property
    def priced(self) -> Tags:
        return Tags(self)

    @classmethod
    def capabilities(cls) -> tuple[str, ...]:
        return ("PriceSink",)

    def plan_prices(self, wishes: Sequence[PriceWish]) -> list[PriceCall]:
        by_price: dict[Money, list[str]] = {}
        for wish in wishes:
            by_price.setdefault(wish.price, []).append(wish.offer)
        return [PriceCall(action="set", price=price, offers=tuple(some)) for price, some in by_price.items()]

    def written(self, call: PriceCall) -> LevelCall:
        return LevelCall(action=call.action, value=call.price.minor(), offers=call.offers)

    async def tags(self, offers: Sequence[str]) -> list[ShownPrice]:
        return [
            ShownPrice(
                offer=one.offer, price=Money.of_minor(one.quantity, "PLN") if one.quantity is not None else None
            )
            for one in await self.look(offers)
        ]


@breaks("PRICE-01", "PRICE-02")
class RoundsAtWill(GoodPrices):
    """Plans a nice price where an odd one is wanted."""

    def plan_prices(self, wishes: Sequence[PriceWish]) -> list[PriceCall]:
        calls = super().plan_prices(wishes)
        return [replace(call, price=replace(call.price, amount=round(call.price.amount, 1))) for call in calls]


@breaks("PRICE-01")
class PlansAnOfferTwice(GoodPrices):
    """Goes for sure."""

    def plan_prices(self, wishes: Sequence[PriceWish]) -> list[PriceCall]:
        calls = super().plan_prices(wishes)
        return [*calls, *calls] if len(calls) > 2 else calls


@breaks("PRICE-02")
class SendsWholeZlotys(GoodPrices):
    """Takes the coins off what it sends."""

    def written(self, call: PriceCall) -> LevelCall:
        found = super().written(call)
        return replace(found, value=(found.value or 0) // 100 * 100)


@breaks("PRICE-03", "FAIL-02")
class TakesALostAnswerForAFailure(GoodPrices):
    """Says that nothing was done, as of a reading."""

    async def write(self, command: str, call: LevelCall) -> Answer:
        try:
            return await super().write(command, call)
        except OutcomeUnknown as error:
            raise Unavailable("not reached", retry_after=error.retry_after) from error


@breaks("PRICE-04")
class TakesNoReportForDone(GoodPrices):
    """Believes that what the shop does not know has been done and forgotten."""

    async def report(self, command: str, call: LevelCall) -> Answer | None:
        found = await super().report(command, call)
        return [RowOutcome(offer=offer, done=True) for offer in call.offers] if found is None else found


@breaks("PRICE-03", "PRICE-05")
class MakesItsOwnNumbers(GoodPrices):
    """Sends each call under a new number, and finds it by the host's."""

    async def write(self, command: str, call: LevelCall) -> Answer:
        number = self.__dict__.setdefault("numbers", {})[command] = str(uuid.uuid4())
        return await super().write(number, call)

    async def report(self, command: str, call: LevelCall) -> Answer | None:
        return await super().report(self.__dict__.get("numbers", {}).get(command, command), call)


@breaks("PRICE-06", "PRICE-07")
class TakesACommandForItsRows(GoodPrices):
    """Reports a command that ran as done for all its offers."""

    def outcome(self, row: Row) -> RowOutcome:
        return RowOutcome(offer=row.offer, done=True)


@breaks("PRICE-07")
class ReadsOnePageOfTheReport(GoodPrices):
    """Takes the first page of a report for all of it."""

    async def rows(self, command: str) -> list[Row] | None:
        told = await self.http.get(f"/levels/{command}", Told, {"after": 0})
        return told.rows if told.done else None


@breaks("PRICE-08")
class ReadsWhatItWrote(GoodPrices):
    """Shows as read what it has written itself."""

    async def write(self, command: str, call: LevelCall) -> Answer:
        answer: Sequence[RowOutcome] | Accepted = await super().write(command, call)
        self.__dict__.setdefault("wrote", {}).update(dict.fromkeys(call.offers, call.value))
        return answer

    async def tags(self, offers: Sequence[str]) -> list[ShownPrice]:
        wrote = self.__dict__.get("wrote", {})
        found = await super().tags(offers)
        return [
            replace(one, price=Money.of_minor(wrote[one.offer], "PLN"))
            if one.offer in wrote and len(offers) == 1
            else one
            for one in found
        ]


@breaks("PRICE-09")
class TakesNonsenseForNothing(GoodPrices):
    """Shows a price of zero where it cannot read one."""

    async def tags(self, offers: Sequence[str]) -> list[ShownPrice]:
        found = await super().tags(offers)
        return [one if one.price is not None else replace(one, price=Money.of_minor(0, "PLN")) for one in found]
