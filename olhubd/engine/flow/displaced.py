"""A copy whose number at its target is another order's by now, as after the target was set back to a backup.

What was forwarded under that number is not there any more, or under another one. Nobody knows which, so its order
waits for a person; to retry it looks it up by our mark first.
"""

from __future__ import annotations

from olhubd.decide import netting, plan
from olhubd.decide.hold import Hold
from olhubd.engine.outbox.recorder import Recorder
from olhubd.model import Order, Reason, Subject
from olhubd.store import Transaction, orders, target_orders
from olhubd.store.target_orders import TargetOrder

__all__ = ["displace", "somebody_elses"]


async def displace(tx: Transaction, recorder: Recorder, copy: TargetOrder) -> None:
    """Forget this copy, and hold the delivery that had made it, unless its purchase is off."""
    await target_orders.forget(tx, copy.order_id, copy.account)
    stored = (await orders.read(tx, [copy.order_id]))[copy.order_id]
    if plan.withdrawn(stored.order, stored.superseded_by is not None) is not None:
        return
    subject = Subject.order(stored.id)
    known = (await recorder.known_deliveries([subject]))[subject]
    if (push := netting.push_to(copy.account, known)) is not None:
        number = copy.number or copy.external_id
        why = Reason("copy.displaced", order=number, account=copy.account)
        await recorder.hold(push, stored.account, why, Hold.TAKEN)


def somebody_elses(told: Order, copy: TargetOrder, purchase: Order) -> bool:
    """Whether what a target reports under a copy's number, without our mark, is not the copy.

    It has another total than the copy and its purchase, and not one product of it. A copy that somebody edited
    there keeps some.
    """
    if told.total.rounded() in (copy.total.rounded(), purchase.sellers_total.rounded()):
        return False
    bought = {line.sku for line in purchase.lines if line.sku}
    return bool(bought) and bought.isdisjoint(line.sku for line in told.lines)
