"""The pieces of one item divided between two channels as a transition system: sales, orders, readings and commands.

What the hub wants is not modelled: it may move a piece from any offer to any other at any moment, and raise what
is free. So what holds here holds for each way to divide. Orders land late, or are found by the sweep alone; a
reading is answered before a sale and lands after it; a command acts late or never, and its answer may be lost.

The bound of an offer is what the hub takes it to be able to sell, with what was bought and has not landed. Each
rule by which it is kept is a switch, so that it can be seen what goes wrong without it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Offer", "Rules", "State", "start", "steps", "wrong"]


@dataclass(frozen=True)
class Rules:
    """What the hub keeps to."""

    changes: bool = True
    """An offer is changed by so many pieces, and gets no number."""
    charged_when_kept: bool = True
    """A raise counts from the moment its command is kept, and not when it is known to be done."""
    giver_is_read: bool = True
    """What an offer gives up is free when a reading has shown the lower number, and not when it is sent."""
    report_is_needed: bool = True
    """A lower number without the command's own report may be a sale, so it frees nothing."""
    divided_when_kept: bool = True
    """What is free is counted in the transaction that keeps a command, and not before the other one was kept."""
    swept_first: bool = True
    """A fall that nothing explains is believed when all orders were swept after it was read."""
    one_unsettled: bool = True
    """No command is sent again while it is unknown what became of the one before."""
    stock: int = 3
    sales: int = 3
    restock: int = 1


class Offer(NamedTuple):
    """`shown` is what buyers can buy; `unread` were bought and have not landed."""

    shown: int
    unread: int = 0
    bound: int = 0
    read: int | None = None
    """What the newest reading showed; None where nothing was read since the last command."""
    asked: int | None = None
    """What a reading under way was answered, which has not landed."""
    older: bool = False
    """Whether an order has landed since it was asked for."""
    sent: int = 0
    """The change under way that may still act; 0 for none."""
    again: int = 0
    """The same, sent a second time."""
    done: int = 0
    """The change that has acted and is not read back."""
    reported: bool = False
    settling: bool = False
    """Whether the command can act no more, and is not read back."""
    value: int = 0
    """What a command gives it, where it is given a number."""


class State(NamedTuple):
    offers: tuple[Offer, Offer]
    sellable: int
    """What may be sold as far as is known."""
    bought: int
    sold: int = 0
    restocked: int = 0


def start(rules: Rules) -> State:
    first, second = rules.stock - rules.stock // 2, rules.stock // 2
    return State(
        offers=(Offer(shown=first, bound=first, read=first), Offer(shown=second, bound=second, read=second)),
        sellable=rules.stock,
        bought=rules.stock,
    )


def wrong(state: State) -> str | None:
    shown = sum(offer.shown for offer in state.offers)
    if shown + state.sold > state.bought:
        return f"{shown} for sale and {state.sold} sold of {state.bought}"
    return None


def steps(rules: Rules, state: State) -> Iterator[tuple[str, State]]:
    if state.restocked < rules.restock:
        yield (
            "restock",
            state._replace(restocked=state.restocked + 1, bought=state.bought + 1, sellable=state.sellable + 1),
        )
    for place, offer in enumerate(state.offers):
        name = "ab"[place]
        if offer.shown and state.sold < rules.sales:
            after = offer._replace(shown=offer.shown - 1, unread=offer.unread + 1)
            yield f"{name} sells", _with(state, place, after)._replace(sold=state.sold + 1)
        if offer.unread:
            after = offer._replace(unread=offer.unread - 1, bound=max(0, offer.bound - 1), older=True)
            yield f"{name}: an order lands", _with(state, place, after)._replace(sellable=state.sellable - 1)
        for step, after in _readings(rules, offer):
            yield f"{name}: {step}", _with(state, place, after)
        for step, after in _commands(rules, state, offer):
            yield f"{name}: {step}", _with(state, place, after)


def _with(state: State, place: int, offer: Offer) -> State:
    offers = (offer, state.offers[1]) if place == 0 else (state.offers[0], offer)
    return state._replace(offers=offers)


def _readings(rules: Rules, o: Offer) -> Iterator[tuple[str, Offer]]:
    quiet = not (o.sent or o.again or o.settling)
    if o.asked is None and quiet:
        yield "asked", o._replace(asked=o.shown, older=False)
    if o.asked is not None and quiet:
        # Somebody else may have raised it; a reading older than an order that landed says nothing of that.
        bound = o.bound if o.older else max(o.bound, o.asked)
        yield "reading lands", o._replace(read=o.asked, asked=None, bound=bound)
    swept = o.unread == 0 or not rules.swept_first
    if swept and quiet and o.read is not None and o.read < o.bound:
        yield "a fall is believed", o._replace(bound=o.read)


def _commands(rules: Rules, s: State, o: Offer) -> Iterator[tuple[str, Offer]]:
    if not (o.sent or o.again or o.settling):
        ahead = 0 if rules.divided_when_kept else sum(max(0, offer.sent) for offer in s.offers)
        free = s.sellable - sum(offer.bound for offer in s.offers) + ahead
        if free > 0:
            charge = 1 if rules.charged_when_kept else 0
            yield "raised", o._replace(sent=1, bound=o.bound + charge, value=(o.read or 0) + 1, asked=None)
        if o.read:
            given = 0 if rules.giver_is_read else 1
            yield "lowered", o._replace(sent=-1, bound=o.bound - given, value=o.read - 1, asked=None)
    for which in ("sent", "again"):
        change: int = getattr(o, which)
        if not change:
            continue
        other: int = o.again if which == "sent" else o.sent
        rest = o._replace(settling=not other)
        rest = rest._replace(sent=0) if which == "sent" else rest._replace(again=0)
        if rules.changes and o.shown + change >= 0:
            yield "acts", rest._replace(shown=o.shown + change, done=change)
        elif not rules.changes:
            yield "acts", rest._replace(shown=o.value, done=change)
        yield "is lost", rest
    if not rules.one_unsettled and o.sent and not o.again:
        yield "sent again", o._replace(again=o.sent)
    if o.settling:
        if o.done and not o.reported:
            yield "reported", o._replace(reported=True)
        yield "read back", _read_back(rules, o)


def _read_back(rules: Rules, o: Offer) -> Offer:
    """The command acts no more: what the offer shows is read, and may have been lowered by a sale as well."""
    bound = o.bound
    lowers = o.done < 0 or (not rules.report_is_needed and o.value < (o.read or 0))
    known = o.reported or not rules.report_is_needed
    if rules.giver_is_read and lowers and known and 0 < o.shown <= bound - 1:
        bound -= 1
    if not rules.charged_when_kept and o.done > 0 and o.reported:
        bound += 1
    bound = max(bound, o.shown)
    return o._replace(bound=bound, read=o.shown, settling=False, done=0, reported=False, value=0)
