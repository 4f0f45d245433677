"""What is sold in a world that counts stock, and what happens to it. Drawn apart from the rest of a schedule.

The shop counts a few items; offers of them stand on the marketplaces, linked by the seller's mark. Buyers buy there
and in the shop, and somebody moves what lies on the shelf.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import msgspec

from olhubd_kit.catalogue import PRODUCTS
from olhubd_torture.network_faults import NetworkFault

__all__ = ["CALLS", "ItemPlan", "OfferPlan", "StockPlan", "divide", "draw_prices", "draw_steps", "draw_stock"]

CALLS = "level|report|shown"
"""The calls by which quantities are written and read back."""
LAST = 2.0
"""Seconds for which a quantity may be shown late at the most; see `olhubd_torture.listings`."""

_SPELLS: tuple[tuple[NetworkFault, str], ...] = (
    (NetworkFault.LOSE, "level"),
    (NetworkFault.LATE, "level"),
    (NetworkFault.HANG, "level"),
    (NetworkFault.CUT, "level|report"),
    (NetworkFault.DOWN, CALLS),
    (NetworkFault.THROTTLE, CALLS),
    (NetworkFault.SLOW, "shown|offers"),
    (NetworkFault.SLOW, "level|report"),
    (NetworkFault.PAGE_AFTER, "level"),
)


class ItemPlan(msgspec.Struct, frozen=True):
    """One item of the shop's, and how many lie on the shelf in the beginning."""

    sku: str
    pieces: int


class OfferPlan(msgspec.Struct, frozen=True):
    """One offer, and what it shows in the beginning, right or wrong."""

    market: str
    sku: str
    shown: int

    @property
    def id(self) -> str:
        """Its number at its marketplace."""
        return f"{self.market}-{self.sku}"


class StockPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The stock of a world. `buffer`, `share` (in per cent) and `most` are those of the rule that sells it."""

    items: tuple[ItemPlan, ...]
    offers: tuple[OfferPlan, ...]
    buffer: int = 0
    share: int = 0
    most: int | None = None
    ends: bool = False
    """Whether an offer without pieces ends, so that it comes back by hand only."""
    commands: bool = True
    """Whether quantities are written by commands that are reported on later; else by calls that answer at once."""
    allocated: bool = False
    """Whether the pieces are divided among the offers, and none of them is sold twice."""
    brake: bool = False
    """Whether a person is asked before an offer goes to zero by the shop's numbers alone."""
    priced: bool = False
    """Whether the prices of the shop's list go to the offers."""
    lag: float = 0.0
    """For how many seconds a quantity that was written is still shown as it was before."""


Add = Callable[..., None]
"""Adds a step: of a verb at a time, with what `ScheduleStep` has."""


def draw_stock(dice: random.Random, markets: Sequence[str]) -> StockPlan:
    """A small stock, scarce enough to be sold out."""
    items = tuple(
        ItemPlan(sku=PRODUCTS[n].sku or "", pieces=dice.randint(1, 9)) for n in range(dice.choice((1, 2, 2, 3)))
    )
    offers = tuple(
        OfferPlan(market=market, sku=item.sku, shown=max(0, item.pieces + dice.choice((-2, 0, 0, 0, 2))))
        for item in items
        for market in markets
        if market == markets[0] or dice.random() < 0.8
    )
    buffer, share, most = dice.choice(((0, 0, None), (0, 0, None), (1, 0, None), (0, 30, None), (0, 0, 3)))
    return StockPlan(
        items=items,
        offers=offers,
        buffer=buffer,
        share=share,
        most=most,
        ends=dice.random() < 0.4,
        commands=dice.random() < 0.7,
        lag=dice.choice((0.0, 0.0, 1.0, LAST)),
    )


def divide(dice: random.Random, plan: StockPlan) -> StockPlan:
    """The same stock divided among its offers; in the beginning rightly, but for what nobody has put up yet."""
    left = {item.sku: item.pieces for item in plan.items}
    offers = []
    for offer in plan.offers:
        shown = dice.randint(0, left[offer.sku])
        left[offer.sku] -= shown
        offers.append(msgspec.structs.replace(offer, shown=shown))
    return msgspec.structs.replace(plan, allocated=True, offers=tuple(offers))


