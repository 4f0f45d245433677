"""Creating an order at a target, and finding it there when nobody knows whether it was created."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from types import NoneType
from typing import Any

import msgspec

from olhubd.decide import plan
from olhubd.decide.hold import Hold
from olhubd.decide.plan import PlannedDelivery, PushPayload
from olhubd.decide.route import Route
from olhubd.engine.outbox.arrival import ArrivalVerdict, judge
from olhubd.engine.outbox.handler import Done, Handler, OnHold, Result
from olhubd.engine.outbox.job import OrderJob
from olhubd.engine.outbox.push import pack
from olhubd.engine.outbox.target import TargetAccount
from olhubd.model import Action, DeliveryState, Order, Reason, reference
from olhubd.plugin import OrderSink, PaymentSink, Push, Receipt, StatusSink
from olhubd.store.orders import StoredOrder
from olhubd.store.target_orders import TargetOrder

__all__ = ["PushOrder"]


class PushOrder(Handler[OrderSink]):
    """What came of it is compared with what the buyer pays, whether it was sent or found."""

    action = Action.PUSH_ORDER
    capability = OrderSink
    unable = "unable.orders"
    creates = True
    looks_up = True
    on_copy = False

    def settle(self, target: TargetAccount, job: OrderJob) -> timedelta:
        # To send it again to a target that refuses a second one is always safe; to leave it at that is not.
        sink = self.sink(target)
        return timedelta() if sink.idempotent and _off(job.stored) is None else sink.settle

    def sought(self, job: OrderJob) -> bool:
        # What the target reported is looked up whatever is known of the order; else it would be reported for ever.
        return _waiver(job).only_found

    async def look_up(self, target: TargetAccount, job: OrderJob) -> Result | None:
        sink, stored = self.sink(target), job.stored
        route = target.route(stored.account)
        # It cannot be there from before it was placed.
        age = target.lineage.age(stored.account, stored.order.placed_at)
        look = partial(sink.find_order, _reference(stored), age)
        found: Receipt | None = await target.calls.read("find_order", look, (Receipt, NoneType))
        if found is None:
            return None
        if _off(stored) is None and route is not None:
            found = await self._compared(target, job, found, route)
        return self._arrived(target, job, found, looked_up=True)

    async def needless(self, target: TargetAccount, job: OrderJob) -> str | None:
        stored = job.stored
        if (gone := _off(stored)) is not None:
            if job.delivery.attempts > 1:
                # An earlier try may have left a part of it there.
                withdraw = partial(self.sink(target).withdraw_order, _reference(stored))
                await target.calls.write("withdraw_order", withdraw)
            return gone
        if _waiver(job).only_found:
            # It is pending only because the target reported it: not found, it is not to be made.
            route = target.route(stored.account)
            if route is None or not plan.sends(stored.order, route):
                return Reason("copy.none")
        return None

    async def perform(self, target: TargetAccount, job: OrderJob) -> Result:
        sink, stored = self.sink(target), job.stored
        if (route := target.route(stored.account)) is None:
            why = Reason("route.gone", account=stored.account, target=target.name)
            return OnHold(reason=why, kind=Hold.NO_ROUTE)
        if job.erased:
            return OnHold(reason=Reason("order.erased"), kind=Hold.OTHER)
        if not _waiver(job).below_floor and (cheap := await target.too_cheap(stored)) is not None:
            return OnHold(reason=cheap, kind=Hold.FLOOR)
        push = await self._packed(target, job, route)
        if isinstance(push, str):
            return OnHold(reason=push, kind=Hold.VETO)
        receipt = await target.calls.write("push_order", partial(sink.push_order, push), Receipt)
        return self._arrived(target, job, receipt)

    async def _packed(self, target: TargetAccount, job: OrderJob, route: Route) -> Push | str:
        """The order as it is to be sent, or why a plugin wants it not to be."""
        stored = job.stored
        order = stored.order
        if (amend := target.amending()) is not None:
            asked = partial(amend, job.delivery, order)
            amended = await target.calls.read("olhubd_amend_delivery", asked, (Order, str, NoneType))
            if isinstance(amended, str):
                return amended
            order = amended or order
        push = pack(stored.account, order, route, target.statuses().word(stored.own_status, target.name))
        if _waiver(job).free_lines:
            push = msgspec.structs.replace(push, free_lines=True)
        return push

    async def _compared(self, target: TargetAccount, job: OrderJob, found: Receipt, route: Route) -> Receipt:
        """What was looked up, with what is otherwise than it would be sent now."""
        push = await self._packed(target, job, route)
        if isinstance(push, str):  # it is there, whatever a plugin says of it now
            own = target.statuses().word(job.stored.own_status, target.name)
            push = pack(job.stored.account, job.stored.order, route, own)
        compare = partial(self.sink(target).compare_order, push, found)
        compared: Receipt = await target.calls.read("compare_order", compare, Receipt)
        return compared

    def _arrived(
        self, target: TargetAccount, job: OrderJob, receipt: Receipt, *, looked_up: bool = False
    ) -> Result:
        stored = job.stored
        route = target.route(stored.account)
        copy = _copy(target, stored, receipt)
        facts = _facts(receipt)
        if looked_up:
            facts["looked_up"] = True
            if job.delivery.sent_at is None or job.delivery.state is not DeliveryState.SENT:
                facts["earlier"] = True  # nobody here had sent it
        off = _off(stored)
        verdict = ArrivalVerdict()
        if off is None:  # what is to be cancelled need not be right
            verdict = judge(stored.order, receipt, sets_status=target.capability(StatusSink) is not None)
        if verdict.cut:
            facts["cut"] = list(verdict.cut)
        moved_on: list[PlannedDelivery] = []
        if looked_up and off is None and route is not None:
            pays = target.capability(PaymentSink) is not None
            moved_on = plan.after_look_up(stored.account, stored.order, route, receipt.status, pays=pays)
        if verdict.hold is not None:
            return OnHold(
                reason=verdict.reason or "",
                kind=verdict.hold,
                sent=True,
                external_id=receipt.external_id,
                field=verdict.field,
                facts=facts,
                copy=copy,
                # What was done with it there still goes back: its feed will not send that status again.
                planned=moved_on,
            )
        planned: list[PlannedDelivery] = []
        if off is None and route is not None:
            planned.extend(plan.after_push(stored.account, route, target.processing))
        planned.extend(moved_on)  # last, since the newer word of two is the one that counts
        if verdict.status is not None:
            # The purchase may have changed while the target was asked.
            paid = stored.order.fully_paid
            planned.append(plan.status_at(target.name, verdict.status, 0, while_paid=paid))
        if off is not None:
            planned.append(plan.cancel_at(target.name, 0))
        return Done(external_id=receipt.external_id, facts=facts, copy=copy, planned=planned)


def _off(stored: StoredOrder) -> str | None:
    """Why the order must not be sent any more; None when it must."""
    return plan.withdrawn(stored.order, stored.superseded_by is not None)


def _waiver(job: OrderJob) -> PushPayload:
    return msgspec.json.decode(job.delivery.payload, type=PushPayload)


def _reference(stored: StoredOrder) -> str:
    return reference(stored.account, stored.order.external_id)


def _copy(target: TargetAccount, stored: StoredOrder, receipt: Receipt) -> TargetOrder:
    return TargetOrder(
        order_id=stored.id,
        account=target.name,
        external_id=receipt.external_id,
        number=receipt.number,
        total=receipt.total,
        status=receipt.status,
        url=receipt.url,
        unlinked=tuple(line.line_id for line in receipt.unlinked),
        created_at=target.clock.now(),
    )


def _facts(receipt: Receipt) -> dict[str, Any]:
    facts: dict[str, Any] = {"external_id": receipt.external_id}
    if receipt.number:
        facts["number"] = receipt.number
    if receipt.unlinked:
        facts["unlinked"] = [
            f"{line.sku or line.name} ({line.reason})" if line.reason else line.sku or line.name
            for line in receipt.unlinked
        ]
    return facts
