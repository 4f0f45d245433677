"""One decision about all deliveries that wait for the same cause.

Each is decided about by itself, as a person would do it with one, so that one that cannot be helped keeps no other.
What came to the cause after the person looked is left alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime

import msgspec

from olhubd.decide.hold_cause import cause
from olhubd.engine.errors import NotPossible
from olhubd.engine.operator.deliveries import DeliveryActions, Still
from olhubd.model import Action, Delivery, DeliveryId, DeliveryState, Reason
from olhubd.store import Database, Reader, holds
from olhubd.store.holds import HeldDelivery

__all__ = ["CauseOutcome", "HoldCause", "HoldCauseActions", "NotDecided", "causes", "of_cause"]

_PORTION = 200
"""Deliveries of one decision: more take longer than a person waits for an answer."""
_PAGE = 500
_Decide = Callable[[DeliveryId, Still], Awaitable[Delivery]]


class HoldCause(msgspec.Struct, frozen=True, kw_only=True):
    """A cause with `count` deliveries, `first` and `last` of which were made then. `latest` is the newest one."""

    name: str
    target: str
    action: Action
    count: int
    first: datetime
    last: datetime
    latest: DeliveryId


class NotDecided(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that stays as it is, and why."""

    id: DeliveryId
    why: str


class CauseOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """`done` deliveries went on. `left` more wait behind `through`, the newest one of this portion."""

    done: int
    refused: tuple[NotDecided, ...]
    left: int
    through: DeliveryId


async def causes(reader: Reader, target: str | None = None) -> list[HoldCause]:
    """What deliveries wait for, the cause of most of them first."""
    found: dict[str, HoldCause] = {}
    async for held in _held(reader, target):
        name = cause(held.target, held.action, held.reason)
        known = found.get(name)
        found[name] = HoldCause(
            name=name,
            target=held.target,
            action=held.action,
            count=1 + (known.count if known else 0),
            first=min(held.created_at, known.first) if known else held.created_at,
            last=max(held.created_at, known.last) if known else held.created_at,
            latest=known.latest if known else held.id,
        )
    return sorted(found.values(), key=lambda one: (-one.count, one.first, one.name))


async def of_cause(reader: Reader, name: str, target: str | None = None) -> list[DeliveryId]:
    """The deliveries that wait for a cause, the newest first."""
    return [held.id async for held in _held(reader, target) if cause(held.target, held.action, held.reason) == name]


async def _held(reader: Reader, target: str | None) -> AsyncIterator[HeldDelivery]:
    before: int | None = None
    while page := await holds.held(reader, target, before, _PAGE):
        for held in page:
            yield held
        before = page[-1].id


class HoldCauseActions:
    """What people do with all deliveries of a cause: those up to the one that was the newest when they looked."""

    def __init__(self, actions: DeliveryActions, database: Database) -> None:
        self._actions = actions
        self._database = database

    async def retry(self, name: str, after: DeliveryId, until: DeliveryId, who: str) -> CauseOutcome:
        """Try them again."""
        return await self._each(name, after, until, lambda id_, still: self._actions.retry(id_, who, still=still))

    async def release(self, name: str, after: DeliveryId, until: DeliveryId, who: str) -> CauseOutcome:
        """Let them go although a rule of their route holds them; what no rule holds stays."""
        return await self._each(
            name, after, until, lambda id_, still: self._actions.release(id_, who, rule=True, still=still)
        )

    async def discard(self, name: str, after: DeliveryId, until: DeliveryId, who: str, reason: str) -> CauseOutcome:
        """Give them up for good."""
        return await self._each(
            name, after, until, lambda id_, still: self._actions.discard(id_, who, reason, still=still)
        )

    async def _each(self, name: str, after: DeliveryId, until: DeliveryId, decide: _Decide) -> CauseOutcome:
        """The oldest first. One that waits again for the same cause is not decided about twice."""
        found = await self._database.reader.together(lambda reader: of_cause(reader, name))
        waiting = sorted(id_ for id_ in found if after < id_ <= until)
        portion, refused, still = waiting[:_PORTION], [], _waits_for(name)
        for id_ in portion:
            try:
                await decide(id_, still)
            except NotPossible as error:
                refused.append(NotDecided(id=id_, why=str(error)))
        return CauseOutcome(
            done=len(portion) - len(refused),
            refused=tuple(refused),
            left=len(waiting) - len(portion),
            through=portion[-1] if portion else until,
        )


def _waits_for(name: str) -> Still:
    """Why a delivery is no part of a decision any more: since the list was read it may wait for something else."""

    def asked(delivery: Delivery) -> str | None:
        waits = delivery.state is DeliveryState.HOLD
        same = cause(delivery.target, delivery.action, delivery.reason or delivery.error) == name
        return None if waits and same else Reason("delivery.other-cause", delivery=delivery.id)

    return asked
