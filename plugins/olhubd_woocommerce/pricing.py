"""From what the buyer paid to the net amounts a shop must be given. Pure arithmetic, no I/O.

A shop with taxes on takes net amounts and adds tax by its own rates and its own rounding. `price` finds net amounts
for which the shop's sum is the buyer's sum to the last grosz. Not every gross amount can be reached by one part
alone (at 20 % no net amount gives 0.03): then another part of the order takes the spare grosz, and at the very last
an untaxed rounding part does.

All amounts are in units of the order's currency.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from decimal import ROUND_FLOOR, ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal
from functools import lru_cache

import msgspec

__all__ = ["PriceKind", "PricedPart", "PricingResult", "PricingRules", "Rate", "price", "shop_total"]

_ZERO = Decimal(0)
_FINE = Decimal("0.000001")
"""The shop keeps taxes to six places before it rounds them."""


class PriceKind(enum.StrEnum):
    LINE = "line"
    FEE = "fee"
    SHIPPING = "shipping"


class Rate(msgspec.Struct, frozen=True, gc=False):
    """One tax of the shop: `percent` of the net amount, or of net and other taxes when `compound`."""

    id: int
    percent: Decimal
    compound: bool = False


class PricingRules(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How the shop counts. `at_subtotal`: it rounds once, at the end. `half_down`: half a grosz of tax is none."""

    taxed: bool
    decimals: int = 2
    at_subtotal: bool = False
    half_down: bool = False

    @property
    def unit(self) -> Decimal:
        return _unit(self.decimals)


@lru_cache(maxsize=8)
def _unit(decimals: int) -> Decimal:
    return Decimal(1).scaleb(-decimals)


class PricedPart(msgspec.Struct, frozen=True, gc=False):
    """One row of the order. `tax_class` None: the shop does not tax it; `gross` below zero: it is a discount."""

    kind: PriceKind
    gross: Decimal
    rates: tuple[Rate, ...] = ()
    tax_class: str | None = None

    @property
    def discount(self) -> bool:
        return self.gross < 0


class PricingResult(msgspec.Struct, frozen=True):
    """Net amounts, one per part, and what is left for an untaxed rounding fee (zero or more)."""

    nets: list[Decimal]
    rounding: Decimal = _ZERO


Classes = Mapping[str, tuple[Rate, ...]]


def taxes(net: Decimal, rates: Sequence[Rate]) -> list[Decimal]:
    """The tax of each rate on `net`, to six places."""
    if len(rates) == 1:  # nearly always; what a compound rate would be added to is not there
        return [(net * rates[0].percent / 100).quantize(_FINE, rounding=ROUND_HALF_UP)]
    plain = [_ZERO if r.compound else net * r.percent / 100 for r in rates]
    if any(r.compound for r in rates):
        base = net + sum(plain, _ZERO)
        for i, rate in enumerate(rates):
            if rate.compound:
                plain[i] = base * rate.percent / 100
                base += plain[i]
    return [t.quantize(_FINE, rounding=ROUND_HALF_UP) for t in plain]


def _round(amount: Decimal, rules: PricingRules) -> Decimal:
    return amount.quantize(rules.unit, rounding=ROUND_HALF_UP)


def _round_tax(tax: Decimal, rules: PricingRules) -> Decimal:
    return tax.quantize(rules.unit, rounding=ROUND_HALF_DOWN if rules.half_down else ROUND_HALF_UP)


def _gross(part: PricedPart, net: Decimal, rules: PricingRules, rates: Sequence[Rate]) -> Decimal:
    """What one part adds to the shop's sum."""
    whole = part.kind is PriceKind.SHIPPING or (part.kind is PriceKind.LINE and not rules.at_subtotal)
    result = _round(net, rules) if whole else net
    for tax in taxes(net, rates):
        result += tax if rules.at_subtotal else _round_tax(tax, rules)
    return result


def _shares(parts: Sequence[PricedPart], nets: Sequence[Decimal]) -> Mapping[str | None, Decimal]:
    """How the goods spread over tax classes; a discount is taxed in these proportions."""
    costs: dict[str | None, Decimal] = {}
    for part, net in zip(parts, nets, strict=True):
        if net > 0 and not part.discount:
            costs[part.tax_class] = costs.get(part.tax_class, _ZERO) + net
    whole = sum(costs.values(), _ZERO)
    return {name: cost / whole for name, cost in costs.items()} if whole else {}


