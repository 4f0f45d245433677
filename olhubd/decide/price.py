"""Whether a price that a stock master reports makes sense."""

from __future__ import annotations

from olhubd.model import ListPrice, Reason, check

__all__ = ["objection"]


def objection(record: ListPrice) -> str | None:
    """Why it makes none; None where it does. A price of zero makes sense here: whether it may be offered is not
    decided by what it is read from."""
    if not record.item or not record.price_list:
        return Reason("price.no-name")
    reduced = record.reduction.price if record.reduction is not None else None
    for money in (record.price, reduced):
        if money is None:
            continue
        if not money.exact or money.amount < 0:
            return Reason("price.not-a-price", price=str(money.amount))
        if not check.currency(money.currency):
            return Reason("price.currency", currency=money.currency)
    if record.reduction is None:
        return None
    if record.price is not None and record.price.currency != record.reduction.price.currency:
        return Reason("price.two-currencies", currency=record.price.currency, other=record.reduction.price.currency)
    begin, end = record.reduction.valid_from, record.reduction.valid_until
    if begin is not None and end is not None and end <= begin:
        return Reason("price.window")
    return None
