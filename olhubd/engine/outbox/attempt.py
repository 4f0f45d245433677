"""Carrying out one delivery: one attempt at one target, and the verdict on it.

This is one rule for all actions; what it must know of one the handler declares. Above all: when it is not known
whether something was created, it is looked up before it is sent again, and only after the target has had its time
to settle does "not there" mean that it is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from olhubd.decide.hold import Hold
from olhubd.decide.route import Route
from olhubd.engine.calls import Broken, Calls
from olhubd.engine.lineage import Lineage
from olhubd.engine.outbox.actions import HANDLERS
from olhubd.engine.outbox.doubts import Doubts
from olhubd.engine.outbox.handler import Done, Handler, Obsolete, OnHold, Result, Submitted
from olhubd.engine.outbox.job import Outcome, Parcel, Policy
from olhubd.engine.outbox.target import Amend, TargetAccount, Unable
from olhubd.engine.outbox.verdicts import Verdicts
from olhubd.model import Action, Delivery, DeliveryState
from olhubd.plugin import (
    UNLINKED,
    AccountBlocked,
    AuthLost,
    Clock,
    Conflict,
    Connector,
    ContractBroken,
    Lane,
    Log,
    NotFound,
    OutcomeUnknown,
    PluginError,
    Rejected,
    Temporary,
)
from olhubd.plugin.budget import calling_for
from olhubd.runtime.backoff import delay
from olhubd.store.orders import Stored

__all__ = ["Amend", "Courier", "Outcome", "Parcel", "Policy"]

_HICCUPS = 5
"""So many attempts that end in what is no answer, and a person is asked."""
_SETTLES = "waits until the target has settled"


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
        handlers: Mapping[Action, Handler[Any]] = HANDLERS,
    ) -> None:
        self._target = TargetAccount(target, connector, calls, clock, routes, processing, amending, lineage)
        self._handlers = handlers
        self._clock = clock
        self._log = log
        self._policy = policy
        self.routes = routes
        self._lineage = lineage
        self._generation = lineage.generation
        self._doubts = Doubts(clock, policy.doubts)
        self._verdicts = Verdicts(target, clock, self._doubts)

    async def carry(self, parcel: Parcel) -> Outcome:
        """Make one attempt. Never raises but for cancellation, after which the delivery's outcome is unknown."""
        with calling_for(Lane.of((parcel.delivery.subject.kind,))):
            return await self._carry(parcel)

    async def _carry(self, parcel: Parcel) -> Outcome:
        delivery = parcel.delivery
        handler = self._handlers[delivery.action]
        try:
            if delivery.state is DeliveryState.SENT and delivery.ticket is not None:
                if (report := await handler.report(self._target, parcel, delivery.ticket)) is not None:
                    # To ask is no attempt; only when asking fails it counts as one.
                    return self._judged(_with(parcel, attempts=delivery.attempts - 1), report)
                parcel = _with(parcel, ticket=None)
            if handler.creates and (outcome := await self._doubt(handler, parcel)) is not None:
                return outcome
            return self._judged(parcel, await handler.perform(self._target, parcel))
        except Unable as error:
            # One rule for all that a system cannot: a person does it, and nothing is dropped in silence.
            return self._verdicts.hold(parcel, str(error), Hold.UNABLE)
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

    async def _doubt(self, handler: Handler[Any], parcel: Parcel) -> Outcome | None:
        """The rule for what twice would be two: None when it is surely not there, and is to be sent."""
        delivery = parcel.delivery
        unknown = delivery.state is DeliveryState.SENT
        if unknown or (handler.looks_up and (handler.sought(parcel) or self._in_doubt(delivery, parcel.stored))):
            settle = handler.settle(self._target, parcel)
            # Before the look-up: what that finds is as old as its asking.
            waits = self._doubts.settling(delivery, settle)
            generation = self._lineage.generation
            if (found := await handler.look_up(self._target, parcel)) is not None:
                return self._judged(parcel, found)
            if generation != self._lineage.generation:
                # Found out in between: the time that the order can be old was measured by a clock that stood still.
                state = DeliveryState.SENT if unknown else DeliveryState.RETRY
                return self._verdicts.later(parcel, state, 0.0, "is looked up once more")
            if not unknown and (early := self._doubts.early(settle)):
                # The machine may have been set back while it was on its way.
                return self._verdicts.later(parcel, DeliveryState.RETRY, early, _SETTLES)
            self._doubts.absent.add(delivery.id)
            if unknown and waits:
                return self._verdicts.later(parcel, DeliveryState.SENT, waits, _SETTLES)
        if (why := await handler.needless(self._target, parcel)) is not None:
            return self._verdicts.end(parcel, DeliveryState.DROPPED, why)
        if not unknown:
            return None
        if handler.looks_up and (times := self._doubts.too_many(delivery)) is not None:
            words = self._doubts.words(delivery)
            why = f"sent {times} times without an answer that tells what became of it, and it is not there: {words}"
            return self._verdicts.hold(parcel, why, Hold.DOUBT)
        # Sent again only by a new claim, so that the time of sending is stored before it happens.
        why = "was not there; is sent again" if handler.looks_up else _SETTLES
        return self._verdicts.later(parcel, DeliveryState.RETRY, 0.0, why)

    def _in_doubt(self, delivery: Delivery, stored: Stored) -> bool:
        """Whether an earlier process may have sent it: by a database that is not this one, as after a restore."""
        if self._generation != self._lineage.generation:
            self._generation = self._lineage.generation
            self._doubts.begin_anew()
        if delivery.id in self._doubts.absent:
            return False
        return self._lineage.covers(stored.account, stored.id, stored.order.placed_at)

    # Verdicts

    def _judged(self, parcel: Parcel, result: Result) -> Outcome:
        """What a handler says came of it, as it is to be stored."""
        match result:
            case Done():
                facts = {"target": self._target.name, **result.facts}
                done = self._verdicts.end(parcel, DeliveryState.CONFIRMED, None, result.external_id)
                return msgspec.structs.replace(
                    done, event="delivery.confirmed", facts=facts, copy=result.copy, debts=result.debts
                )
            case Submitted():
                return self._verdicts.submitted(self._unsure(parcel), result.ticket, result.after)
            case OnHold():
                held = self._verdicts.hold(
                    parcel,
                    result.reason,
                    result.kind,
                    sent=result.sent,
                    external_id=result.external_id,
                    field=result.field,
                )
                facts = {**result.facts, **held.facts}
                return msgspec.structs.replace(held, copy=result.copy, facts=facts, debts=result.debts)
            case Obsolete():
                return self._verdicts.end(parcel, DeliveryState.DROPPED, result.reason)

    def _failed_itself(self, parcel: Parcel, why: str) -> Outcome:
        if parcel.delivery.attempts >= _HICCUPS:
            held = self._verdicts.hold(self._unsure(parcel), why, Hold.BROKEN, sent=True)
            # What the target accepted it may still do: a retry asks for its report first.
            kept = msgspec.structs.replace(held.delivery, ticket=parcel.delivery.ticket)
            return msgspec.structs.replace(held, delivery=kept)
        return self._failed(parcel, OutcomeUnknown(why))

    def _failed(self, parcel: Parcel, error: PluginError) -> Outcome:
        delivery = parcel.delivery
        handler = self._handlers[delivery.action]
        # A failed look-up or report leaves the outcome unknown; a failed attempt that surely did nothing does not.
        unknown = delivery.state is DeliveryState.SENT and (handler.creates or delivery.ticket is not None)
        field = getattr(error, "field", None)
        where = f" (field {field})" if field else ""
        if isinstance(error, OutcomeUnknown) and delivery.state is not DeliveryState.SENT:
            self._doubts.tried(delivery, error)
        times = None if handler.looks_up else self._doubts.too_many(delivery)
        match error:
            case OutcomeUnknown() if times is not None:
                # Its sink reads before it writes, so that each try was a look that found it undone.
                why = f"tried {times} times without an answer that tells what became of it: {error}"
                outcome = self._verdicts.hold(self._unsure(parcel), why, Hold.DOUBT)
            case OutcomeUnknown() if handler.creates or unknown:
                pause = self._policy.look_up_after if delivery.attempts < 2 else self._backoff(delivery.attempts)
                pause = max(pause, error.retry_after or 0.0)  # a look-up is a call too
                outcome = self._verdicts.later(self._unsure(parcel), DeliveryState.SENT, pause, str(error))
            case ContractBroken() if unknown and delivery.attempts < _HICCUPS:
                # One broken page in answer to a question decides nothing; a target that stays broken is held.
                outcome = self._verdicts.later(
                    parcel, DeliveryState.SENT, self._backoff(delivery.attempts), str(error)
                )
            case Temporary() | AuthLost() | AccountBlocked():
                asked = error.retry_after if isinstance(error, Temporary) else None
                state = DeliveryState.SENT if unknown else DeliveryState.RETRY
                outcome = self._verdicts.later(parcel, state, asked or self._backoff(delivery.attempts), str(error))
            case Conflict() | NotFound() if handler.lapses:
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
        return _with(parcel, sent_at=self._clock.now())

    def _backoff(self, attempts: int) -> float:
        return delay(attempts, self._policy.backoff_first, self._policy.backoff_max)


def _with(parcel: Parcel, **words: object) -> Parcel:
    """The same with other words in its delivery."""
    return msgspec.structs.replace(parcel, delivery=msgspec.structs.replace(parcel.delivery, **words))
