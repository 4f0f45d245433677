"""What the shop in memory has in stock. Its number is without the pieces of the orders that it has taken up.

It is reckoned from what came in and from the orders as they stand, whenever somebody asks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from olhubd.model import Counting, StockBasis, StockLevel
from olhubd_torture.stock_plan import ItemPlan

__all__ = ["LOWERED_BY", "Shelf"]

LOWERED_BY = frozenset({"processing", "completed"})
"""The states of an order in the shop in which its pieces are off."""

Taken = Callable[[], Counter[str]]
"""Gives the pieces that orders of the shop have taken, by the seller's mark."""


class Shelf:
    """`now` gives seconds of the world."""

    def __init__(self, items: Iterable[ItemPlan], taken: Taken, now: Callable[[], float]) -> None:
        self._taken = taken
        self._now = now
        self._last: dict[str, tuple[int, bool]] = {}
        self._change: dict[str, int] = {}
        self._changes = 0
        self.drafts: dict[str, float] = {}
        """Until when an item is not sold."""
        self.blank = 0.0
        """Until when the shop says that it has nothing of anything."""
        self.bought: dict[str, int] = {item.sku: item.pieces for item in items}
        """All pieces that ever came in, by item."""
        self.counted: dict[int, float] = {0: 0.0}
        """When each change was first counted."""

    def move(self, sku: str, pieces: int) -> None:
        """Pieces come in, or fewer are found than there were to be."""
        self.bought[sku] += pieces

    def free(self, sku: str) -> int:
        """What the shop says it has; below zero where more was sold."""
        return self.bought[sku] - self._taken()[sku]

    def on_sale(self, sku: str) -> bool:
        return self.drafts.get(sku, 0.0) <= self._now()

    @property
    def is_blank(self) -> bool:
        return self.blank > self._now()

    def _count(self) -> None:
        taken = self._taken()
        for sku, bought in self.bought.items():
            found = 0 if self.is_blank else bought - taken[sku], self.on_sale(sku)
            if self._last.get(sku) != found:
                self._last[sku] = found
                self._changes += 1
                self._change[sku] = self._changes
                self.counted[self._changes] = self._now()

    # What the connector asks

    def changes(self, after: int, limit: int) -> list[tuple[int, StockLevel]]:
        """What changed, in the order of changes."""
        self._count()
        found = sorted((number, sku) for sku, number in self._change.items() if number > after)
        return [(number, self._level(sku)) for number, sku in found[:limit]]

    def listing(self) -> list[StockLevel]:
        self._count()
        return [self._level(sku) for sku in self.bought]

    @property
    def last(self) -> int:
        self._count()
        return self._changes

    def _level(self, sku: str) -> StockLevel:
        pieces, on_sale = self._last[sku]
        return StockLevel(
            external_id=f"item-{sku}",
            name=sku,
            counting=Counting.COUNTED,
            basis=StockBasis.FREE,
            quantity=pieces,
            on_sale=on_sale,
            external_state="publish" if on_sale else "draft",
            sku=sku,
        )