def _discount_taxes(net: Decimal, shares: Mapping[str | None, Decimal], classes: Classes) -> list[Decimal]:
    """What each rate takes off with a discount of `net`: its share of each class's taxes."""
    by_rate: dict[int, Decimal] = {}
    for name, share in shares.items():
        if name is None:
            continue
        rates = classes.get(name, ())
        for rate, tax in zip(rates, taxes(net * share, rates), strict=True):
            by_rate[rate.id] = by_rate.get(rate.id, _ZERO) + tax
    return list(by_rate.values())


def _discount(net: Decimal, shares: Mapping[str | None, Decimal], classes: Classes, rules: PricingRules) -> Decimal:
    """What a discount of `net` takes off the shop's sum."""
    off = _discount_taxes(net, shares, classes)
    return net + sum((t if rules.at_subtotal else _round_tax(t, rules) for t in off), _ZERO)


def _fragile(parts: Sequence[PricedPart], nets: Sequence[Decimal], rules: PricingRules, classes: Classes) -> bool:
    """Whether a discount's tax hangs on half a grosz."""
    if rules.at_subtotal or not any(p.discount for p in parts):
        return False
    shares = _shares(parts, nets)
    off = (_discount_taxes(n, shares, classes) for p, n in zip(parts, nets, strict=True) if p.discount)
    return any(_near_half(tax, rules) for row in off for tax in row)


def _sum(parts: Sequence[PricedPart], nets: Sequence[Decimal], rules: PricingRules, classes: Classes) -> Decimal:
    """The shop's sum before its last rounding."""
    shares = _shares(parts, nets) if any(p.discount for p in parts) else {}
    result = _ZERO
    for part, net in zip(parts, nets, strict=True):
        if part.discount:
            result += _discount(net, shares, classes, rules)
        else:
            result += _gross(part, net, rules, part.rates)
    return result


def shop_total(
    parts: Sequence[PricedPart], nets: Sequence[Decimal], rules: PricingRules, classes: Classes
) -> Decimal:
    """The total at which the shop arrives for these net amounts."""
    return _round(_sum(parts, nets, rules, classes), rules)


def _factor(rates: Sequence[Rate]) -> Decimal:
    return 1 + sum(taxes(Decimal(1000), rates), _ZERO) / 1000


def _near_half(amount: Decimal, rules: PricingRules) -> bool:
    """Whether the amount hangs on half a grosz, where the shop's binary fractions might fall either way."""
    return abs(abs(amount) % rules.unit - rules.unit / 2) <= _FINE * 2


def _tied(net: Decimal, rates: Sequence[Rate], rules: PricingRules) -> bool:
    return any(_near_half(amount, rules) for amount in (net, *taxes(net, rates)))


@lru_cache(maxsize=4096)
def _net(part: PricedPart, gross: Decimal, rules: PricingRules) -> Decimal:
    """The net amount at which the shop counts `gross` for the part, or the nearest below where none does."""
    if not part.rates:
        return gross
    unit = rules.unit
    exact = gross / _factor(part.rates)
    if rules.at_subtotal:
        return _round(exact, rules) if part.kind is PriceKind.SHIPPING else exact.quantize(_FINE)
    rounded = _round(exact, rules)
    if part.kind is PriceKind.FEE:
        # The shop does not round a fee's net amount, so only whole groszy make sense.
        return max(
            (n for n in (rounded + unit, rounded, rounded - unit) if _fits(part, n, gross, rules)), default=rounded
        )
    steps = (_ZERO, unit / 8, -unit / 8, unit / 4, -unit / 4, unit * 3 / 8, -unit * 3 / 8)
    for net in (*(rounded + step for step in steps), exact.quantize(unit / 100)):
        if _gross(part, net, rules, part.rates) == gross and not _tied(net, part.rates, rules):
            return net
    return _search(part, gross, rules, exact)


def _fits(part: PricedPart, net: Decimal, gross: Decimal, rules: PricingRules) -> bool:
    return _gross(part, net, rules, part.rates) <= gross


def _search(part: PricedPart, gross: Decimal, rules: PricingRules, near: Decimal) -> Decimal:
    """The middle of the interval of net amounts that count as `gross`, or as the greatest amount below it."""

    def first(above: Decimal) -> Decimal:
        """The least net amount, on a fine grid, whose gross exceeds `above`."""
        low, high = int((near - 3 * rules.unit) / _FINE), int((near + 3 * rules.unit) / _FINE)
        while low < high:
            middle = (low + high) // 2
            if _gross(part, middle * _FINE, rules, part.rates) > above:
                high = middle
            else:
                low = middle + 1
        return low * _FINE

    start = end = first(gross)
    while end - start < _FINE * 8:  # too narrow to be relied on: take the next one below
        end = start
        reached = _gross(part, end - _FINE, rules, part.rates)
        start = first(reached - rules.unit / 2)
    return ((start + end) / 2).quantize(_FINE, rounding=ROUND_FLOOR)


