"""Prices as a stock master keeps them: one price for each product in each of its price lists.

A price is that of one piece. It is gross or net as the record says, and never one taken for the other. A reduction
that begins or ends at a set moment changes the price by the clock alone; `ListPrice.at` knows it for any moment.
"""

from __future__ import annotations

import enum
from datetime import datetime

import msgspec

from olhubd.model.money import Money
from olhubd.model.order import Tax

__all__ = ["DEFAULT_LIST", "ListPrice", "PriceBasis", "Reduction"]

DEFAULT_LIST = "default"
"""The price list of a system that has but one."""


class PriceBasis(enum.StrEnum):
    """Whether the tax is in a price. Its word is stored, so it never changes."""

    GROSS = "gross"
    NET = "net"


class Reduction(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Another price for a time. Without a beginning or an end it holds before, or after, any moment."""

    price: Money
    """Of one piece, instead of the regular one."""
    valid_from: datetime | None = None
    """The first moment at which it holds."""
    valid_until: datetime | None = None
    """The first moment at which it does not hold any more."""

    def holds(self, moment: datetime) -> bool:
        """Whether it holds then."""
        begun = self.valid_from is None or self.valid_from <= moment
        return begun and (self.valid_until is None or moment < self.valid_until)


class ListPrice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The price of one product or variant in one price list of its stock master.

    `price` is the regular one; None where the list has no price for the product, which is not a price of zero.
    """

    item: str
    """The number of the product or variant at its source; that of its stock item, where it has one."""
    price_list: str
    """The name or number of the list at its source; `DEFAULT_LIST` where there is but one."""
    price: Money | None
    """Of one piece."""
    basis: PriceBasis
    """Whether the tax is in `price` and in the reduction."""
    tax: Tax | None = None
    """The tax of the price at the seller's place; None where it is not known."""
    reduction: Reduction | None = None
    """Another price for a time, in the same currency and on the same basis."""

    @property
    def external_id(self) -> str:
        """By which it is known among the prices of its source."""
        return self.key(self.item, self.price_list)

    @staticmethod
    def key(item: str, price_list: str = DEFAULT_LIST) -> str:
        """The external id of the price of an item in a list."""
        return f"{item}/{price_list}"

    def at(self, moment: datetime) -> Money | None:
        """What one piece costs then; None where the list has no price for it."""
        if self.reduction is not None and self.reduction.holds(moment):
            return self.reduction.price
        return self.price

    def changes_after(self, moment: datetime) -> datetime | None:
        """When the price changes next by the clock alone; None where it does not."""
        if self.reduction is None or self.reduction.price == self.price:
            return None
        ends = (self.reduction.valid_from, self.reduction.valid_until)
        return min((at for at in ends if at is not None and at > moment), default=None)
