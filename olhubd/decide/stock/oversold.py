"""Why more was sold of a stock item than there is: the cause, from what was known. Pure.

A buyer who buys before the hub could know of the sale that took the last piece is nobody's fault but that of the
way the news takes. Where it was known, something kept the lower number from being shown.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from datetime import datetime

import msgspec

from olhubd.decide.stock.dispute import WITHIN
from olhubd.decide.stock.level import Drift, Phase

__all__ = [
    "FoundBy",
    "KnownCommand",
    "KnownOffer",
    "KnownSale",
    "OversoldCause",
    "OversoldFacts",
    "cause_of",
    "last_raise",
]


class FoundBy(enum.StrEnum):
    """What brought it to light. Its word is stored, so it never changes."""

    ORDER = "order"
    """The order itself: it needs pieces that are not there."""
    READING = "reading"
    """A reading of the stock master: pieces that the order needs are gone there."""


class OversoldCause(enum.StrEnum):
    """Why it came to it. Its word is stored, so it never changes."""

    LATE_NEWS = "late-news"
    """Bought before the order that took the last piece had reached the hub, or late to reach it itself."""
    LATE_MASTER = "late-master"
    """The stock master had lowered its number, and no reading had shown that."""
    UNDER_WAY = "under-way"
    """Bought while the lower number was sent and not yet shown."""
    UNSENT = "unsent"
    """Bought while a lower number was wanted and could not be sent."""
    BY_HAND = "by-hand"
    """Somebody else, or the marketplace itself, gave the offer a higher number."""
    HELD = "held"
    """The brake, or a person who rejected its plan, kept the offer at its number."""
    UNKNOWN = "unknown"
    """What the offer showed was not known, or nobody had counted what it sells."""
    UNEXPLAINED = "unexplained"
    """Nothing that is known explains it."""


class KnownSale(msgspec.Struct, frozen=True, kw_only=True):
    """Another order that took pieces of the item: when the buyer bought, and when the order was here."""

    account: str
    order_id: int
    pieces: int
    bought_at: datetime
    landed_at: datetime


class KnownCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A command to the offer of which it was not known what became of it."""

    id: str
    action: str
    state: str
    created_at: datetime
    value: int | None = None
    change: int | None = None


class KnownOffer(msgspec.Struct, frozen=True, kw_only=True):
    """What was known of the offer that sold it, by the names of `olhubd.decide.stock.level.OfferLevel`.

    `wanted_since` is when its number was computed last; `held` is the code of why it may not be changed.
    """

    external_id: str
    units: int = 1
    wanted: int | None = None
    wanted_since: datetime | None = None
    sent: int | None = None
    sent_at: datetime | None = None
    confirmed: int | None = None
    confirmed_at: datetime | None = None
    shown: bool = False
    """Whether it was read since then that it shows that number."""
    phase: Phase = Phase.SETTLED
    bound: int | None = None
    held: str | None = None
    reason: str | None = None
    disputed_at: datetime | None = None
    raised_at: datetime | None = None
    """When somebody else was last seen to have given it a higher number."""


class OversoldFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What was known when an order was found to need more than there is.

    It needs `pieces` of the item in all. `counted` is the number of the stock `master`, `reserved` what orders need
    of it that the number does not show, this one's pieces among it. `sales` are the last other ones of the item,
    the newest first.
    """

    bought_at: datetime
    found_at: datetime
    pieces: int
    master: str
    counted: int
    reserved: int
    read_at: datetime
    offer: KnownOffer | None = None
    sales: tuple[KnownSale, ...] = ()
    commands: tuple[KnownCommand, ...] = ()


def cause_of(facts: OversoldFacts, by: FoundBy) -> OversoldCause:
    """Why it came to it, by the first of these that is so."""
    offer, bought = facts.offer, facts.bought_at
    if offer is None or (offer.confirmed is None and offer.sent is None):
        return OversoldCause.UNKNOWN
    if offer.held == "level.braked":
        return OversoldCause.HELD
    if offer.disputed_at is not None or _raised(offer, bought):
        return OversoldCause.BY_HAND
    since = offer.wanted_since
    late_shown = not offer.shown or (offer.confirmed_at is not None and bought < offer.confirmed_at)
    if since is not None and bought >= since and late_shown:
        sent = offer.sent_at is not None and since <= offer.sent_at <= bought
        return OversoldCause.UNDER_WAY if sent else OversoldCause.UNSENT
    late = {sale.account for sale in facts.sales if sale.landed_at > bought}
    if late - {facts.master}:
        return OversoldCause.LATE_NEWS
    if late or by is FoundBy.READING:
        return OversoldCause.LATE_MASTER
    if _beyond(offer, facts):
        return OversoldCause.BY_HAND
    if offer.sent_at is not None and offer.sent_at > bought:
        # Its number was written once more before this order was here.
        return OversoldCause.LATE_NEWS
    return OversoldCause.UNEXPLAINED if offer.wanted is not None else OversoldCause.UNKNOWN


def last_raise(drifts: Sequence[Drift]) -> datetime | None:
    """When somebody else was last seen to have given an offer a higher number."""
    return max((one.at for one in drifts if one.shown > one.wanted), default=None)


def _raised(offer: KnownOffer, bought: datetime) -> bool:
    """Whether it was bought after somebody had raised it, before it was read to show again what is wanted."""
    raised, right = offer.raised_at, offer.confirmed_at
    if raised is None or abs(bought - raised) > WITHIN:
        return False
    return right is None or right <= raised or bought < right


def _beyond(offer: KnownOffer, facts: OversoldFacts) -> bool:
    """Whether it sold more than was left in it when it was read last, with nothing under way."""
    settled = offer.phase is Phase.SETTLED and offer.confirmed is not None
    return settled and facts.pieces > (offer.confirmed or 0) * offer.units