def _discounts(parts: Sequence[PricedPart], nets: list[Decimal], rules: PricingRules, classes: Classes) -> None:
    """Fill in the net amounts of the discounts, which depend on all others."""
    shares = _shares(parts, nets)
    factor = 1 + sum(
        (share * (_factor(classes.get(name, ())) - 1) for name, share in shares.items() if name is not None), _ZERO
    )
    for i, part in enumerate(parts):
        if part.discount:
            around = _round(part.gross / factor, rules)
            options = (around, around - rules.unit, around + rules.unit)
            nets[i] = min(options, key=lambda n: abs(_discount(n, shares, classes, rules) - part.gross))


class _Counted(msgspec.Struct, frozen=True, gc=False):
    """A net amount of a part, and what the part adds to the shop's sum with it."""

    net: Decimal
    gross: Decimal


@lru_cache(maxsize=4096)
def _counted(part: PricedPart, rules: PricingRules) -> _Counted:
    net = _net(part, part.gross, rules)
    return _Counted(net, _gross(part, net, rules, part.rates))


def price(parts: Sequence[PricedPart], rules: PricingRules, classes: Classes) -> PricingResult | None:
    """Net amounts at which the shop arrives at the sum of the gross ones; None when there are none."""
    target = sum((p.gross for p in parts), _ZERO)
    if target != _round(target, rules):
        return None
    if not rules.taxed:
        return PricingResult([p.gross for p in parts])
    near = _FINE * 100 * len(parts)
    discount = next((i for i, p in enumerate(parts) if p.discount), None)
    if discount is None:  # as with nearly all orders: the parts do not depend on each other
        each = [_counted(p, rules) for p in parts]
        nets = [one.net for one in each]
        if abs(target - sum((one.gross for one in each), _ZERO)) <= near:
            return PricingResult(nets)
    else:
        nets = [_ZERO if p.discount else _net(p, p.gross, rules) for p in parts]
        _discounts(parts, nets, rules, classes)
        missing = target - _sum(parts, nets, rules, classes)
        if abs(missing) <= near and not _fragile(parts, nets, rules, classes):
            return PricingResult(nets)
    for shift in (0,) if discount is None else (0, -1, 1, -2, 2):
        base = [*nets]
        if discount is not None:
            base[discount] += shift * rules.unit
        if (found := _move(parts, base, target, rules, classes)) is not None:
            return found
    return None


def _move(
    parts: Sequence[PricedPart], nets: list[Decimal], target: Decimal, rules: PricingRules, classes: Classes
) -> PricingResult | None:
    """Let one part take what is missing, and a rounding fee what even that leaves."""
    missing = target - _sum(parts, nets, rules, classes)
    rows = [i for i, p in enumerate(parts) if not p.discount]
    # Goods first, the dearest first: there a grosz weighs least.
    rows.sort(key=lambda i: (parts[i].kind is not PriceKind.LINE, -parts[i].gross))
    best: PricingResult | None = None
    for spare in range(4):
        for i in rows:
            attempt = [*nets]
            wanted = parts[i].gross + missing - spare * rules.unit
            for _ in range(3):
                if wanted < 0:
                    break
                attempt[i] = _net(parts[i], wanted, rules)
                rest = _rest(parts, attempt, target, rules, classes)
                if rest == 0:
                    return PricingResult(attempt)
                if rest is not None and (best is None or rest < best.rounding):
                    best = PricingResult([*attempt], rest)
                # A discount is taxed in proportion to the rest, so it moved as well.
                wanted += target - _sum(parts, attempt, rules, classes)
    return best


def _rest(
    parts: Sequence[PricedPart], nets: list[Decimal], target: Decimal, rules: PricingRules, classes: Classes
) -> Decimal | None:
    """What an untaxed fee must add to reach `target` (perhaps nothing); None when no fee can."""
    rest = _round(target - _sum(parts, nets, rules, classes), rules)
    if rest < 0:
        return None
    rows = [*parts, PricedPart(PriceKind.FEE, rest)] if rest else parts
    filled = [*nets, rest] if rest else nets
    reached = _sum(rows, filled, rules, classes)
    fits = abs(reached - target) <= _FINE * 100 * len(rows) and not _fragile(rows, filled, rules, classes)
    return rest if fits else None
