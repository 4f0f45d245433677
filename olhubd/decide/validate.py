"""Whether an order makes sense enough to be stored. What does not is quarantined, never mended by guessing."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from olhubd.model import CurrencyMismatch, Money, Order, Reason, check

__all__ = ["objection"]

# Far beyond any sale, and well within what is reckoned and stored exactly.
_MOST_PIECES = 10**9
_MOST_MONEY = Decimal(10) ** 15
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)


def objection(order: Order) -> str | None:
    """Why the order cannot be stored, in words for a person; None when it can."""
    try:
        return _objection(order)
    except ArithmeticError:
        return Reason("order.amounts")


def _objection(order: Order) -> str | None:
    if not order.external_id:
        return Reason("order.no-number")
    if not order.lines and not order.charges:
        return Reason("order.no-lines")
    if order.placed_at.tzinfo is None:
        return Reason("order.no-zone")
    if not _EARLIEST <= order.placed_at < _LATEST:
        return Reason("order.year", year=order.placed_at.year)
    currency = order.total.currency
    if not check.currency(currency):
        return Reason("order.currency", currency=f"{currency[:20]!r}")
    seen: set[str] = set()
    for line in order.lines:
        if line.external_id in seen:
            return Reason("order.line-twice", line=f"{line.external_id!r}")
        seen.add(line.external_id)
        if not 1 <= line.quantity <= _MOST_PIECES:
            return Reason("order.quantity", line=line.external_id, quantity=line.quantity)
        if not line.price.exact or line.price.amount < 0:
            return Reason("order.price", line=line.external_id, price=line.price.amount)
        if line.tax is not None and order.prices_include_tax and line.remitted_tax is None:
            return f"the marketplace remits the tax of line {line.external_id}, but does not tell how much it is"
    if not order.total.exact or abs(order.total.amount) > _MOST_MONEY:
        return Reason("order.total", total=f"{order.total.amount:g}")
    for payment in (order.payment, *order.surcharges):
        if payment is not None and payment.paid is not None:
            if payment.paid.currency != currency:
                return Reason("order.paid-currency", paid=payment.paid.currency, total=currency)
            if not payment.paid.exact:
                return Reason("order.payment", amount=payment.paid.amount)
    return _sum_objection(order) or (_remitted_objection(order) if order.has_remitted else None)


def _sum_objection(order: Order) -> str | None:
    try:
        expected = order.expected_total()
    except CurrencyMismatch as error:
        return Reason("order.currencies", what=error)
    if not expected.exact:
        return Reason("order.not-a-number")
    if expected.amount != order.total.amount and expected.rounded() != order.total.rounded():
        return _difference(expected, order.total)
    return None


def _remitted_objection(order: Order) -> str | None:
    try:
        remitted = order.remitted
    except CurrencyMismatch as error:
        return Reason("order.currencies", what=error)
    if not remitted.exact or not 0 <= remitted.amount <= max(order.total.amount, Decimal(0)):
        return f"the marketplace remits {remitted}, of a total of {order.total}"
    return None


def _difference(expected: Money, told: Money) -> str:
    return Reason("order.sum", sum=expected, total=told)
