"""What a buyer pays for one piece, where the shop keeps its prices without tax, and the other way round. Pure.

The shop rounds the tax by itself before it adds it, so not every amount can be reached by a net one of whole coins;
the shop keeps a price with more decimals than it shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal

from olhubd_woocommerce.pricing import PricingRules

__all__ = ["gross_of", "net_for"]

_FINE = Decimal("0.000001")
"""The shop keeps taxes to six places before it rounds them."""
_FINER = 2
"""So many decimals more than the shop shows a net price may have."""
_NEAR = 60
"""So many of the finer steps to either side are tried: more than half a coin."""


def gross_of(net: Decimal, percent: Decimal, rules: PricingRules) -> Decimal:
    """What a buyer pays for a piece of this net price, as the shop itself rounds."""
    tax = (net * percent / 100).quantize(_FINE, ROUND_HALF_UP)
    if not rules.at_subtotal:
        tax = tax.quantize(rules.unit, ROUND_HALF_UP)
    return (net + tax).quantize(rules.unit, ROUND_HALF_UP)


def net_for(gross: Decimal, percent: Decimal, rules: PricingRules) -> Decimal | None:
    """The net price at which a buyer pays this; None where the shop comes to it with none."""
    return next((net for net in _candidates(gross, percent, rules) if gross_of(net, percent, rules) == gross), None)


def _candidates(gross: Decimal, percent: Decimal, rules: PricingRules) -> Iterator[Decimal]:
    """Whole coins first, then what lies between them, the nearest first."""
    exact = gross / (1 + percent / 100)
    for unit, far in ((rules.unit, 1), (rules.unit.scaleb(-_FINER), _NEAR)):
        near = exact.quantize(unit, ROUND_HALF_UP)
        yield from (near + unit * step for step in sorted(range(-far, far + 1), key=abs))
