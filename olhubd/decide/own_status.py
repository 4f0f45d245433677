"""The seller's own statuses: which one an order gets, and what follows from it at marketplaces and shops. Pure.

An order has one of them beside the canonical state, or none. Of each account and the hub one side leads: the hub's
status is written to an account that it leads, and taken from an account that leads, never both. So what the hub
wrote is no news when it comes back.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta

import msgspec

from olhubd.decide.compare import cancelled
from olhubd.decide.plan import PlannedDelivery, status_at
from olhubd.decide.route import Route
from olhubd.model import Order, Stage

__all__ = [
    "NO_STATUSES",
    "FirstStatuses",
    "OrderFrom",
    "OwnStatus",
    "OwnStatuses",
    "StatusLeader",
    "first_status",
    "goes_to",
    "next_status",
    "plan_status",
]


class StatusLeader(enum.StrEnum):
    """Which side's status the other one follows."""

    HUB = "hub"
    ACCOUNT = "account"


class OrderFrom(enum.StrEnum):
    """From when on a sale gets a first status."""

    SOLD = "sold"
    """As soon as it is known, finished or not."""
    CONFIRMED = "confirmed"
    """Complete: the delivery form arrived."""
    PAID = "paid"
    """Complete and fully paid, or cash on delivery."""


class OwnStatus(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One status of the seller's own list. `title` is what people read.

    `sends` has the word of each account that an order gets there, `follows` the words of each account by which an
    order gets this status. Both are by the name of the account.
    """

    name: str
    title: str
    sends: Mapping[str, str] = {}
    follows: Mapping[str, tuple[str, ...]] = {}


class FirstStatuses(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which status new orders of an account get. `cod` and then `paid` win over `general`."""

    general: str | None = None
    cod: str | None = None
    paid: str | None = None
    order_from: OrderFrom = OrderFrom.SOLD


class OwnStatuses(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The list in its order, the first statuses by account, and the accounts that lead."""

    items: tuple[OwnStatus, ...] = ()
    first: Mapping[str, FirstStatuses] = {}
    leading: frozenset[str] = frozenset()

    def get(self, name: str | None) -> OwnStatus | None:
        return next((one for one in self.items if one.name == name), None)

    def word(self, name: str | None, account: str) -> str | None:
        """What an order with this status is to be at an account; None where that leads or nothing is mapped."""
        status = self.get(name)
        return None if status is None or account in self.leading else status.sends.get(account)

    def by_word(self, account: str, word: str | None) -> str | None:
        """The status that an account's word stands for; None where the hub leads or nothing is mapped."""
        if word is None or account not in self.leading:
            return None
        return next((one.name for one in self.items if word in one.follows.get(account, ())), None)


NO_STATUSES = OwnStatuses()


def first_status(account: str, order: Order, own: OwnStatuses) -> str | None:
    """The status that a new order gets by the account's settings; None where they say nothing of it yet."""
    rule = own.first.get(account)
    if rule is None or cancelled(order) or not _counts(order, rule.order_from):
        return None
    if order.cash_on_delivery:
        wanted: tuple[str | None, ...] = (rule.cod, rule.general)
    elif order.fully_paid:
        wanted = (rule.paid, rule.general)
    else:
        wanted = (rule.general,)
    return next((name for name in wanted if own.get(name) is not None), None)


def next_status(
    account: str, before: Order | None, after: Order, current: str | None, own: OwnStatuses
) -> str | None:
    """The status that an order has after its source reported it.

    Where the source leads, its word decides as often as it changes. Else an order that still has its first status
    gets the one that would be its first now: a payment found later moves it off the general one.
    """
    told = own.by_word(account, _word(account, after, own))
    if told is not None and (before is None or _word(account, before, own) != _word(account, after, own)):
        return told
    was = None if before is None else first_status(account, before, own)
    now = first_status(account, after, own)
    return now if current == was and now is not None else current


def goes_to(
    account: str, name: str | None, routes: Sequence[Route], holders: Collection[str], own: OwnStatuses
) -> dict[str, str]:
    """Where a status is written, by account and its word: to the source, and to the targets that have the order."""
    told = [route.target for route in routes if account in route.sources and route.sync_status]
    concerned = [account, *(target for target in told if target in holders)]
    return {one: word for one in concerned if (word := own.word(name, one)) is not None}


def plan_status(
    account: str,
    order: Order,
    name: str | None,
    routes: Sequence[Route],
    holders: Collection[str],
    own: OwnStatuses,
    cause: int = 0,
    *,
    collected: bool = False,
) -> Iterator[PlannedDelivery]:
    """What a status brings about. Nothing for an order that is off, nor where the source says it already.

    What is `collected` waits for the window of its route; what a person says goes at once.
    """
    if cancelled(order):
        return
    windows = {route.target: route.status_window for route in routes if collected and account in route.sources}
    for target, word in goes_to(account, name, routes, holders, own).items():
        if target != account or word not in (order.external_fulfilment, order.external_stage):
            yield status_at(target, word, cause, window=windows.get(target, timedelta(0)))


def _counts(order: Order, order_from: OrderFrom) -> bool:
    match order_from:
        case OrderFrom.SOLD:
            return True
        case OrderFrom.CONFIRMED:
            return order.stage is Stage.CONFIRMED
        case OrderFrom.PAID:
            return order.stage is Stage.CONFIRMED and (order.cash_on_delivery or order.fully_paid)


def _word(account: str, order: Order, own: OwnStatuses) -> str | None:
    """The source's word for how far the order is: marketplaces say it apart from the stage, shops have one word."""
    words = (order.external_fulfilment, order.external_stage)
    return next((word for word in words if own.by_word(account, word) is not None), None)
