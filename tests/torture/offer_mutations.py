"""The guards of offers made, each switched off, and what must miss it; see `tests.torture.mutations`."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from olhubd.decide.offers.making import publish_at
from olhubd.decide.plan import PlannedDelivery
from olhubd.engine.operator import offer_request
from olhubd.engine.outbox.actions.create_offer import CreateOffer
from olhubd.engine.outbox.job import Job
from olhubd.engine.outbox.offer_answer import OfferHandler
from olhubd.engine.outbox.target import TargetAccount
from tests.torture.mutations import Mutation, small, swap

__all__ = ["OFFER_MUTATIONS"]


def _not_looked_up() -> Any:
    """What was sent and not answered is taken for what never arrived."""

    async def nothing(_self: CreateOffer, _target: TargetAccount, _job: Job[Any]) -> None:
        return None

    return swap(CreateOffer, "look_up", nothing)


def _published_at_once() -> Any:
    """What was made is published, whatever was asked for."""

    def following(_self: CreateOffer, target: TargetAccount, job: Job[Any]) -> Sequence[PlannedDelivery]:
        return (publish_at(target.name, job.delivery.key),)

    return swap(CreateOffer, "following", following)


def _publishing_survives_the_end() -> Any:
    """An end drops nothing that would publish the offer, and is not done once more."""

    async def nothing(*_args: Any) -> bool:
        return False

    return swap(offer_request, "_unpublish", nothing)


def _end_not_repeated() -> Any:
    """A publishing that was dropped counts as one that can act no more."""
    drop = offer_request.drop_publishing

    async def certain(*args: Any, **named: Any) -> bool:
        await drop(*args, **named)
        return False

    return swap(offer_request, "drop_publishing", certain)


def _nothing_settles() -> Any:
    """What was sent and not answered can act no more, and what is newer is sent at once."""

    def at_once(_self: OfferHandler, _target: TargetAccount, _job: Job[Any]) -> timedelta:
        return timedelta()

    return swap(OfferHandler, "settle", at_once)


def _asked_while_it_is_made() -> Any:
    """An offer that is being made can be changed and ended, whatever still follows from its making."""

    async def never(*_args: Any) -> bool:
        return False

    stack = contextlib.ExitStack()
    stack.enter_context(swap(offer_request, "_under_way", never))
    return stack


OFFER_MUTATIONS: dict[str, Mutation] = {
    "an offer that is not looked up before a try": Mutation(
        _not_looked_up, small("an offer whose answer is lost"), frozenset({"made"})
    ),
    "an offer that is published before anybody asked": Mutation(
        _published_at_once, small("a draft that nobody publishes"), frozenset({"published"})
    ),
    "a publishing that outlives the end": Mutation(
        _publishing_survives_the_end, small("a publishing that acts late, and an end"), frozenset({"woken"})
    ),
    "an end before a publishing has settled": Mutation(
        _end_not_repeated, small("a publishing that acts late, and an end"), frozenset({"woken"})
    ),
    "an older change that acts after a newer one": Mutation(
        _nothing_settles, small("a change that acts late, and another"), frozenset({"fields"})
    ),
    "a change while the offer is being made": Mutation(
        _asked_while_it_is_made, small("an offer that is changed while it is made"), frozenset({"unpublished"})
    ),
}
