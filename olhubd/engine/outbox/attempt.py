"""Carrying out one delivery: one attempt at one target, and the verdict on it.

One rule for all actions; each handler declares what the rule must know of its action. If we do not know whether the
order was created, we look it up before sending it again. "Not found" counts only after the target's settle time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec

from olhubd.decide.hold import Hold
from olhubd.decide.mails.rule import MailRule
from olhubd.decide.own_status import OwnStatuses
from olhubd.decide.route import Route
from olhubd.engine.calls import Calls, PluginFault
from olhubd.engine.flow.flow import RecordName
from olhubd.engine.lineage import Lineage
from olhubd.engine.outbox.actions import HANDLERS
from olhubd.engine.outbox.claimed import UnfitDelivery
from olhubd.engine.outbox.doubts import Doubts
from olhubd.engine.outbox.handler import Done, Handler, Obsolete, OnHold, Result, Submitted
from olhubd.engine.outbox.job import DeliveryOutcome, Job, RetryPolicy
from olhubd.engine.outbox.target import Amend, CapabilityMissing, TargetAccount, TooCheap
from olhubd.engine.outbox.verdicts import Verdicts
from olhubd.model import Action, Delivery, DeliveryState, Reason
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
from olhubd.store.orders import StoredOrder

__all__ = ["Amend", "DeliveryOutcome", "Executor", "Job", "RetryPolicy"]

_HICCUPS = 5
"""So many attempts that end in what is no answer, and a person is asked."""
_SETTLES = Reason("delivery.settling")


class Executor:
    """Carries deliveries to one target account by its connector."""

    def __init__(
        self,
        target: str,
        connector: Connector[Any],
        clock: Clock,
        log: Log,
        policy: RetryPolicy,
        routes: Callable[[], Sequence[Route]],
        processing: Callable[[str], str | None],
        amending: Callable[[], Amend | None],
        lineage: Lineage,
        calls: Calls,
        handlers: Mapping[Action, Handler[Any]] = HANDLERS,
        too_cheap: TooCheap | None = None,
        statuses: Callable[[], OwnStatuses] = OwnStatuses,
        mails: Callable[[], Sequence[MailRule]] = tuple,
        titles: Callable[[str], str] = str,
    ) -> None:
        self._target = TargetAccount(
            target,
            connector,
            calls,
            clock,
            routes,
            processing,
            amending,
            lineage,
            too_cheap,
            statuses,
            mails,
            titles,
        )
        self.handlers = handlers
        self._clock = clock
        self._log = log
        self._policy = policy
        self.routes = routes
        self._lineage = lineage
        self._generation = lineage.generation
        self._doubts = Doubts(clock)
        self._verdicts = Verdicts(target, clock, self._doubts)

    async def carry(self, job: Job[Any]) -> DeliveryOutcome:
        """Make one attempt. Never raises but for cancellation, after which the delivery's outcome is unknown."""
        with calling_for(Lane.of((job.delivery.subject.kind,))):
            return await self._carry(job)

    async def _carry(self, job: Job[Any]) -> DeliveryOutcome:
        delivery = job.delivery
        handler = self.handlers[delivery.action]
        try:
            if delivery.state is DeliveryState.SENT and delivery.ticket is not None:
                if (report := await handler.report(self._target, job, delivery.ticket)) is not None:
                    # To ask is no attempt; only when asking fails it counts as one.
                    return self._judged(_with(job, attempts=delivery.attempts - 1), report)
                job = _with(job, ticket=None)
            if not handler.creates and (settles := self._doubts.settling(job.delivery, self._settle(handler, job))):
                return self._verdicts.later(job, DeliveryState.SENT, settles, _SETTLES)
            if handler.creates and (outcome := await self._doubt(handler, job)) is not None:
                return outcome
            return self._judged(job, await handler.perform(self._target, job))
        except CapabilityMissing as error:
            # One rule for all that a system cannot: a person does it, and nothing is dropped in silence.
            return self._held_open(job, str(error), Hold.UNABLE)
        except PluginFault as error:
            # A fault in a connector is ours to mend; what it did before it failed is not known.
            return self._failed_itself(job, str(error))
        except PluginError as error:
            return self._failed(job, error)
        except Exception as error:
            self._log.error("connector failed", action=delivery.action.value, delivery=delivery.id, exc_info=True)
            return self._failed_itself(job, Reason("connector.failed", what=type(error).__name__))

    def put_aside(self, aside: UnfitDelivery) -> DeliveryOutcome:
        """The outcome of a delivery that cannot be carried out here: a person decides."""
        return self._verdicts.hold(aside.job, aside.why, aside.kind)

    def not_stored(self, outcome: DeliveryOutcome, why: str) -> DeliveryOutcome:
        """Another outcome for one that cannot be stored: what the target said is lost, so it may be done."""
        delivery = msgspec.structs.replace(outcome.delivery, finished_at=None)
        job = Job(delivery=delivery, stored=RecordName(id=delivery.subject.id, account=outcome.account))
        return self._verdicts.hold(job, why, Hold.BROKEN, sent=True)

    def interrupted(self, job: Job[Any]) -> DeliveryOutcome:
        """The outcome of an attempt that was cancelled: unknown, from this moment on."""
        unsure = self._unsure(job)
        return self._verdicts.outcome(
            unsure,
            msgspec.structs.replace(unsure.delivery, state=DeliveryState.SENT, due_at=self._clock.now()),
            event=None,
            facts={},
        )

    async def _doubt(self, handler: Handler[Any], job: Job[Any]) -> DeliveryOutcome | None:
        """The rule for what twice would be two: None when it is surely not there, and is to be sent."""
        delivery = job.delivery
        self._renew()
        unknown = delivery.state is DeliveryState.SENT
        if unknown or (handler.looks_up and (handler.sought(job) or self._in_doubt(job))):
            settle = handler.settle(self._target, job)
            # Before the look-up: what that finds is as old as its asking.
            waits = self._doubts.settling(delivery, settle)
            generation = self._lineage.generation
            if (found := await handler.look_up(self._target, job)) is not None:
                return self._judged(job, found)
            if generation != self._lineage.generation:
                # Found out in between: the time that the order can be old was measured by a clock that had stopped.
                state = DeliveryState.SENT if unknown else DeliveryState.RETRY
                return self._verdicts.later(job, state, 0.0, Reason("delivery.looked-up-again"))
            if not unknown and (early := self._doubts.early(settle)):
                # The machine may have been set back while it was on its way.
                return self._verdicts.later(job, DeliveryState.RETRY, early, _SETTLES)
            self._doubts.absent.add(delivery.id)
            if unknown and waits:
                return self._verdicts.later(job, DeliveryState.SENT, waits, _SETTLES)
        elif not handler.looks_up and (early := self._doubts.early(handler.settle(self._target, job))):
            # Nobody can look it up, and its sink would not yet see what was on its way as the machine was set back.
            return self._verdicts.later(job, DeliveryState.RETRY, early, _SETTLES)
        if (why := await handler.needless(self._target, job)) is not None:
            return self._verdicts.end(job, DeliveryState.DROPPED, why)
        if not unknown:
            return None
        if handler.looks_up and self._too_often(delivery):
            why = Reason("doubt.not-there", times=delivery.unknown_tries, words=delivery.unknown_words)
            return self._verdicts.hold(job, why, Hold.DOUBT)
        # Sent again only by a new claim, so that the time of sending is stored before it happens.
        why = Reason("delivery.sent-again") if handler.looks_up else _SETTLES
        return self._verdicts.later(job, DeliveryState.RETRY, 0.0, why)

    def _in_doubt(self, job: Job[Any]) -> bool:
        """Whether an earlier process may have sent it: by a database that is not this one, as after a restore."""
        if job.delivery.id in self._doubts.absent:
            return False
        stored = job.stored
        if not isinstance(stored, StoredOrder):
            return True  # only of orders it is known which came after their feed was read to its end
        return self._lineage.covers(stored.account, stored.id, stored.order.placed_at)

    def _renew(self) -> None:
        """Forget what was known of doubts where the machine was set back since, before anything is judged by it."""
        if self._generation != self._lineage.generation:
            self._generation = self._lineage.generation
            self._doubts.begin_anew()

    # Verdicts

    def _judged(self, job: Job[Any], result: Result) -> DeliveryOutcome:
        """What a handler says came of it, as it is to be stored."""
        match result:
            case Done():
                facts = {"target": self._target.name, **result.facts}
                done = self._verdicts.end(job, DeliveryState.CONFIRMED, None, result.external_id)
                return msgspec.structs.replace(
                    done,
                    event="delivery.confirmed",
                    facts={**done.facts, **facts} if result.offer is not None else facts,
                    copy=result.copy,
                    planned=result.planned,
                    offer=result.offer,
                )
            case Submitted():
                return self._verdicts.submitted(self._unsure(job), result.ticket, result.after)
            case OnHold():
                held = self._verdicts.hold(
                    job,
                    result.reason,
                    result.kind,
                    sent=result.sent,
                    external_id=result.external_id,
                    field=result.field,
                )
                facts = {**result.facts, **held.facts}
                return msgspec.structs.replace(held, copy=result.copy, facts=facts, planned=result.planned)
            case Obsolete():
                return self._verdicts.end(job, DeliveryState.DROPPED, result.reason)

    def _failed_itself(self, job: Job[Any], why: str) -> DeliveryOutcome:
        if job.delivery.attempts >= _HICCUPS:
            return self._held_open(self._unsure(job), why, Hold.BROKEN, sent=True)
        return self._failed(job, OutcomeUnknown(why))

    def _failed(self, job: Job[Any], error: PluginError) -> DeliveryOutcome:
        delivery = job.delivery
        handler = self.handlers[delivery.action]
        # A failed look-up or report leaves the outcome unknown; a failed attempt that surely did nothing does not.
        unknown = delivery.state is DeliveryState.SENT and (handler.creates or delivery.ticket is not None)
        field = getattr(error, "field", None)
        words = Reason("with-field", reason=error, field=field) if field else str(error)
        if isinstance(error, OutcomeUnknown) and delivery.state is not DeliveryState.SENT:
            job = _with(job, unknown_tries=delivery.unknown_tries + 1, unknown_words=str(error))
            delivery = job.delivery
        match error:
            case OutcomeUnknown() if not handler.looks_up and self._too_often(delivery):
                # Its sink reads before it writes, so that each try was a look that found it undone.
                why = Reason("doubt.tried", times=delivery.unknown_tries, words=error)
                outcome = self._held_open(self._unsure(job), why, Hold.DOUBT, sent=True)
            case OutcomeUnknown() if handler.creates or unknown:
                pause = self._policy.look_up_after if delivery.attempts < 2 else self._backoff(delivery.attempts)
                pause = max(pause, error.retry_after or 0.0)  # a look-up is a call too
                outcome = self._verdicts.later(self._unsure(job), DeliveryState.SENT, pause, str(error))
            case ContractBroken() if unknown and delivery.attempts < _HICCUPS:
                # One broken page in answer to a question decides nothing; a target that stays broken is held.
                outcome = self._verdicts.later(
                    job, DeliveryState.SENT, self._backoff(delivery.attempts), str(error)
                )
            case ContractBroken():
                outcome = self._held_open(job, words, Hold.OTHER, field=field)
            case Temporary() | AuthLost() | AccountBlocked():
                asked = error.retry_after if isinstance(error, Temporary) else None
                state = DeliveryState.SENT if unknown else DeliveryState.RETRY
                pause = asked or self._backoff(delivery.attempts)
                if isinstance(error, OutcomeUnknown):
                    pause = max(pause, self._settle(handler, job).total_seconds())
                outcome = self._verdicts.later(job, state, pause, str(error))
            case Conflict() | NotFound() if handler.lapses:
                outcome = self._verdicts.end(job, DeliveryState.DEAD, str(error), event="delivery.refused")
            case Rejected():
                kind = Hold.UNLINKED if error.code == UNLINKED else Hold.REFUSED
                outcome = self._verdicts.hold(job, words, kind, field=error.field)
            case _:
                outcome = self._verdicts.hold(job, words, Hold.OTHER, field=field)
        failure = error if isinstance(error, Temporary | AuthLost | AccountBlocked) else None
        return msgspec.structs.replace(outcome, failure=failure)

    def _held_open(
        self, job: Job[Any], reason: str, kind: Hold, sent: bool = False, field: str | None = None
    ) -> DeliveryOutcome:
        """A person is asked, and nothing is proved: what the target has accepted it may still do.

        So the ticket stays, and a retry asks for the report before anything is submitted again.
        """
        held = self._verdicts.hold(job, reason, kind, sent=sent, field=field)
        kept = msgspec.structs.replace(held.delivery, ticket=job.delivery.ticket)
        return msgspec.structs.replace(held, delivery=kept)

    def _unsure(self, job: Job[Any]) -> Job[Any]:
        """After an attempt that may have done it, as late as just now: the claim may have been much earlier."""
        delivery = job.delivery
        if delivery.state is DeliveryState.SENT:
            return job  # it was only looked up
        self._doubts.begin(delivery)
        return _with(job, sent_at=self._clock.now())

    def _settle(self, handler: Handler[Any], job: Job[Any]) -> timedelta:
        """For how long what was sent may still act; not at all where the target can do nothing of it."""
        try:
            return handler.settle(self._target, job)
        except CapabilityMissing:
            return timedelta()

    def _too_often(self, delivery: Delivery) -> bool:
        """Whether its outcome was unknown so often that a person is asked."""
        return delivery.unknown_tries >= self._policy.doubts

    def _backoff(self, attempts: int) -> float:
        return delay(attempts, self._policy.backoff_first, self._policy.backoff_max)


def _with(job: Job[Any], **words: object) -> Job[Any]:
    """The same with other words in its delivery."""
    return msgspec.structs.replace(job, delivery=msgspec.structs.replace(job.delivery, **words))
