"""Quantities out: what each offer of a channel must show, written in as few calls as the system allows.

A level is not sent once like an order; it has to be so. The host keeps what is wanted, keeps each command before it
is sent, and reads back what buyers see. A connector groups, writes, reports and reads.
"""

from __future__ import annotations

import abc
from collections.abc import Container, Sequence
from datetime import timedelta
from typing import ClassVar

import msgspec

from olhubd.model import LevelStep, OfferTerms
from olhubd.plugin.part import Capability

__all__ = ["Accepted", "LevelCall", "LevelSink", "LevelWish", "RowOutcome", "ShownLevel", "done_when_shown"]


class LevelWish(msgspec.Struct, frozen=True, kw_only=True):
    """An offer that must show `value` pieces. It showed `shown` when it was read last.

    `refused` is how often writing it was refused or not kept since it last was as wanted: a connector may try
    another way then, such as ending the offer where lowering it is refused.

    `step` says how. Anything but SHOW is about an offer that has ended, and comes only where `resumes` says that
    the system can do it: FILL puts `value` pieces into it and leaves it ended, ACTIVATE brings it back with them.

    `change` comes only where the sink `changes`, and then the offer must not be given a number above zero: what was
    bought a moment before would be put back. It is changed by so many pieces, up or down, or ended where `value` is
    zero.
    """

    offer: str
    value: int
    shown: int
    refused: int = 0
    step: LevelStep = LevelStep.SHOW
    change: int | None = None


class LevelCall(msgspec.Struct, frozen=True, kw_only=True):
    """One call: what is done, with which value, to which offers. `action` is the connector's own word.

    `ends` says that buyers can buy none of the offers when it is done. All its offers have the same step. `change`
    is by how much each is changed, where they are given no `value`; it is the `change` of all their wishes.
    """

    action: str
    offers: tuple[str, ...]
    value: int | None = None
    ends: bool = False
    change: int | None = None


class RowOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one offer of a call. Done means that it will show the value, not that it does already."""

    offer: str
    done: bool
    error: str | None = None
    """Why it was not done, in the system's own words."""


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The system does it later: its report is asked for in `after` seconds."""

    after: float


class ShownLevel(msgspec.Struct, frozen=True, kw_only=True):
    """What buyers see of an offer. `active` is False where it cannot be bought, whatever it holds.

    `quantity` is None where the offer is there and how many it shows is not known, as where its row makes no
    sense. That is neither zero nor an offer that is not there: it is read again.
    """

    offer: str
    quantity: int | None
    active: bool


class LevelSink(Capability):
    """Quantities of offers. It is taken for granted that the system lowers an offer by itself when a piece of it is
    sold.

    Each call gets a command's number, which the host makes for this one call, keeps before it is sent, and never
    uses for another. Where the system takes such a number it must be sent, so that a second call with it does
    nothing.
    """

    level_settle: timedelta = timedelta(seconds=5)
    """How long after a write a reading may still show the value before."""
    level_late: timedelta = timedelta(0)
    """How long after its answer was lost a call may still be carried out, as by a system that works on when its
    caller is gone. Until then a report of None says nothing, and no newer value is sent to its offers."""
    resumes: ClassVar[bool] = False
    """Whether an offer that has ended can be filled and activated again, under the same number."""
    renews: ClassVar[bool] = False
    """Whether the system may list an offer again by itself when it has ended. Then nothing is raised before
    `read_terms` has said that it does not do so with this one."""

    changes: ClassVar[bool] = False
    """Whether a quantity can be changed by so many pieces, by a command that the system does once at most whatever
    becomes of its answer, and that `report_levels` finds again. Without it nothing can be allocated there: a number
    overwrites what is sold at the same moment. A change that would take more than there is must be refused whole,
    or leave nothing for sale."""

    @abc.abstractmethod
    def plan_levels(self, wishes: Sequence[LevelWish]) -> Sequence[LevelCall]:
        """The fewest calls for these, in the order in which they are to be made: sold out first. Pure. Each offer
        stands in one call. One that must not be written is left out."""

    @abc.abstractmethod
    async def write_levels(self, command: str, call: LevelCall) -> Sequence[RowOutcome] | Accepted:
        """Make the call. On any doubt whether it was done raise OutcomeUnknown."""

    @abc.abstractmethod
    async def report_levels(self, command: str, call: LevelCall) -> Sequence[RowOutcome] | Accepted | None:
        """What became of the call, asked under its command. Each of its offers is found by its own number, or is
        not in the answer. None when the system does not know the command, or not all of it is seen to be done; once
        `level_late` is over that means that it never will be."""

    @abc.abstractmethod
    async def read_levels(self, offers: Sequence[str]) -> Sequence[ShownLevel]:
        """What buyers see of these offers. One that is not in the answer is not there."""

    async def read_terms(self, offers: Sequence[str]) -> Sequence[OfferTerms]:
        """By which terms these offers are listed, and how they ended. One that is not in the answer is not there.
        Needed where the connector `resumes` or `renews`."""
        return ()


def done_when_shown(offers: Sequence[str], showing: Container[str]) -> Sequence[RowOutcome] | None:
    """The report of a call to a system that keeps no commands: done when all its offers show what it wrote.

    `showing` are those that do. What is not done yet may be done later, so the report is None until then, and
    nothing newer is sent meanwhile.
    """
    if all(offer in showing for offer in offers):
        return [RowOutcome(offer=offer, done=True) for offer in offers]
    return None
