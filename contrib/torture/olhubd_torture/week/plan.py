"""What happens in the week, before anybody knows who carries it: the same for the hub and for the hourly copy."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import msgspec

from olhubd_kit.catalogue import ShelfProduct

__all__ = [
    "DAY",
    "SHOP",
    "Act",
    "BuyerCame",
    "BuyerCancelled",
    "CameBack",
    "LostAnswers",
    "PiecesCame",
    "WeekPlan",
    "WentDown",
    "draw",
]

DAY = 86_400.0
SHOP = "shop"
_SHOP_SHARE = 0.3
_CANCELLED = 0.04
_LINES = (1, 1, 1, 1, 2, 2, 3)
_PIECES = (1, 1, 1, 1, 1, 2, 2, 3)
_STOCKED = (0, 1, 1, 2, 2, 3, 5, 8, 13, 40)
"""Pieces that the warehouse begins with: much of it is scarce, since what is plenty cannot be oversold."""


class BuyerCame(msgspec.Struct, frozen=True, tag=True):
    """A buyer comes to `place` for some pieces of each of `wares`, and takes what is shown."""

    at: float
    place: str
    wares: tuple[tuple[str, int], ...]
    number: int
    """Of this purchase, so that a later cancellation knows it."""


class BuyerCancelled(msgspec.Struct, frozen=True, tag=True):
    """The buyer of that purchase takes it back; its pieces are there again."""

    at: float
    number: int


class PiecesCame(msgspec.Struct, frozen=True, tag=True):
    """A supplier's pieces, or what came back from a buyer, are booked in the shop."""

    at: float
    sku: str
    pieces: int


class WentDown(msgspec.Struct, frozen=True, tag=True):
    """From now on `place` answers nothing but that it is not available."""

    at: float
    place: str


class CameBack(msgspec.Struct, frozen=True, tag=True):
    """`place` works again."""

    at: float
    place: str


class LostAnswers(msgspec.Struct, frozen=True, tag=True):
    """`place` does what it is asked, and the next `count` answers never arrive."""

    at: float
    place: str
    count: int


Act = BuyerCame | BuyerCancelled | PiecesCame | WentDown | CameBack | LostAnswers


class WeekPlan(msgspec.Struct, frozen=True):
    """`acts` in the order of their times, in seconds since the week began, which is `seconds` long; `stock`
    by SKU at its beginning."""

    seed: int
    seconds: float
    markets: tuple[str, ...]
    stock: dict[str, int]
    acts: tuple[Act, ...]


def draw(seed: int, days: int, orders: int, products: Sequence[ShelfProduct], markets: Sequence[str]) -> WeekPlan:
    """About so many purchases: some buyers find nothing, and go."""
    dice = random.Random(f"week {seed}")
    skus = [one.sku or "" for one in products]
    dice.shuffle(skus)
    # A few are bought by everybody, most by hardly anybody.
    weights = [1 / (place + 10) for place in range(len(skus))]
    acts: list[Act] = []
    for number in range(orders):
        at = _moment(dice, days)
        place = SHOP if dice.random() < _SHOP_SHARE else dice.choice(list(markets))
        chosen = dict.fromkeys(dice.choices(skus, weights, k=dice.choice(_LINES)))
        acts.append(BuyerCame(at, place, tuple((sku, dice.choice(_PIECES)) for sku in chosen), number))
        if dice.random() < _CANCELLED:
            acts.append(BuyerCancelled(at + dice.uniform(600.0, 0.8 * DAY), number))
    for day in range(days):
        for sku in dict.fromkeys(dice.choices(skus, weights, k=len(skus) // 20)):
            at = day * DAY + dice.uniform(7 * 3600.0, 10 * 3600.0)
            acts.append(PiecesCame(at, sku, dice.choice((1, 2, 5, 10, 20))))
        for place in (SHOP, *markets):
            # Early enough that it comes back within the week, or what is under way would count as lost.
            at = (day + 0.99 * dice.random()) * DAY
            acts.append(WentDown(at, place))
            acts.append(CameBack(at + dice.uniform(30.0, 600.0), place))
            acts.append(LostAnswers((day + dice.random()) * DAY, place, dice.randint(1, 3)))
    stock = {sku: dice.choice(_STOCKED) for sku in sorted(skus)}
    kept = [act for act in acts if act.at < days * DAY]
    return WeekPlan(seed, days * DAY, tuple(markets), stock, tuple(sorted(kept, key=lambda act: act.at)))


def _moment(dice: random.Random, days: int) -> float:
    """When somebody buys: seldom at night, most in the evening."""
    while True:
        hour = dice.uniform(0.0, 24.0)
        busy = 0.08 + 0.92 * math.exp(-(((hour - 19.5) / 4.5) ** 2)) + 0.5 * math.exp(-(((hour - 12.0) / 3.0) ** 2))
        if dice.random() < busy:
            return dice.randrange(days) * DAY + hour * 3600.0
