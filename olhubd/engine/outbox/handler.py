"""What a handler of an action is, and what it may answer.

A handler knows one action: by which capability of the connector it is done, what is sent, and what the answer
means. It stores nothing, and it catches no error of a connector: what those mean is one rule for all actions, which
is in `olhubd.engine.outbox.attempt` and goes by what the handler declares.
"""

from __future__ import annotations

import abc
import enum
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar, Generic, TypeVar

import msgspec

from olhubd.decide.hold import Hold
from olhubd.decide.plan import PlannedDelivery
from olhubd.engine.outbox.job import Job
from olhubd.engine.outbox.target import CapabilityMissing, TargetAccount
from olhubd.model import Action, Delivery, Kind, Offer, Reason
from olhubd.plugin import Capability
from olhubd.store.target_orders import TargetOrder

__all__ = ["Done", "Handler", "Obsolete", "OnHold", "Result", "Reverse", "Submitted", "WaitRule"]

C = TypeVar("C", bound=Capability)


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """The target has it. `external_id` is its name for what was created, `planned` is what follows.

    `offer` is an offer as it was read when it was written.
    """

    external_id: str | None = None
    facts: dict[str, Any] = {}
    copy: TargetOrder | None = None
    planned: Sequence[PlannedDelivery] = ()
    offer: Offer | None = None


class OnHold(msgspec.Struct, frozen=True, kw_only=True):
    """A person must handle it. `sent`: it may be done, or is. `planned` is what still follows."""

    reason: str
    kind: Hold
    sent: bool = False
    external_id: str | None = None
    field: str | None = None
    facts: dict[str, Any] = {}
    copy: TargetOrder | None = None
    planned: Sequence[PlannedDelivery] = ()


class Submitted(msgspec.Struct, frozen=True):
    """The target accepted it and does it later. Its report is asked for under the ticket after so many seconds."""

    ticket: str
    after: float


class Obsolete(msgspec.Struct, frozen=True):
    """It is not pending any more, and it needs no person."""

    reason: str


Result = Done | Submitted | OnHold | Obsolete


class WaitRule(enum.Enum):
    """Whether later deliveries about the same to the same target wait while this one is open."""

    ALWAYS = "always"
    UNTIL_HELD = "until it is held for a person"
    NEVER = "never"


class Reverse(msgspec.Struct, frozen=True, kw_only=True):
    """What undoes an action: another action, or a request by one of these `events`. `asked` is the event by which
    the action itself is asked for, `why` the code of a reason with `delivery`: it is not to be done any more."""

    action: Action
    why: str
    asked: str = ""
    events: frozenset[str] = frozenset()


class Handler(abc.ABC, Generic[C]):
    """One action. The attributes are what the rule for all actions goes by."""

    action: ClassVar[Action]
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.ORDER})
    """What its deliveries can be about. `Job.stored` is the record, as the flow of its kind reads it."""
    capability: type[C] | None
    """What the connector needs for it; None where a person does it."""
    unable: ClassVar[str] = "unable.action"
    """Why it is held where the connector lacks the capability: the code of a reason with `target` and `action`."""
    creates: ClassVar[bool] = False
    """Twice would be two: with an unknown outcome it is never just sent again."""
    looks_up: ClassVar[bool] = False
    """An unknown outcome is settled by `look_up`. Otherwise the sink reads before it writes: each try is a look."""
    repeats: ClassVar[bool] = False
    """Nobody can be asked whether it was done, so a person who retries it has it done once more."""
    waits_behind: ClassVar[WaitRule] = WaitRule.ALWAYS
    overtakes: ClassVar[bool] = False
    """It does not wait for a held delivery of what is at the target, though not as it should be."""
    passes: ClassVar[frozenset[Action]] = frozenset()
    """It does not wait for these while they are to be tried again."""
    lapses: ClassVar[bool] = False
    """Where the target says that it comes too late, it is given up and it needs no person."""
    on_copy: ClassVar[bool] = True
    """It is about the order at the target, which is read for it."""
    reverse: ClassVar[Reverse | None] = None
    """What undoes it, and is not undone by it where it was asked for later."""

    def sink(self, target: TargetAccount) -> C:
        """The target's connector as one that can do it. Raises CapabilityMissing, which holds the delivery."""
        assert self.capability is not None
        if (able := target.capability(self.capability)) is None:
            raise CapabilityMissing(Reason(self.unable, target=target.title, action=self.action.value))
        return able

    @abc.abstractmethod
    async def perform(self, target: TargetAccount, job: Job[Any]) -> Result:
        """Do it. Raises what the connector raises, and CapabilityMissing where it lacks the capability."""

    async def report(self, target: TargetAccount, job: Job[Any], ticket: str) -> Result | None:
        """The outcome of what was submitted; Submitted again while it is not done.

        None: the target knows no such ticket, so its outcome is not known; so it is where an action submits nothing
        any more. Raises what the target says of a failure as if it were said at once.
        """
        return None

    def overtaken(self, delivery: Delivery, later: Sequence[Delivery]) -> Delivery | None:
        """What of a delivery that waited for a person is still to be done, where these were planned after it about
        the same to the same target. None: nothing of it."""
        return delivery

    def still_ours(self, delivery: Delivery, *, stocked: bool, priced: bool) -> Delivery | None:
        """What of a delivery that waited for a person is not kept by stock control (`stocked`) or by a price list
        (`priced`) by now. None: nothing of it."""
        return delivery

    def settle(self, target: TargetAccount, job: Job[Any]) -> timedelta:
        """For how long after a lost answer it may still come into being: so long "not there" means nothing, and
        what is written again could be overwritten by it."""
        return timedelta()

    # For handlers that create something

    def sought(self, job: Job[Any]) -> bool:
        """Whether it is looked up although nothing of it was sent from here."""
        return False

    async def look_up(self, target: TargetAccount, job: Job[Any]) -> Result | None:
        """What there is at the target. None: nothing, or it is not known and the sink reads before it writes."""
        return None

    async def needless(self, target: TargetAccount, job: Job[Any]) -> str | None:
        """Why it is not to be sent any more, now that it is surely not there; None when it is."""
        return None
