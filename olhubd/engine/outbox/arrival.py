"""What a target says it stored, judged: whether it is what the buyer bought, or a person must look at it. Pure."""

from __future__ import annotations

import msgspec

from olhubd.decide.hold import Hold
from olhubd.model import Order, Reason
from olhubd.plugin import Difference, Receipt

__all__ = ["ArrivalVerdict", "judge"]


class ArrivalVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """`hold` is None when all is well. `cut` are the fields that the target shortened; `status` is its own word
    to which the order there must be brought on, since it is behind what was sent."""

    hold: Hold | None = None
    reason: str | None = None
    field: str | None = None
    cut: tuple[str, ...] = ()
    status: str | None = None


def judge(order: Order, receipt: Receipt, *, sets_status: bool) -> ArrivalVerdict:
    """What to make of a receipt for an order that is still pending. `sets_status`: the target takes status
    words."""
    cut = tuple(one.field for one in receipt.differences if one.cut)
    status = next((one.wanted for one in receipt.differences if one.wanted and sets_status), None)
    wrong = [one for one in receipt.differences if not (one.cut or (one.wanted and sets_status))]
    hold, reason = _trouble(order, receipt, wrong)
    if hold is not None:
        return ArrivalVerdict(hold=hold, reason=reason, field=wrong[0].field if wrong else None, cut=cut)
    return ArrivalVerdict(cut=cut, status=status)


def _trouble(order: Order, receipt: Receipt, wrong: list[Difference]) -> tuple[Hold | None, str | None]:
    what = "; ".join(f"{one.field}: {one.what}" for one in wrong)
    if not receipt.total.amount and order.sellers_total.amount:
        half = Reason("stored.half-status", status=receipt.status) if receipt.status else Reason("stored.half")
        return Hold.HALF, half
    if receipt.total.rounded() != order.sellers_total.rounded():
        text = Reason("stored.total", there=receipt.total, expected=order.sellers_total)
        return Hold.TOTAL, Reason("both", first=text, second=what) if what else text
    if what:
        return Hold.DIFFERS, Reason("stored.otherwise", what=what)
    return None, None
