"""Which orders were bought for less than the seller would ever ask. Pure.

A price that was wrong for a minute is bought within it, so an order is the second brake: it is reserved like any
other, and waits for a person before it is sent on.
"""

from __future__ import annotations

from collections.abc import Mapping

from olhubd.decide.remit import sellers_side
from olhubd.model import Money, Order, Reason

__all__ = ["below_floor"]


def below_floor(order: Order, floors: Mapping[str, Money]) -> Reason | None:
    """Why an order is not sent on, where a line of it costs less than the floor of its offer; None where none does.

    `floors` are by line. What a marketplace pays back for a discount that it gave itself counts as paid.
    """
    cheap = []
    for line in sellers_side(order).lines:
        floor, price = floors.get(line.external_id), line.price
        if floor is None or floor.currency != price.currency:
            continue
        paid = price.amount
        if not order.prices_include_tax and line.tax is not None and line.tax.rate is not None:
            paid = paid * (100 + line.tax.rate) / 100
        if line.reimbursed is not None:
            paid += line.reimbursed.amount / line.quantity
        if paid < floor.amount:
            cheap.append((line.sku or line.name, price, floor))
    if not cheap:
        return None
    name, price, floor = cheap[0]
    first = Reason("push.below-floor", line=name, price=price, floor=floor)
    return Reason("alarm.and-more", first=first, n=len(cheap) - 1) if len(cheap) > 1 else first
