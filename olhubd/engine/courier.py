"""Carrying out one delivery: one attempt at one target, and the verdict on it.

The rule above all others: when it is not known whether an order was created, it is looked up before it is sent
again, and only after the target has had its time to settle does "not there" mean that it is not.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from types import NoneType
from typing import Any

import msgspec

from olhubd.decide import plan
from olhubd.decide.hold import Hold
from olhubd.decide.plan import Debt, StatusWord, Waiver
from olhubd.decide.route import Route
from olhubd.engine import packing
from olhubd.engine.amendments import by_hand
from olhubd.engine.arrival import Verdict, judge
from olhubd.engine.attempt import Outcome, Parcel, Policy
from olhubd.engine.calls import Broken, Calls
from olhubd.engine.doubts import Doubts
from olhubd.engine.lineage import Lineage
from olhubd.engine.renumbered import another
from olhubd.engine.verdicts import Verdicts
from olhubd.model import Action, Delivery, DeliveryState, Order, Shipment, reference
from olhubd.plugin import (
    UNLINKED,
    AccountBlocked,
    AuthLost,
    CancelSink,
    Clock,
    Conflict,
    Connector,
    ContractBroken,
    Log,
    NotFound,
    OrderSink,
    OutcomeUnknown,
    PaymentSink,
    PluginError,
    Push,
    Receipt,
    Rejected,
    ShipmentSink,
    StatusSink,
    Temporary,
)
from olhubd.runtime.backoff import delay
from olhubd.store.copies import Copy
from olhubd.store.orders import Stored

__all__ = ["Amend", "Courier", "Outcome", "Parcel", "Policy"]

_HICCUPS = 5
"""So many attempts that end in what is no answer, and a person is asked."""
_DOUBLES = (Action.PUSH_ORDER, Action.ADD_SHIPMENT)  # a status or a payment is only set again

Amend = Callable[[Delivery, Order], Awaitable[Order | str | None]]
"""What plugins say of a delivery: nothing is called, for each order, where none of them has a say."""


class Courier:
    """Carries deliveries to one target account by its connector."""

    def __init__(
        self,
        target: str,
        connector: Connector[Any],
        clock: Clock,
        log: Log,
        policy: Policy,
        routes: Callable[[], Sequence[Route]],
        processing: Callable[[str], str | None],
        amending: Callable[[], Amend | None],
        lineage: Lineage,
        calls: Calls,
    ) -> None:
        self._calls = calls
        self._target = target
        self._connector = connector
        self._clock = clock
        self._log = log
        self._policy = policy
        self.routes = routes
        self._processing = processing
        self._amending = amending
        self._lineage = lineage
        self._generation = lineage.generation
        self._doubts = Doubts(clock, policy.doubts)
        self._verdicts = Verdicts(target, clock, self._doubts)

    async def carry(self, parcel: Parcel) -> Outcome:
        """Make one attempt. Never raises but for cancellation, after which the delivery's outcome is unknown."""
        delivery = parcel.delivery
        try:
            match delivery.action:
                case Action.PUSH_ORDER:
                    return await self._push(parcel)
                case Action.CANCEL_ORDER:
                    return await self._cancel(parcel)
                case Action.AMEND_ORDER:
                    return by_hand(parcel, self._target, self._verdicts)
                case _:
                    return await self._update(parcel)
        except Broken as error:
            # A fault in a connector is ours to mend; what it did before it failed is not known.
            return self._failed_itself(parcel, str(error))
        except PluginError as error:
            return self._failed(parcel, error)
        except Exception as error:
            self._log.error("connector failed", action=delivery.action.value, delivery=delivery.id, exc_info=True)
            return self._failed_itself(parcel, f"the connector failed: {type(error).__name__}")

    def interrupted(self, parcel: Parcel) -> Outcome:
        """The outcome of an attempt that was cancelled: unknown, from this moment on."""
        unsure = self._unsure(parcel)
        return self._verdicts.outcome(
            unsure,
            msgspec.structs.replace(unsure.delivery, state=DeliveryState.SENT, due_at=self._clock.now()),
            event=None,
            facts={},
        )

    # An order

    async def _push(self, parcel: Parcel) -> Outcome:
        delivery, stored = parcel.delivery, parcel.stored
        sink = self._connector
        if not isinstance(sink, OrderSink):
            return self._verdicts.hold(parcel, f"{self._connector.title} cannot take orders", Hold.UNABLE)
        gone = plan.withdrawn(stored.order, stored.superseded_by is not None)
        route = self._route(stored.account)
        unknown = delivery.state is DeliveryState.SENT
        # Before the look-up: what that finds is as old as its asking.
        # To send it again to a target that refuses a second one is always safe; to leave it at that is not.
        waits = 0.0 if sink.idempotent and gone is None else self._doubts.settling(delivery, sink.settle)
        # What the target told of is looked up whatever is known of the order; else it would be told of for ever.
        told = msgspec.json.decode(delivery.payload, type=Waiver).only_found
        if unknown or told or self._in_doubt(delivery, stored):
            generation = self._lineage.generation
            # It cannot be there from before it was placed.
            age = self._lineage.age(stored.account, stored.order.placed_at)
            look = partial(sink.find_order, self._reference(stored), age)
            found = await self._calls.read("find_order", look, (Receipt, NoneType))
            if found is not None:
                if gone is None and route is not None:
                    found = await self._compared(parcel, sink, found, route)
                return self._arrived(parcel, found, route, looked_up=True)
            if generation != self._lineage.generation:
                # Found out in between: the time that the order can be old was measured by a clock that stood still.
                state = DeliveryState.SENT if unknown else DeliveryState.RETRY
                return self._verdicts.later(parcel, state, 0.0, "is looked up once more")
            if not unknown and (early := self._doubts.early(sink.settle)) and not sink.idempotent:
                # The machine may have been set back while it was on its way.
                why = "waits until the target has settled"
                return self._verdicts.later(parcel, DeliveryState.RETRY, early, why)
            self._doubts.absent.add(delivery.id)
        if unknown:
            if waits:
                return self._verdicts.later(parcel, DeliveryState.SENT, waits, "waits until the target has settled")
            if gone is None:
                if self._only_found(delivery, stored, route):
                    return self._verdicts.end(parcel, DeliveryState.DROPPED, "the target does not have the order")
                if (times := self._doubts.too_many(delivery)) is not None:
                    words = self._doubts.words(delivery)
                    why = (
                        f"sent {times} times without an answer that tells what became of it,"
                        f" and it is not there: {words}"
                    )
                    return self._verdicts.hold(parcel, why, Hold.DOUBT)
                # Sent again only by a new claim, so that the time of sending is stored before it happens.
                return self._verdicts.later(parcel, DeliveryState.RETRY, 0.0, "was not there; is sent again")
        if gone is None and self._only_found(delivery, stored, route):
            return self._verdicts.end(parcel, DeliveryState.DROPPED, "the target does not have the order")
        if gone is not None:
            if delivery.attempts > 1:
                # An earlier try may have left a part of it there.
                withdraw = partial(sink.withdraw_order, self._reference(stored))
                await self._calls.write("withdraw_order", withdraw)
            return self._verdicts.end(parcel, DeliveryState.DROPPED, gone)
        if route is None:
            why = f"no route leads from {stored.account} to {self._target} any more"
            return self._verdicts.hold(parcel, why, Hold.NO_ROUTE)
        push = await self._packed(parcel, route)
        if isinstance(push, str):
            return self._verdicts.hold(parcel, push, Hold.VETO)
        receipt = await self._calls.write("push_order", partial(sink.push_order, push), Receipt)
        return self._arrived(parcel, receipt, route)

    def _in_doubt(self, delivery: Delivery, stored: Stored) -> bool:
        """Whether an earlier process may have sent it: by a database that is not this one, as after a restore."""
        if self._generation != self._lineage.generation:
            self._generation = self._lineage.generation
            self._doubts.begin_anew()
        if delivery.id in self._doubts.absent:
            return False
        return self._lineage.covers(stored.account, stored.id, stored.order.placed_at)

    def _only_found(self, delivery: Delivery, stored: Stored, route: Route | None) -> bool:
        """Whether it is owed only because the target told of it: not there, it is not to be made."""
        if not msgspec.json.decode(delivery.payload, type=Waiver).only_found:
            return False
        return route is None or not plan.ripe(stored.order, route)

    async def _packed(self, parcel: Parcel, route: Route) -> Push | str:
        """The order as it is to be sent, or why a plugin wants it not to be."""
        stored = parcel.stored
        order = stored.order
        if (amend := self._amending()) is not None:
            asked = partial(amend, parcel.delivery, order)
            amended = await self._calls.read("olhubd_amend_delivery", asked, (Order, str, NoneType))
            if isinstance(amended, str):
                return amended
            order = amended or order
        push = packing.pack(stored.account, order, route)
        if msgspec.json.decode(parcel.delivery.payload, type=Waiver).free_lines:
            push = msgspec.structs.replace(push, free_lines=True)
        return push

    async def _compared(self, parcel: Parcel, sink: OrderSink, found: Receipt, route: Route) -> Receipt:
        """What was looked up, with what is otherwise than it would be sent now."""
        push = await self._packed(parcel, route)
        if isinstance(push, str):  # it is there, whatever a plugin says of it now
            push = packing.pack(parcel.stored.account, parcel.stored.order, route)
        compare = partial(sink.compare_order, push, found)
        compared: Receipt = await self._calls.read("compare_order", compare, Receipt)
        return compared

    def _arrived(self, parcel: Parcel, receipt: Receipt, route: Route | None, looked_up: bool = False) -> Outcome:
        stored = parcel.stored
        copy = Copy(
            order_id=stored.id,
            account=self._target,
            external_id=receipt.external_id,
            number=receipt.number,
            total=receipt.total,
            status=receipt.status,
            url=receipt.url,
            unlinked=tuple(line.line_id for line in receipt.unlinked),
            created_at=self._clock.now(),
        )
        facts: dict[str, Any] = {"target": self._target, "external_id": receipt.external_id}
        if receipt.number:
            facts["number"] = receipt.number
        if looked_up:
            facts["looked_up"] = True
            if parcel.delivery.sent_at is None or parcel.delivery.state is not DeliveryState.SENT:
                facts["earlier"] = True  # nobody here had sent it
        if receipt.unlinked:
            facts["unlinked"] = [
                f"{line.sku or line.name} ({line.reason})" if line.reason else line.sku or line.name
                for line in receipt.unlinked
            ]
        off = plan.withdrawn(stored.order, stored.superseded_by is not None)
        word = receipt.status if looked_up else None
        verdict = Verdict()
        if off is None:  # what is to be cancelled need not be right
            verdict = judge(stored.order, receipt, sets_status=isinstance(self._connector, StatusSink))
        if verdict.cut:
            facts["cut"] = list(verdict.cut)
        if verdict.hold is not None:
            held = self._verdicts.hold(
                parcel,
                str(verdict.reason),
                verdict.hold,
                sent=True,
                external_id=receipt.external_id,
                field=verdict.field,
            )
            # What was done with it there goes back all the same: its feed will not tell that word again.
            back = plan.after_push(stored.account, route, None, word) if route is not None else []
            return msgspec.structs.replace(held, copy=copy, facts={**facts, **held.facts}, debts=back)
        debts: list[Debt] = []
        if off is None and route is not None:
            debts.extend(plan.after_push(stored.account, route, self._processing(stored.account), word))
        if verdict.status is not None:
            debts.append(plan.status_at(self._target, verdict.status, 0))
        if off is not None:
            debts.append(plan.cancel_at(self._target, 0))
        done = self._verdicts.end(parcel, DeliveryState.CONFIRMED, None, receipt.external_id)
        return msgspec.structs.replace(done, event="delivery.confirmed", facts=facts, copy=copy, debts=debts)

    async def _cancel(self, parcel: Parcel) -> Outcome:
        if parcel.copy is None:
            return self._verdicts.end(parcel, DeliveryState.DROPPED, "the target never had the order")
        superseded = parcel.stored.superseded_by is not None
        if plan.withdrawn(parcel.stored.order, superseded) is None:
            return self._verdicts.end(parcel, DeliveryState.DROPPED, "the order is on again")
        sink = self._connector
        if (other := await another(sink, self._calls, parcel.stored, parcel.copy)) is not None:
            return self._verdicts.hold(parcel, f"{other}, so it is not cancelled", Hold.TAKEN)
        route = self._route(parcel.stored.account)
        word = route.statuses.get("cancelled") if route is not None else None
        if word is not None and isinstance(sink, StatusSink):
            await self._calls.write("set_status", partial(sink.set_status, parcel.copy.external_id, word))
            return self._verdicts.confirmed(parcel)
        if not isinstance(sink, CancelSink):
            why = f"{self._connector.title} cannot cancel orders: cancel it there by hand"
            return self._verdicts.hold(parcel, why, Hold.UNABLE)
        why = "the buyer put purchases together" if superseded else "cancelled at the marketplace"
        await self._calls.write("cancel_order", partial(sink.cancel_order, parcel.copy.external_id, why))
        return self._verdicts.confirmed(parcel)

    # What follows an order

    async def _update(self, parcel: Parcel) -> Outcome:
        """Status, payment and shipment: the sinks read before they write, so that twice is once."""
        delivery, stored = parcel.delivery, parcel.stored
        external_id = stored.order.external_id if stored.account == self._target else None
        if external_id is None:
            if parcel.copy is None:
                return self._verdicts.end(parcel, DeliveryState.DROPPED, "the target does not have the order")
            external_id = parcel.copy.external_id
            if (other := await another(self._connector, self._calls, stored, parcel.copy)) is not None:
                why = f"{other}, so nothing is written to it"
                return self._verdicts.hold(parcel, why, Hold.TAKEN)
        sink = self._connector
        if delivery.state is DeliveryState.SENT and delivery.action in _DOUBLES and isinstance(sink, ShipmentSink):
            # The sink reads before it writes, and what comes late can be read when the target has settled.
            state = (
                DeliveryState.SENT
                if (waits := self._doubts.settling(delivery, sink.settle))
                else DeliveryState.RETRY
            )
            return self._verdicts.later(parcel, state, waits, "waits until the target has settled")
        act = self._act(delivery, external_id, stored.order)
        if act is None:
            if delivery.action is Action.SET_PAYMENT and isinstance(sink, PaymentSink):
                return self._verdicts.end(parcel, DeliveryState.DROPPED, "nothing is known of its payment")
            # One rule for all that a system cannot: a person does it, and nothing is dropped in silence.
            why = f"{self._connector.title} knows no {delivery.action.value}: do it there by hand"
            return self._verdicts.hold(parcel, why, Hold.UNABLE)
        await self._calls.write(delivery.action.value, act)
        return self._verdicts.confirmed(parcel)

    def _act(self, delivery: Delivery, external_id: str, order: Order) -> Callable[[], Awaitable[None]] | None:
        sink = self._connector
        match delivery.action:
            case Action.SET_STATUS if isinstance(sink, StatusSink):
                word = msgspec.json.decode(delivery.payload, type=StatusWord)
                return partial(sink.set_status, external_id, word.status)
            case Action.SET_PAYMENT if isinstance(sink, PaymentSink) and order.payment is not None:
                return partial(sink.set_payment, external_id, order.payment, order.paid)
            case Action.ADD_SHIPMENT if isinstance(sink, ShipmentSink):
                shipment = msgspec.json.decode(delivery.payload, type=Shipment)
                return partial(sink.add_shipment, external_id, shipment)
        return None

    # Verdicts

    def _failed_itself(self, parcel: Parcel, why: str) -> Outcome:
        if parcel.delivery.attempts >= _HICCUPS:
            return self._verdicts.hold(self._unsure(parcel), why, Hold.BROKEN, sent=True)
        return self._failed(parcel, OutcomeUnknown(why))

    def _failed(self, parcel: Parcel, error: PluginError) -> Outcome:
        delivery = parcel.delivery
        push = delivery.action is Action.PUSH_ORDER
        field = getattr(error, "field", None)
        where = f" (field {field})" if field else ""
        if isinstance(error, OutcomeUnknown) and delivery.state is not DeliveryState.SENT:
            self._doubts.tried(delivery, error)
        match error:
            case OutcomeUnknown() if not push and (times := self._doubts.too_many(delivery)) is not None:
                # Its sink reads before it writes, so that each try was a look that found it undone.
                why = f"tried {times} times without an answer that tells what became of it: {error}"
                outcome = self._verdicts.hold(self._unsure(parcel), why, Hold.DOUBT)
            case OutcomeUnknown() if delivery.action in _DOUBLES:
                pause = self._policy.look_up_after if delivery.attempts < 2 else self._backoff(delivery.attempts)
                pause = max(pause, error.retry_after or 0.0)  # a look-up is a call too
                outcome = self._verdicts.later(self._unsure(parcel), DeliveryState.SENT, pause, str(error))
            case ContractBroken() if push and delivery.state is DeliveryState.SENT and delivery.attempts < _HICCUPS:
                # One broken page in answer to a look-up decides nothing; a target that stays broken is held.
                outcome = self._verdicts.later(
                    parcel, DeliveryState.SENT, self._backoff(delivery.attempts), str(error)
                )
            case Temporary() | AuthLost() | AccountBlocked():
                asked = error.retry_after if isinstance(error, Temporary) else None
                # A failed look-up leaves the outcome unknown; a failed attempt that surely did nothing does not.
                unknown = push and delivery.state is DeliveryState.SENT
                state = DeliveryState.SENT if unknown else DeliveryState.RETRY
                outcome = self._verdicts.later(parcel, state, asked or self._backoff(delivery.attempts), str(error))
            case Conflict() | NotFound() if delivery.action in (Action.SET_STATUS, Action.SET_PAYMENT):
                outcome = self._verdicts.end(parcel, DeliveryState.DEAD, str(error), event="delivery.refused")
            case Rejected():
                kind = Hold.UNLINKED if error.code == UNLINKED else Hold.REFUSED
                outcome = self._verdicts.hold(parcel, f"{error}{where}", kind, field=error.field)
            case _:
                outcome = self._verdicts.hold(parcel, f"{error}{where}", Hold.OTHER, field=field)
        failure = error if isinstance(error, Temporary | AuthLost | AccountBlocked) else None
        return msgspec.structs.replace(outcome, failure=failure)

    def _unsure(self, parcel: Parcel) -> Parcel:
        """After an attempt that may have done it, as late as just now: the claim may have been much earlier."""
        delivery = parcel.delivery
        if delivery.state is DeliveryState.SENT:
            return parcel  # it was only looked up
        self._doubts.begin(delivery)
        delivery = msgspec.structs.replace(delivery, sent_at=self._clock.now())
        return msgspec.structs.replace(parcel, delivery=delivery)

    def _backoff(self, attempts: int) -> float:
        return delay(attempts, self._policy.backoff_first, self._policy.backoff_max)

    def _route(self, account: str) -> Route | None:
        for route in self.routes():
            if route.target == self._target and account in route.sources:
                return route
        return None

    def _reference(self, stored: Stored) -> str:
        return reference(stored.account, stored.order.external_id)
