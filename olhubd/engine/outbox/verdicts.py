"""The verdicts on an attempt: what is stored of its delivery, and the event that reports it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec

from olhubd.decide.hold import Hold
from olhubd.engine.outbox.doubts import Doubts
from olhubd.engine.outbox.job import DeliveryOutcome, Job
from olhubd.model import Delivery, DeliveryState
from olhubd.plugin import Clock

__all__ = ["Verdicts"]


class Verdicts:
    """Those of one target."""

    def __init__(self, target: str, clock: Clock, doubts: Doubts) -> None:
        self._target = target
        self._clock = clock
        self._doubts = doubts

    def later(self, job: Job[Any], state: DeliveryState, pause: float, why: str) -> DeliveryOutcome:
        """Not done, or not known to be: it is looked at again in `pause` seconds."""
        delivery = job.delivery
        due = self._clock.now() + timedelta(seconds=pause)
        # The first failure is an event; the row itself counts the others.
        first = delivery.error is None and delivery.attempts <= 1
        return self.outcome(
            job,
            msgspec.structs.replace(
                delivery,
                state=state,
                due_at=due,
                sent_at=delivery.sent_at if state is DeliveryState.SENT else None,
                error=why,
            ),
            event="delivery.delayed" if first else None,
            facts={"reason": why},
        )

    def submitted(self, job: Job[Any], ticket: str, after: float) -> DeliveryOutcome:
        """The target does it later: its report is asked for in `after` seconds."""
        delivery = job.delivery
        return self.outcome(
            job,
            msgspec.structs.replace(
                delivery,
                state=DeliveryState.SENT,
                ticket=ticket,
                due_at=self._clock.now() + timedelta(seconds=after),
                error=None,
            ),
            event="delivery.submitted" if delivery.ticket is None else None,
            facts={"ticket": ticket},
        )

    def hold(
        self,
        job: Job[Any],
        reason: str,
        kind: Hold,
        sent: bool = False,
        external_id: str | None = None,
        field: str | None = None,
    ) -> DeliveryOutcome:
        """A person must handle it. `sent`: it may be done, or is."""
        delivery = job.delivery
        unknown = sent or delivery.state is DeliveryState.SENT
        return self.outcome(
            job,
            msgspec.structs.replace(
                delivery,
                state=DeliveryState.HOLD,
                reason=reason,
                sent_at=delivery.sent_at if unknown else None,
                external_id=external_id or delivery.external_id,
            ),
            event="delivery.held",
            facts={"reason": reason, "kind": kind.value, **({"field": field} if field else {})},
        )

    def confirmed(self, job: Job[Any]) -> DeliveryOutcome:
        """It is done."""
        done = self.end(job, DeliveryState.CONFIRMED, None)
        return msgspec.structs.replace(done, event="delivery.confirmed", facts={"target": self._target})

    def end(
        self,
        job: Job[Any],
        state: DeliveryState,
        reason: str | None,
        external_id: str | None = None,
        event: str = "delivery.dropped",
    ) -> DeliveryOutcome:
        """Nothing is pending any more."""
        ended = msgspec.structs.replace(
            job.delivery,
            state=state,
            reason=reason,
            finished_at=self._clock.now(),
            external_id=external_id or job.delivery.external_id,
        )
        return self.outcome(job, ended, event=event, facts={"reason": reason} if reason else {})

    def outcome(
        self, job: Job[Any], delivery: Delivery, event: str | None, facts: dict[str, Any]
    ) -> DeliveryOutcome:
        """Any verdict, with the facts that all have."""
        if not delivery.state.open:
            self._doubts.forget(delivery)
        facts = {"delivery": delivery.id, "action": delivery.action.value, "target": self._target, **facts}
        ticket = delivery.ticket if delivery.state is DeliveryState.SENT else None
        stored = msgspec.structs.replace(delivery, lease_until=None, ticket=ticket)
        if delivery.state not in (DeliveryState.SENT, DeliveryState.RETRY):
            # What is tried after a person has seen to it, or after it became pending again, is counted from the
            # beginning.
            stored = msgspec.structs.replace(stored, unknown_tries=0, unknown_words=None)
        return DeliveryOutcome(
            delivery=stored,
            account=job.stored.account,
            event=event,
            facts=facts,
        )
