"""Prices out: what each offer of a channel must cost, written in as few calls as the system allows.

As with quantities (`olhubd.plugin.level`), the host keeps what is wanted, keeps each command before it is sent, and
reads back what the offer costs. A connector groups, writes, reports and reads.
"""

from __future__ import annotations

import abc
from collections.abc import Sequence
from datetime import timedelta

import msgspec

from olhubd.model import Money
from olhubd.plugin.level import Accepted, RowOutcome
from olhubd.plugin.part import Capability

__all__ = ["PriceCall", "PriceSink", "PriceWish", "ShownPrice"]


class PriceWish(msgspec.Struct, frozen=True, kw_only=True):
    """An offer that must cost `price`, with tax. It cost `shown` when it was read last, in the same currency.

    `refused` is how often writing it was refused or not kept since it last was as wanted: a connector whose system
    fails at one row of a call gives such an offer a call of its own.
    """

    offer: str
    price: Money
    shown: Money
    refused: int = 0


class PriceCall(msgspec.Struct, frozen=True, kw_only=True):
    """One call: what is done, at which price, to which offers. `action` is the connector's own word, without a
    blank in it."""

    action: str
    offers: tuple[str, ...]
    price: Money


class ShownPrice(msgspec.Struct, frozen=True, kw_only=True):
    """What an offer costs, with tax: the price that the seller has set, whatever a campaign makes of it for a time.

    `price` is None where the offer is there and its price is not known. That is neither zero nor an offer that is
    not there: it is read again.
    """

    offer: str
    price: Money | None


class PriceSink(Capability):
    """Prices of offers. Prices are with tax, as buyers see them.

    Each call gets a command's number, which the host makes for this one call, keeps before it is sent, and never
    uses for another. Where the system takes such a number it must be sent, so that a second call with it does
    nothing.
    """

    price_settle: timedelta = timedelta(seconds=5)
    """How long after a write a reading may still show the price before."""
    price_late: timedelta = timedelta(0)
    """How long after its answer was lost a call may still be carried out, as by a system that works on when its
    caller is gone. Until then a report of None says nothing, and no newer price is sent to its offers."""

    @abc.abstractmethod
    def plan_prices(self, wishes: Sequence[PriceWish]) -> Sequence[PriceCall]:
        """The fewest calls for these. Pure. Each offer stands in one call. One that must not be written is left
        out."""

    @abc.abstractmethod
    async def write_prices(self, command: str, call: PriceCall) -> Sequence[RowOutcome] | Accepted:
        """Make the call. On any doubt whether it was done raise OutcomeUnknown."""

    @abc.abstractmethod
    async def report_prices(self, command: str, call: PriceCall) -> Sequence[RowOutcome] | Accepted | None:
        """What became of the call, asked under its command. Each of its offers is found by its own number, or is
        not in the answer. None when the system does not know the command, or not all of it is seen to be done; once
        `price_late` is over that means that it never will be."""

    @abc.abstractmethod
    async def read_prices(self, offers: Sequence[str]) -> Sequence[ShownPrice]:
        """What these offers cost. One that is not in the answer is not there."""