def draw_steps(dice: random.Random, plan: StockPlan, span: float, purchases: int, small: bool, add: Add) -> None:
    """What happens to a stock besides. `purchases` is the highest number of one so far."""
    markets = sorted({offer.market for offer in plan.offers})
    items = [item.sku for item in plan.items]

    def market() -> str:
        return dice.choice(markets)

    for _ in range(dice.randint(1, 2 if small else 6)):
        purchases += 1
        at = dice.uniform(0, span)
        what = dice.choice(("ready", "ready", ""))
        add("buy", at, where=market(), it=purchases, count=1, what=what)
        if not what and dice.random() < 0.4:
            add("cancel", at + dice.uniform(30, 600), it=purchases, what="buyer")  # nobody paid in time
    rush = dice.uniform(0, span)
    for _ in range(dice.choice((0, 0, 2, 4))):
        # Many at once, on all channels: the last piece is sold twice if it can be.
        purchases += 1
        add("buy", rush + dice.uniform(0, 15), where=market(), it=purchases, count=1, what="ready")
    chances: tuple[tuple[float, Callable[[], None]], ...] = (
        (0.5, lambda: add("restock", what=dice.choice(items), count=dice.randint(1, 5))),
        (0.3, lambda: add("restock", what=dice.choice(items), count=dice.randint(1, 5))),
        (0.25, lambda: add("restock", what=dice.choice(items), count=-dice.randint(1, 3))),
        (0.5, lambda: add("vend", what=dice.choice(items), count=dice.randint(1, 2))),
        (0.3, lambda: add("vend", what=dice.choice(items), count=dice.randint(1, 2))),
        (0.2, lambda: add("draft", what=dice.choice(items), seconds=dice.uniform(30, 400))),
        (0.25, lambda: add("fail", where=market(), count=dice.choice((1, 1, 2, 4)))),
        (0.2, lambda: add("postpone", where=market(), count=dice.choice((1, 2)), seconds=dice.uniform(3, 90))),
        (0.15, lambda: add("forget", where=market(), count=1)),
        (0.2, lambda: add("tamper", where=market(), what=dice.choice(items), count=dice.randint(0, 9))),
        (0.08, lambda: add("end", where=market(), what=dice.choice(items))),
        (0.6, lambda: _spell(dice, market(), add)),
        (0.3, lambda: _spell(dice, market(), add)),
    )
    for chance, act in chances:
        if dice.random() < chance:
            act()


_PRICE_SPELLS: tuple[tuple[NetworkFault, str], ...] = (
    (NetworkFault.LOSE, "price"),
    (NetworkFault.LATE, "price"),
    (NetworkFault.HANG, "price"),
    (NetworkFault.PAGE_AFTER, "price"),
    (NetworkFault.CUT, "price|priced|costs"),
    (NetworkFault.DOWN, "price|priced|costs"),
    (NetworkFault.THROTTLE, "price|priced|costs"),
    (NetworkFault.SLOW, "priced|costs"),
)


def draw_prices(dice: random.Random, plan: StockPlan, span: float, add: Add) -> None:
    """What happens to prices: the list says new ones, cheap ones and none, and somebody else writes some."""
    markets = sorted({offer.market for offer in plan.offers})
    items = [item.sku for item in plan.items]
    for _ in range(dice.randint(1, 5)):
        cheap = dice.random() < 0.25
        add(
            "reprice",
            dice.uniform(0, span),
            what=dice.choice(items),
            count=dice.choice((0, 1)) if cheap else dice.randint(4, 60),
        )
    for _ in range(dice.choice((0, 0, 1, 2))):
        add(
            "retag",
            dice.uniform(0, span),
            where=dice.choice(markets),
            what=dice.choice(items),
            count=dice.randint(5, 99),
        )
    for _ in range(dice.choice((0, 0, 1))):
        add("misprice", dice.uniform(0, span), where=dice.choice(markets), count=dice.choice((1, 2)))
    for _ in range(dice.choice((0, 1, 2))):
        _spell(dice, dice.choice(markets), add, _PRICE_SPELLS, dice.uniform(0, span))


def _spell(
    dice: random.Random,
    where: str,
    add: Add,
    spells: Sequence[tuple[NetworkFault, str]] = _SPELLS,
    at: float | None = None,
) -> None:
    ill, match = dice.choice(spells)
    long = ill in (NetworkFault.HANG, NetworkFault.SLOW)
    seconds = dice.uniform(20, 110) if long else dice.choice((0.0, 2.0, 60.0))
    chance, count = dice.choice((0.3, 1.0)), dice.choice((1, 1, 2, 3))
    add("spell", at, where=where, what=ill.value, match=match, chance=chance, count=count, seconds=seconds)
