"""What of the offers must be reported to a person: one alarm of a kind an account, which names the first. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from olhubd.decide.alarm_rules import AlarmFinding
from olhubd.decide.stock.dispute import changes
from olhubd.decide.stock.level import OfferLevel
from olhubd.decide.stock.oversold import OversoldCause
from olhubd.model import AlarmKind, Reason

__all__ = ["BrakedOffers", "OversoldFinding", "SellingOn", "StockFacts", "SurplusOffer", "stock_findings"]

T = TypeVar("T")

_LATE = timedelta(minutes=15)
"""What became of a command is known sooner, and a stop is carried out sooner."""


class SurplusOffer(msgspec.Struct, frozen=True, kw_only=True):
    """An offer that nobody had linked: it sells `shown` pieces of what is `known`. `wanted` may be sold of it; None
    while it is linked to nothing."""

    account: str
    offer: str
    known: str
    shown: int
    wanted: int | None


class BrakedOffers(msgspec.Struct, frozen=True, kw_only=True):
    """A plan that waits for a person: the numbers of `master` would change so many `offers` of `account`."""

    plan: int
    account: str
    master: str
    offers: int
    zeros: int
    raises: int


class SellingOn(msgspec.Struct, frozen=True, kw_only=True):
    """An account on which a person stopped all selling `at` that time, and so many `offers` can still be bought.
    `why` nothing can be written to it; None where it is at work."""

    account: str
    at: datetime
    offers: int
    why: str | None = None


class OversoldFinding(msgspec.Struct, frozen=True, kw_only=True):
    """An `order` of `account`, by its number there, that needs `pieces` of an `item` that are not there."""

    record: int
    account: str
    order: str
    item: str
    pieces: int
    cause: OversoldCause


class StockFacts(msgspec.Struct, frozen=True, kw_only=True):
    """`renewing` are offers that their marketplace lists again by itself, `unsettled` since when the oldest command
    is of which nobody knows what became of it; both by account."""

    now: datetime
    disputed: Sequence[OfferLevel] = ()
    stuck: Sequence[OfferLevel] = ()
    surplus: Sequence[SurplusOffer] = ()
    renewing: Mapping[str, Sequence[str]] = {}
    unsettled: Mapping[str, datetime] = {}
    braked: Sequence[BrakedOffers] = ()
    selling: Sequence[SellingOn] = ()
    unrestored: Sequence[OfferLevel] = ()
    oversold: Sequence[OversoldFinding] = ()


def stock_findings(facts: StockFacts) -> Iterator[AlarmFinding]:
    """Everything that is wrong with offers."""
    yield from _each(AlarmKind.DISPUTE, facts.disputed, lambda row: (row.account, _dispute(row)))
    yield from _each(AlarmKind.UNRESTORED, facts.unrestored, lambda row: (row.account, _unrestored(row)))
    yield from _each(AlarmKind.BRAKE, facts.braked, lambda one: (one.account, _braked(one)))
    yield from _each(AlarmKind.OVERSOLD, facts.oversold, lambda one: (one.account, _oversold(one)))
    late = {name: at for name, at in facts.unsettled.items() if facts.now - at > _LATE}
    unlowered = [
        (one.account, _selling(one)) for one in facts.selling if one.why is not None or facts.now - one.at > _LATE
    ]
    unlowered += [(row.account, _stuck(row)) for row in facts.stuck]
    unlowered += [
        (name, Reason("alarm.command-unknown", since=f"{at:%Y-%m-%d %H:%M}")) for name, at in late.items()
    ]
    yield from _each(AlarmKind.UNLOWERED, unlowered, lambda one: one)
    unknown = [(one.account, _surplus(one)) for one in facts.surplus]
    unknown += [(name, Reason("alarm.renews", offer=one)) for name, some in facts.renewing.items() for one in some]
    yield from _each(AlarmKind.UNKNOWN_OFFER, unknown, lambda one: one)


def _each(kind: AlarmKind, some: Sequence[T], told: Callable[[T], tuple[str, Reason]]) -> Iterator[AlarmFinding]:
    by_account: dict[str, list[Reason]] = {}
    for account, reason in map(told, some):
        by_account.setdefault(account, []).append(reason)
    for account, reasons in by_account.items():
        first, more = reasons[0], len(reasons) - 1
        detail = Reason("alarm.and-more", first=first, n=more) if more else first
        yield AlarmFinding(kind=kind, subject=account, detail=detail)


def _dispute(row: OfferLevel) -> Reason:
    return Reason("alarm.dispute", offer=row.external_id, changes=changes(row.drifts), wanted=row.wanted or 0)


def _braked(one: BrakedOffers) -> Reason:
    return Reason(
        "alarm.brake", plan=one.plan, master=one.master, offers=one.offers, zeros=one.zeros, raises=one.raises
    )


def _oversold(one: OversoldFinding) -> Reason:
    why = Reason(f"oversold.{one.cause.value}")
    return Reason("alarm.oversold", record=one.record, order=one.order, item=one.item, pieces=one.pieces, why=why)


def _stuck(row: OfferLevel) -> Reason:
    code = "alarm.unlowered" if row.reason else "alarm.unlowered-unsaid"
    return Reason(
        code, offer=row.external_id, shown=row.confirmed or 0, wanted=row.wanted or 0, error=row.reason or ""
    )


def _unrestored(row: OfferLevel) -> Reason:
    return Reason("alarm.unrestored", offer=row.external_id, wanted=row.wanted or 0, why=row.reason or "")


def _selling(one: SellingOn) -> Reason:
    if one.why is None:
        return Reason("alarm.stop-late", n=one.offers, at=f"{one.at:%Y-%m-%d %H:%M}")
    return Reason("alarm.stop-unreached", n=one.offers, why=one.why)


def _surplus(one: SurplusOffer) -> Reason:
    if one.wanted is None:
        return Reason("alarm.unknown-offer", offer=one.offer, shown=one.shown, known=one.known)
    return Reason(
        "alarm.unknown-offer-linked", offer=one.offer, shown=one.shown, known=one.known, wanted=one.wanted
    )
