"""The guards of prices, each switched off, and what must miss it; see `tests.torture.mutations`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from olhubd.decide.pricing import rule as pricing
from olhubd.decide.pricing import step as stepping
from olhubd.decide.stock.level import OfferLevel
from olhubd.engine.prices import sink, steps, wanted
from olhubd.plugin import PriceSink
from olhubd.store import Transaction, levels
from tests.torture.mutations import Mutation, small, swap

__all__ = ["PRICE_MUTATIONS"]


def _floor_off() -> Any:
    """No price is too low."""
    real = pricing.offer_price

    def floorless(rule: pricing.PriceRule, parts: Sequence[Any], currency: str | None) -> Any:
        return real(msgspec.structs.replace(rule, floor=None), parts, currency)

    return swap(wanted, "offer_price", floorless)


def _another_list() -> Any:
    """What a marketplace's offers cost is taken from the list that is for others."""
    real = pricing.rule_of

    def wholesale(rules: Sequence[pricing.PriceRule], master: str, channel: str) -> pricing.PriceRule | None:
        found = real(rules, master, channel)
        return msgspec.structs.replace(found, price_list="wholesale") if found is not None else None

    return swap(wanted, "rule_of", wholesale)


def _sent_again() -> Any:
    """What somebody else makes of a price is fought over, though the list has said nothing new."""
    real = stepping.next_price_step

    def eager(level: OfferLevel, now: datetime, **named: Any) -> Any:
        return real(msgspec.structs.replace(level, wanted_at=level.wanted_at or now), now, **named)

    return swap(steps, "next_price_step", eager)


def _not_followed() -> Any:
    """A price that was newly brought is marked as followed, and no offer goes by it."""

    async def nothing(_tx: Transaction, _account: str, _ids: Any, _rules: Any, _now: datetime) -> list[OfferLevel]:
        return []

    return swap(wanted, "want", nothing)


def _command_not_kept() -> Any:
    async def nothing(_tx: Transaction, _rows: Sequence[Any]) -> None:
        pass

    return swap(levels, "keep", nothing)


def _never_late() -> Any:
    """What was not answered and is not known there counts as never done, though it may still act."""
    real = sink.PriceLevels.__init__

    def hasty(self: sink.PriceLevels, one: PriceSink) -> None:
        real(self, one)
        self.level_late = self.level_settle = timedelta(0)

    return swap(sink.PriceLevels, "__init__", hasty)


PRICE_MUTATIONS: dict[str, Mutation] = {
    "a price below the floor": Mutation(_floor_off, small("a price below the floor"), frozenset({"floor"})),
    "the price of another list": Mutation(_another_list, small("a price that is said anew"), frozenset({"listed"})),
    "a price that was not newly brought": Mutation(
        _sent_again, small("a price that somebody else writes"), frozenset({"unbrought"})
    ),
    "a price that no offer follows": Mutation(
        _not_followed, small("a price that is said anew"), frozenset({"costs"})
    ),
    "a price that is sent before it is kept": Mutation(
        _command_not_kept, small("a price that is said anew"), frozenset({"unkept"})
    ),
    "an older price that acts after a newer one": Mutation(
        _never_late, small("a price that is written late, and another"), frozenset({"overtaken"})
    ),
}
