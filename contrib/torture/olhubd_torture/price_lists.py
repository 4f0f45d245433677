"""What the shop in memory asks for its items, in two price lists of which one goes to the marketplaces."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from olhubd.model import ListPrice, Money, PriceBasis, Product
from olhubd_torture.stock_plan import ItemPlan

__all__ = ["RETAIL", "PriceLists", "item_number"]

RETAIL = "retail"
"""The list whose prices go to the offers."""
_WHOLESALE = "wholesale"
_FIRST = 20
_CURRENCY = "PLN"


class PriceLists:
    """A price is a number of whole zlotys; 0 is none. The wholesale price is half of it."""

    def __init__(self, items: Iterable[ItemPlan]) -> None:
        self.amounts: dict[str, int] = {}
        self.said: dict[str, set[int]] = {}
        """All that the list ever said, by item."""
        self._change: dict[str, int] = {}
        self._changes = 0
        for item in items:
            self.say(item.sku, _FIRST)

    def say(self, sku: str, amount: int) -> None:
        """An item costs so much from now on."""
        self._changes += 1
        self.amounts[sku], self._change[sku] = amount, self._changes
        self.said.setdefault(sku, set()).add(amount)

    def changes(self, after: int, limit: int) -> list[tuple[int, str]]:
        """The items that changed, in the order of changes."""
        return sorted((number, sku) for sku, number in self._change.items() if number > after)[:limit]

    def told(self, sku: str) -> list[Product | ListPrice]:
        """An item and its prices in the shape of the model."""
        amount = Decimal(self.amounts[sku])
        return [
            Product(external_id=item_number(sku), name=sku, sku=sku),
            _listed(sku, RETAIL, amount),
            _listed(sku, _WHOLESALE, amount / 2),
        ]


def item_number(sku: str) -> str:
    """The number of an item in the shop."""
    return f"item-{sku}"


def _listed(sku: str, name: str, amount: Decimal) -> ListPrice:
    price = Money(amount, _CURRENCY) if amount else None
    return ListPrice(item=item_number(sku), price_list=name, price=price, basis=PriceBasis.GROSS)
