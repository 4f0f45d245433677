"""Money: an exact amount and its currency, never one without the other.

The amount is gross or net as the record that holds it says; here it is only a number of currency units
(12.30 is twelve zlotys thirty). There is no conversion, no default currency and no float.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from functools import lru_cache

import msgspec

__all__ = ["CurrencyMismatch", "Money", "allocate", "total"]


_ZERO = Decimal(0)


class CurrencyMismatch(ArithmeticError):
    """Two amounts of different currencies met in one sum."""


class Money(msgspec.Struct, frozen=True, gc=False):
    """`amount` in units of `currency`, its ISO 4217 code: 12.30 PLN is twelve zlotys thirty."""

    amount: Decimal
    currency: str

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.amount - other.amount, self.currency)

    def __mul__(self, factor: int | Decimal) -> Money:
        return Money(self.amount * factor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount, self.currency)

    def __str__(self) -> str:
        return f"{self.rounded().amount} {self.currency}"

    @property
    def exact(self) -> bool:
        """Whether the amount is a real number; a parser may have let NaN or infinity through."""
        return self.amount.is_finite()

    def rounded(self) -> Money:
        """The amount in whole minor units (grosz, cent), half up, as shops and marketplaces round."""
        if not self.amount.is_finite():
            return self
        return Money(self.amount.quantize(minor_unit(self.currency), rounding=ROUND_HALF_UP), self.currency)

    def minor(self) -> int:
        """The amount in minor units: 12.30 PLN is 1230."""
        return int(self.rounded().amount / minor_unit(self.currency))

    @classmethod
    def of_minor(cls, units: int, currency: str) -> Money:
        """The opposite of `minor`."""
        return cls(units * minor_unit(currency), currency)

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} cannot be added")


@lru_cache(maxsize=256)
def minor_unit(currency: str) -> Decimal:
    """The smallest amount of a currency: 0.01 for PLN, 1 for JPY."""
    from babel.numbers import get_currency_precision  # slow to import, needed by few processes at start

    return Decimal(1).scaleb(-get_currency_precision(currency))


def total(items: Iterable[Money], currency: str) -> Money:
    """The sum of `items`, zero of `currency` when there are none."""
    amount = _ZERO
    for item in items:
        if item.currency != currency:
            raise CurrencyMismatch(f"{currency} and {item.currency} cannot be added")
        amount += item.amount
    return Money(amount, currency)


def allocate(amount: Money, weights: Sequence[Decimal]) -> list[Money]:
    """Split `amount` by `weights` so that the parts, in whole minor units, sum exactly to it.

    The largest remainders get the spare units. Equal weights of zero share evenly.
    """
    if not weights:
        return []
    unit = minor_unit(amount.currency)
    whole = sum(weights, Decimal(0))
    shares = [amount.amount * (w / whole if whole else Decimal(1) / len(weights)) for w in weights]
    floors = [share.quantize(unit, rounding=ROUND_DOWN) for share in shares]
    spare = amount.rounded().amount - sum(floors, Decimal(0))
    step = unit.copy_sign(spare)
    by_remainder = sorted(range(len(shares)), key=lambda i: abs(shares[i] - floors[i]), reverse=True)
    for i in by_remainder[: int(abs(spare) / unit)]:
        floors[i] += step
    return [Money(part, amount.currency) for part in floors]
