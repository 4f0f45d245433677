"""The seller's side of an order: without what the marketplace collects from the buyer and remits itself. Pure.

A shop that books a tax which the marketplace pays would pay it once more. So what goes to a target is what the
seller sells: their prices, their total, and of the buyer's money what reaches them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import ROUND_DOWN, Decimal

import msgspec

from olhubd.model import Charge, Line, Money, Order, Payment, Remitter, Tax
from olhubd.model.money import minor_unit

__all__ = ["sellers_side"]


def sellers_side(order: Order) -> Order:
    """The order as the seller's own systems must book it; the same object where nothing is remitted for them."""
    if not order.has_remitted:
        return order
    payments = [] if order.payment is None else [order.payment]
    own = list(_received((*payments, *order.surcharges), order.remitted.amount))
    return msgspec.structs.replace(
        order,
        lines=tuple(_line(line, within=order.prices_include_tax) for line in order.lines),
        charges=_own(order.charges),
        tax=None if order.tax_remitter is Remitter.MARKETPLACE else order.tax,
        tax_remitter=Remitter.SELLER,
        payment=own[0] if payments else None,
        surcharges=tuple(own[len(payments) :]),
        total=order.sellers_total,
    )


def _received(payments: Iterable[Payment], remitted: Decimal) -> Iterator[Payment]:
    """The payments, without what does not reach the seller: that is taken off the first ones."""
    for one in payments:
        if one.paid is None or not remitted:
            yield one
            continue
        kept = min(one.paid.amount, remitted)
        remitted -= kept
        yield msgspec.structs.replace(one, paid=Money(one.paid.amount - kept, one.paid.currency))


def _remitted(line: Line) -> bool:
    return line.tax is not None and line.tax.remitter is Remitter.MARKETPLACE


def _own(charges: Iterable[Charge]) -> tuple[Charge, ...]:
    return tuple(charge for charge in charges if charge.remitter is Remitter.SELLER)


def _line(line: Line, *, within: bool) -> Line:
    """The line at the seller's price. A piece costs whole minor units; the rest is a charge of the line."""
    charges, price = _own(line.charges), line.price
    if not _remitted(line):
        return msgspec.structs.replace(line, charges=charges) if line.charges else line
    tax = line.remitted_tax
    if within and tax is not None and tax.amount:
        goods = line.price * line.quantity - tax
        piece = (goods.amount / line.quantity).quantize(minor_unit(goods.currency), rounding=ROUND_DOWN)
        price = Money(piece, goods.currency)
        rest = goods - price * line.quantity
        if rest.amount:
            charges = (*charges, Charge(kind="rounding", price=rest))
    free = Tax(rate=Decimal(0), exemption=line.tax.exemption if line.tax else None)
    return msgspec.structs.replace(line, price=price, original_price=None, charges=charges, tax=free)
